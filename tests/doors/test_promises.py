"""Each promise's query finds what breaks it, and nothing in a history that is well."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from scheduler.queries.promises import PROMISES, check_promises
from tests.doors.conftest import a_job

Connection = psycopg.Connection[Any]
GRACE = 10.0
BASE = datetime.now(UTC) - timedelta(hours=1)
ADD = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, attempt, failed_attempts, fence, token,
                            started_at, finished_at, lease_expires_at, created_at)
VALUES (%(job)s, 'a', 't', %(trigger)s, %(status)s, %(base)s + make_interval(secs => %(planned)s), %(attempt)s,
        %(failed)s, %(fence)s, %(token)s, %(base)s + make_interval(secs => %(start)s),
        %(base)s + make_interval(secs => %(end)s), now() + make_interval(secs => %(lease)s), now())
RETURNING id
"""
DEFAULTS = {"trigger": "schedule", "status": "success", "planned": 0, "attempt": 1, "failed": 0, "fence": 1, "start": 0, "end": 5,
            "lease": None}


def add(connection: Connection, job: int, **values: Any) -> int:
    row = connection.execute(ADD, {**DEFAULTS, "base": BASE, "job": job, "token": uuid.uuid4(), **values}).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def job(connection: Connection) -> int:
    number = a_job(connection)
    connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
    connection.execute("UPDATE schedule_jobs SET updated_at = now() - interval '1 day'")
    connection.execute(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, started_at) "
        "VALUES (gen_random_uuid(), 'a', 'h', 1, '1', 8, 60, now() - interval '1 hour')")
    return number


def broken(connection: Connection) -> set[str]:
    return {finding.promise for finding in check_promises(connection, GRACE)}


def test_a_history_that_is_well_breaks_nothing(connection: Connection, job: int) -> None:
    first = add(connection, job, status="lost", start=0, end=5)
    add(connection, job, trigger="retry", attempt=2, failed=1, fence=2, start=6, end=9, status="cancelled")
    add(connection, job, planned=1, fence=3, start=10, end=20)
    add(connection, job, planned=2, status="skipped", start=None, fence=None, token=None)
    add(connection, job, planned=3, fence=4, start=30, end=None, status="running", lease=50)
    add(connection, job, planned=4, status="queued", start=None, end=None, fence=None, token=None)
    assert first and broken(connection) == set()


@pytest.mark.parametrize(("promise", "rows"), [
    ("I4", [{"fence": 2}, {"planned": 1, "fence": 2, "start": 10, "end": 20}]),
    ("I5", [{"token": None}]),
    ("I6", [{"end": 15}, {"planned": 1, "fence": 2, "start": 10, "end": 20}]),
    ("I7", [{"status": "running", "end": None, "lease": -30}]),
    ("I7", [{"status": "running", "end": None}]),
    ("I8", [{"status": "failed", "end": 8}, {"attempt": 2, "failed": 1, "fence": 2, "start": 7, "end": 9}]),
    ("I8", [{"attempt": 2}]),
    ("I8", [{"failed": 4}]),
    ("I8", [{"status": "lost"}]),
    ("I12", [{"status": "queued", "start": None, "end": None}, {"planned": 1, "status": "queued", "start": None, "end": None}]),
])
def test_what_breaks_a_promise_is_found(connection: Connection, job: int, promise: str, rows: list[dict[str, Any]]) -> None:
    numbers = {add(connection, job, **values) for values in rows}
    found = [finding for finding in check_promises(connection, GRACE) if finding.promise == promise]
    assert found and all(set(finding.executions) <= numbers and finding.job_id == job for finding in found)


def test_a_lock_left_behind_by_an_ended_execution_is_found(connection: Connection, job: int) -> None:
    token = uuid.uuid4()
    number = add(connection, job, token=token)
    connection.execute("INSERT INTO schedule_locks (job_id, execution_id, token) VALUES (%s, %s, %s)", (job, number, token))
    assert broken(connection) == {"I5"}


@pytest.mark.parametrize(("promise", "index", "rows"), [
    ("I1", 'DROP INDEX job_executions_one_running',
     [{"status": "running", "end": None, "lease": 50},
      {"planned": 1, "fence": 2, "status": "running", "end": None, "lease": 50}]),
    ("I3", "ALTER TABLE job_executions DROP CONSTRAINT job_executions_once", [{}, {"fence": 2, "start": 10, "end": 20}]),
])
def test_what_an_index_prevents_would_be_found_too(
    connection: Connection, job: int, promise: str, index: str, rows: list[dict[str, Any]]
) -> None:
    connection.execute(index.encode())
    for values in rows:
        add(connection, job, **values)
    assert promise in broken(connection)


def test_every_query_is_named_as_the_design_numbers_them() -> None:
    assert {promise for promise, *_ in PROMISES} == {"I1", "I3", "I4", "I5", "I6", "I7", "I8", "I12"}
