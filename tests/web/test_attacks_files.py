"""Files and logs of executions: who gets a backup, what stays open, how much is held; each test named after its attack."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.requests import ClientDisconnect

from scheduler.errors import DatabaseUnavailable
from scheduler.settings import Settings
from scheduler.web import log_text
from scheduler.web.api import execution_files as api
from scheduler.web.execution_files import PORTION, FileAnswer, files_of, open_file
from scheduler.web.pages import execution as execution_page
from tests.support.daemons import Rows, wait_for
from tests.web.conftest import Web, make_tokens

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
DUMP = b"the whole database"


def kinds(settings: Settings, *paths: Path) -> list[bool]:
    return [left.is_backup for left in files_of(settings, {"files": [{"path": str(path)} for path in paths]})]


def test_a_backup_below_the_reports_is_a_backup_and_a_report_below_the_backups_is_not(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "a" / "b"
    below = Settings(report_dir=a, backup_dir=b)
    assert kinds(below, a / "r.html", b / "x.dump", b / "c" / "x.dump") == [False, True, True]
    above = Settings(report_dir=b, backup_dir=a)
    assert kinds(above, b / "r.html", a / "x.dump", a / "c" / "x.dump") == [False, True, True]
    assert kinds(Settings(report_dir=a, backup_dir=a), a / "x") == [True], "of a folder that is both, all is secret"
    assert kinds(below, b / ".." / "b" / "x.dump", tmp_path / "ab" / "x.dump") == []


def test_a_backup_folder_under_another_name_is_still_one(tmp_path: Path) -> None:
    real = tmp_path / "disk"
    (real / "dumps").mkdir(parents=True)
    (tmp_path / "link").symlink_to(real / "dumps")
    settings = Settings(report_dir=real, backup_dir=tmp_path / "link")
    assert kinds(settings, real / "dumps" / "x.dump", real / "r.html", tmp_path / "link" / "x.dump") == [True, False, True]


@pytest.fixture
def nested(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> Iterator[Web]:
    make_tokens(connection)
    (tmp_path / "reports" / "backups").mkdir(parents=True)
    made = Web(database, tmp_path, report_dir=tmp_path / "reports", backup_dir=tmp_path / "reports" / "backups")
    yield made
    made.close()


def dumped(web: Web, rows: Rows, size: int = 1) -> str:
    """Make a backup, and return the address of the execution that made it."""
    file = web.settings.backup_dir / "whole.dump"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(DUMP * size)
    number = rows.one("INSERT INTO job_executions (job_id, status, finished_at, result) VALUES (%s, 'success', now(), %s)"
                      " RETURNING id", rows.add_job("백업"), json.dumps({"path": str(file)}))
    return f"/api/v1/executions/{number}/files/whole.dump"


def test_a_viewer_gets_no_backup_that_lies_below_the_reports(nested: Web, rows: Rows) -> None:
    path = dumped(nested, rows)
    listed = nested.ask["viewer"].get(path.rpartition("/")[0]).json()["items"]
    assert [each["kind"] for each in listed] == ["backup"]
    for role, status in (("viewer", 403), ("operator", 403), ("admin", 200)):
        assert nested.ask[role].get(path).status_code == status
    assert rows.all("SELECT actor || ' ' || action FROM audit_log") == ["admin file.read"]
    wait_for(lambda: still_open(nested) == 0, what="the handle is closed")


def still_open(web: Web) -> int:
    """Count how often this process, which serves, has the dump open."""
    path = str(web.settings.backup_dir / "whole.dump")
    return sum(os.path.realpath(f"/proc/self/fd/{each}") == path for each in os.listdir("/proc/self/fd"))


def test_a_handle_is_closed_when_the_note_of_who_had_it_fails(
    nested: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = dumped(nested, rows), []

    def fail(*_: Any) -> None:
        seen.append(still_open(nested))
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(api, "note", fail)
    assert nested.ask["admin"].get(path).status_code == 503
    assert seen == [1] and still_open(nested) == 0


def test_a_handle_is_closed_when_the_caller_hangs_up(nested: Web, rows: Rows) -> None:
    path = dumped(nested, rows, size=PORTION)
    with nested.ask["admin"].stream("GET", path, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status_code == 200 and still_open(nested) == 1
    wait_for(lambda: still_open(nested) == 0, what="the handle is closed")


def test_a_handle_is_closed_when_nobody_ever_reads(nested: Web, rows: Rows) -> None:
    dumped(nested, rows)
    left = files_of(nested.settings, {"path": str(nested.settings.backup_dir / "whole.dump")})[0]
    answer = FileAnswer(open_file(left))

    async def gone(*_: Any) -> Any:
        raise OSError("the caller is gone")

    scope = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}
    assert still_open(nested) == 1
    with pytest.raises(ClientDisconnect):
        asyncio.run(answer(scope, gone, gone))
    assert still_open(nested) == 0


# -- a log of any length ----------------------------------------------------------------------------------------------


def test_a_long_log_is_sent_in_portions_and_no_two_are_held(
    web: Web, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = rows.run_now(rows.add_job("재고"))
    # With a gap: the middle of a log that is too long is not kept.
    rows.connection.execute("INSERT INTO execution_logs (execution_id, line, level, message, logged_at)"
                            " SELECT %s, n, 'INFO', 'line ' || n, now() FROM generate_series(0, 2999) AS n"
                            " WHERE n NOT BETWEEN 700 AND 1900", (number,))
    asked: list[tuple[int, int]] = []
    former = execution_page.portion

    def counted(connection: psycopg.Connection[Any], execution_id: int, after: int, limit: int) -> Any:
        found = former(connection, execution_id, after, limit)
        asked.append((limit, len(found)))
        return found

    monkeypatch.setattr(execution_page, "portion", counted)
    answer = web.ask["viewer"].get(f"/scheduler/executions/{number}/log.txt")
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == [str(n) for n in (*range(700), *range(1901, 3000))]
    assert asked == [(log_text.PORTION, 500)] * 3 + [(log_text.PORTION, 299)]


def test_portions_are_asked_for_only_as_they_are_sent() -> None:
    asked: list[int] = []

    def read(after: int, limit: int) -> list[dict[str, Any]]:
        asked.append(after)
        return [{"line": after + 1 + n, "logged_at": MOMENT, "level": "INFO", "stream": "log", "message": "x", "fields": None}
                for n in range(limit)]

    parts = log_text.whole_file(read)
    assert asked == []
    assert next(parts).count("\n") == log_text.PORTION and asked == [-1]
    assert next(parts).count("\n") == log_text.PORTION and asked == [-1, log_text.PORTION - 1]


def test_an_empty_log_and_one_of_nobody(web: Web, rows: Rows) -> None:
    number = rows.run_now(rows.add_job("재고"))
    empty = web.ask["viewer"].get(f"/scheduler/executions/{number}/log.txt")
    assert (empty.status_code, empty.text) == (200, "")
    assert web.ask["viewer"].get("/scheduler/executions/999/log.txt").status_code == 404
