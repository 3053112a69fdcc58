"""The lines beside a button do what the button does: each is run as it is printed, and the ends are compared."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest

from tests.doors.conftest import Cli, cli
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web

__all__ = ["cli"]
# What a deed may leave behind, without the numbers and moments that differ each time.
STATE = """
SELECT (SELECT array_agg((id, name, status, pause_reason, paused_until IS NULL) ORDER BY id) FROM schedule_jobs)::text,
       (SELECT array_agg((id, job_id, status, trigger, attempt, cancel_requested) ORDER BY id) FROM job_executions)::text,
       (SELECT count(*) FROM schedule_locks)
"""
PAGES = {
    "run": "/scheduler/job/1/run", "pause": "/scheduler/job/1/pause", "resume": "/scheduler/job/1/resume",
    "delete": "/scheduler/job/1/delete", "restore": "/scheduler/jobs/1?tab=revisions", "gone": "/scheduler/jobs/1",
    "retry": "/scheduler/executions/1", "cancel": "/scheduler/executions/1", "release": "/scheduler/locks",
}
BUTTONS = {
    "run": ("/scheduler/job/1/run", {}), "pause": ("/scheduler/job/1/pause", {}), "resume": ("/scheduler/job/1/resume", {}),
    "delete": ("/scheduler/job/1/delete", {}), "restore": ("/scheduler/job/1/restore", {"revision": "1"}),
    "gone": ("/scheduler/job/1/restore", {}), "retry": ("/scheduler/executions/1/retry", {}),
    "cancel": ("/scheduler/executions/1/cancel", {}), "release": ("/scheduler/locks/1/release", {"force": "true"}),
}


def prepare(rows: Rows, deed: str) -> None:
    """Make job 1 as the deed finds it, and execution 1 where it is about one."""
    rows.connection.execute("TRUNCATE schedule_jobs, job_executions, job_revisions, schedule_locks RESTART IDENTITY CASCADE")
    rows.add_job("주문", status="paused" if deed == "resume" else "active")
    if deed in ("retry", "cancel"):
        status = "failed" if deed == "retry" else "queued"
        ended = "now()" if deed == "retry" else "NULL"
        rows.connection.execute(f"INSERT INTO job_executions (job_id, status, started_at, finished_at) VALUES (1, '{status}', "
                                f"{ended}, {ended})")
    if deed == "release":
        rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (1)")
    if deed == "restore":
        rows.connection.execute("UPDATE schedule_jobs SET name = '다른 이름'")
    if deed == "gone":
        rows.connection.execute("DELETE FROM schedule_jobs")


def printed(web: Web, deed: str, language: str = "ko") -> list[tuple[str, str]]:
    """Return the lines on the page of *deed*: SQL and command, for each way."""
    name = "restore" if deed == "gone" else deed
    text = web.page(PAGES[deed], language=language).text
    found = re.findall(rf'<pre class="grow" id="same-{name}-1(?:-1)?-(?:sql|cli)-\d">(.*?)</pre>', text)
    lines = [unescape(each) for each in found]
    assert lines and len(lines) % 2 == 0, deed
    return list(zip(lines[::2], lines[1::2], strict=True))


@pytest.mark.parametrize("deed", list(BUTTONS))
def test_button_statement_and_command_come_to_the_same(web: Web, rows: Rows, cli: Cli, deed: str) -> None:
    prepare(rows, deed)
    lines = printed(web, deed)
    path, fields = BUTTONS[deed]
    assert web.ask["admin"].post(path, data=fields, headers=HTML).status_code == 303
    wanted = rows.one(STATE)
    prepare(rows, deed)
    assert rows.one(STATE) != wanted
    rows.connection.execute(lines[0][0])
    assert rows.one(STATE) == wanted
    prepare(rows, deed)
    words = shlex.split(lines[0][1])
    assert words[0] == "erp-scheduler"
    cli(*words[1:])
    assert rows.one(STATE) == wanted


@pytest.mark.parametrize("deed", ["pause", "resume"])
def test_the_other_ways_run_as_printed_too(web: Web, rows: Rows, cli: Cli, deed: str) -> None:
    prepare(rows, deed)
    (statement, command), = printed(web, deed)[1:]
    ends = []
    for do in (lambda: rows.connection.execute(statement), lambda: cli(*shlex.split(command)[1:])):
        prepare(rows, deed)
        do()
        ends.append(rows.one(STATE))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_they_are_folded_with_copy_buttons_and_not_for_viewers(web: Web, rows: Rows, language: str) -> None:
    prepare(rows, "retry")
    text = web.page(PAGES["retry"], "operator", language).text
    summary = {"ko": "같은 일을 SQL·CLI로", "en": "The same by SQL and CLI"}[language]
    assert f'<details class="same"><summary>{summary}</summary>' in text
    assert 'data-copy="same-retry-1-sql-1"' in text and 'data-copy="same-retry-1-cli-1"' in text
    assert "same-retry" not in web.page(PAGES["retry"], "viewer", language).text
