"""Deleting a job with its history, by REST and by the command line: one query, the same refusal."""

from __future__ import annotations

import pytest

from tests.doors.conftest import Cli, cli, document
from tests.support.daemons import Rows
from tests.web.conftest import Web

__all__ = ["cli"]
LEFT = """
SELECT (SELECT count(*) FROM schedule_jobs), (SELECT count(*) FROM job_executions), (SELECT count(*) FROM execution_logs),
       (SELECT count(*) FROM job_revisions)
"""


@pytest.fixture
def job(rows: Rows) -> int:
    """A job with three executions, each with a line of its log, beside another one."""
    number = rows.add_job("주문")
    other = rows.add_job("다른")
    for each in (number, number, number, other):
        rows.connection.execute(
            "WITH made AS (INSERT INTO job_executions (job_id, status, started_at, finished_at, scheduled_for) VALUES "
            "(%s, 'success', now(), now(), clock_timestamp()) RETURNING id) INSERT INTO execution_logs (execution_id, line, "
            "logged_at, level, message) SELECT id, 1, now(), 'INFO', 'x' FROM made", (each,))
    assert rows.one(LEFT) == (2, 4, 4, 2)
    return number


def test_rest_deletes_it_for_good_and_only_the_audit_log_tells(web: Web, rows: Rows, job: int) -> None:
    path = f"/api/v1/jobs/{job}"
    assert web.ask["operator"].delete(path, params={"purge": "true"}).status_code == 403
    assert web.ask["admin"].delete(path, params={"purge": "true"}, headers={"If-Match": '"99"'}).status_code == 412
    assert rows.one(LEFT) == (2, 4, 4, 2)
    assert web.ask["admin"].delete(path, params={"purge": "true"}).status_code == 204
    assert rows.one(LEFT) == (1, 1, 1, 1)
    assert rows.one("SELECT actor, action, object, object_name, after FROM audit_log") == (
        "admin", "job.purge", f"job:{job}", "주문", {"executions": 3, "revisions": 2})
    assert web.ask["admin"].delete(path, params={"purge": "true"}).status_code == 404
    assert web.ask["admin"].post(f"{path}/revisions/1/restore").status_code == 404


def test_without_it_the_history_stays(web: Web, rows: Rows, job: int) -> None:
    assert web.ask["admin"].delete(f"/api/v1/jobs/{job}").status_code == 204
    assert rows.one(LEFT) == (1, 4, 4, 3)


@pytest.mark.parametrize(("language", "words"), [("ko", "실행 중이라"), ("en", "is running, so")])
def test_it_is_refused_in_words_while_it_runs(web: Web, rows: Rows, job: int, cli: Cli, language: str, words: str) -> None:
    rows.connection.execute(
        "INSERT INTO job_executions (job_id, status, started_at, slot, fence) VALUES (%s, 'running', now(), 0, 1)", (job,))
    answer = web.ask["admin"].delete(f"/api/v1/jobs/{job}", params={"purge": "true"}, headers={"Accept-Language": language})
    assert answer.status_code == 409 and words in answer.json()["detail"] and "executions cancel" in answer.json()["hint"]
    refused = cli("jobs", "remove", job, "--purge", "--yes", code=4, env={"ERP_SCHEDULER_LANG": language})
    assert words in refused.stderr
    assert rows.one(LEFT) == (2, 5, 4, 2)


def test_the_command_line_does_the_same(rows: Rows, job: int, cli: Cli) -> None:
    gone = document(cli("--json", "jobs", "remove", job, "--purge", "--yes"))
    assert gone == [{"id": job, "name": "주문", "executions": 3, "revisions": 2}]
    assert rows.one(LEFT) == (1, 1, 1, 1)
