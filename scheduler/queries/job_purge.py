"""Deleting a job for good: the job, its executions with their logs, and its edits. Nothing brings it back."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.errors import NotAllowed, NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

LOCK = "SELECT id, name FROM schedule_jobs WHERE id = %(job)s FOR UPDATE"
# Held until the end, so that no daemon begins one of them meanwhile; new ones wait for the lock on the job.
UNENDED = """
SELECT id, status FROM job_executions WHERE job_id = %(job)s AND status IN ('queued', 'running') ORDER BY id FOR UPDATE
"""
SOME = """
DELETE FROM job_executions
 WHERE id IN (SELECT id FROM job_executions WHERE job_id = %(job)s ORDER BY id LIMIT %(most)s)
"""
REMOVE = "DELETE FROM schedule_jobs WHERE id = %(job)s"
FORGET = "DELETE FROM job_revisions WHERE job_id = %(job)s"
# Each statement has a time limit of its own on the web, and the logs go with their executions.
AT_ONCE = 5000


def purge_job(connection: psycopg.Connection[Any], job: int) -> Row:
    """Delete *job* with its whole history. Returns id, name, executions and revisions: how many went.

    Raises  NotFound, and NotAllowed while an execution of it runs
    """
    with connection.transaction():
        found = row(connection, LOCK, {"job": job})
        if found is None:
            raise NotFound(say(f"작업 {job}이(가) 없습니다", f"there is no job {job}") + "\nerp-scheduler jobs list")
        _refuse_running(found["name"], rows(connection, UNENDED, {"job": job}))
        gone = 0
        while taken := connection.execute(SOME, {"job": job, "most": AT_ONCE}).rowcount:
            gone += taken
        connection.execute(REMOVE, {"job": job})
        revisions = connection.execute(FORGET, {"job": job}).rowcount
    return {**found, "executions": gone, "revisions": revisions}


def _refuse_running(name: str, unended: list[Row]) -> None:
    running = [str(each["id"]) for each in unended if each["status"] == "running"]
    if running:
        numbers = ", ".join(running[:5])
        raise NotAllowed(
            say(f"작업 '{name}'의 실행 {numbers}이(가) 실행 중이라 기록까지 지울 수 없습니다",
                f"execution {numbers} of job '{name}' is running, so its history cannot be deleted")
            + f"\nerp-scheduler executions cancel {running[0]}")
