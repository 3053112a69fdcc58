"""T6: what a door may ask, and what happens to it while the daemons work on the same rows."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from scheduler.errors import Conflict, NotAllowed, NotFound
from scheduler.protocol import requests
from scheduler.protocol.requests import cancel, release_lock, retry, run_now

Connection = psycopg.Connection[Any]


def a_job(connection: Connection, name: str = "주문", status: str = "active") -> int:
    row = connection.execute(
        "INSERT INTO schedule_jobs (name, job_type, status, interval, parameters, market_codes, priority) "
        "VALUES (%s, 'orders', %s, '30m', '{\"days\": 1}', ARRAY['coupang'], 7) RETURNING id", (name, status)).fetchone()
    assert row is not None
    return int(row[0])


def an_execution(connection: Connection, job: int, status: str, **columns: Any) -> int:
    values = {"job_id": job, "status": status, **columns}
    row = connection.execute(
        f"INSERT INTO job_executions ({', '.join(values)}) VALUES ({', '.join(f'%({name})s' for name in values)}) RETURNING id",
        values).fetchone()
    assert row is not None
    return int(row[0])


def status_of(connection: Connection, execution: int) -> Any:
    return (connection.execute("SELECT status FROM job_executions WHERE id = %s", (execution,)).fetchone() or [None])[0]


def test_run_now_takes_everything_from_the_job_and_leaves_its_schedule(connection: Connection) -> None:
    job = a_job(connection)
    before = connection.execute("SELECT * FROM schedule_jobs").fetchone()
    number = run_now(connection, "주문")
    row = connection.execute(
        "SELECT job_id, job_name, job_type, trigger, status, parameters, market_codes, priority, attempt, "
        "scheduled_for <= clock_timestamp() AND available_at <= clock_timestamp() FROM job_executions WHERE id = %s",
        (number,)).fetchone()
    assert row == (job, "주문", "orders", "manual", "queued", {"days": 1}, ["coupang"], 7, 1, True)
    assert connection.execute("SELECT * FROM schedule_jobs").fetchone() == before


def test_run_now_twice_queues_two(connection: Connection) -> None:
    job = a_job(connection)
    assert run_now(connection, job) != run_now(connection, job)


def test_given_parameters_and_markets_replace_the_jobs_even_when_empty(connection: Connection) -> None:
    number = run_now(connection, a_job(connection), {}, [])
    row = connection.execute("SELECT parameters, market_codes FROM job_executions WHERE id = %s", (number,)).fetchone()
    assert row == ({}, [])


@pytest.mark.parametrize(("status", "words"), [("paused", "jobs resume"), ("invalid", "bad cron")])
def test_what_nobody_would_claim_is_refused_with_the_way_out(connection: Connection, status: str, words: str) -> None:
    job = a_job(connection)
    connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
    connection.execute("UPDATE schedule_jobs SET status = %s, last_error = 'bad cron'", (status,))
    with pytest.raises(NotAllowed, match=words):
        run_now(connection, job)
    with pytest.raises(NotFound):
        run_now(connection, 999)
    assert connection.execute("SELECT count(*) FROM job_executions").fetchone() == (0,)


def test_a_request_waits_for_an_edit_under_way_and_obeys_it(connection: Connection, database: str) -> None:
    job = a_job(connection)
    caught: list[type[BaseException]] = []

    def ask() -> None:
        with psycopg.connect(database, autocommit=True) as other:
            try:
                run_now(other, job)
            except NotAllowed as error:
                caught.append(type(error))

    asking = threading.Thread(target=ask)
    with connection.transaction():
        connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (job,))
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
    asking.join(10)
    assert caught == [NotAllowed]


def test_a_row_that_somebody_holds_ends_the_request_instead_of_hanging_it(
    connection: Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "LIMIT_WAITS", "SET LOCAL lock_timeout = '100ms'")
    job = a_job(connection)
    with psycopg.connect(database) as forgotten:
        forgotten.execute("UPDATE schedule_jobs SET priority = 1")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            run_now(connection, job)


def test_cancel_ends_what_waits_asks_what_runs_and_refuses_what_ended(connection: Connection) -> None:
    job = a_job(connection)
    waiting, running = an_execution(connection, job, "queued"), an_execution(connection, job, "running")
    assert cancel(connection, waiting) == "cancelled" and status_of(connection, waiting) == "cancelled"
    assert cancel(connection, running) == "cancel_requested" and status_of(connection, running) == "running"
    row = connection.execute("SELECT cancel_requested FROM job_executions WHERE id = %s", (running,)).fetchone()
    assert row == (True,)
    with pytest.raises(Conflict):
        cancel(connection, waiting)
    with pytest.raises(NotFound):
        cancel(connection, 999)


def test_cancel_of_an_execution_whose_job_is_gone_still_works(connection: Connection) -> None:
    job = a_job(connection)
    running = an_execution(connection, job, "running")
    connection.execute("DELETE FROM schedule_jobs WHERE id = %s", (job,))
    assert cancel(connection, running) == "cancel_requested"


def test_retry_is_the_next_attempt_at_the_same_planned_time(connection: Connection) -> None:
    job = a_job(connection)
    first = an_execution(connection, job, "failed", scheduled_for="2026-11-01", checkpoint='{"page": 3}', failed_attempts=3)
    second = retry(connection, first)
    row = connection.execute(
        "SELECT attempt, failed_attempts, retry_of, status, checkpoint, scheduled_for = '2026-11-01' "
        "FROM job_executions WHERE id = %s", (second,)).fetchone()
    assert row == (2, 0, first, "queued", {"page": 3}, True)
    with pytest.raises(Conflict, match=str(second)):
        retry(connection, first)
    cancel(connection, second)
    third = retry(connection, first, {"days": 2})
    row = connection.execute("SELECT attempt, parameters, checkpoint FROM job_executions WHERE id = %s", (third,)).fetchone()
    assert row == (3, {"days": 2}, None)


def test_retry_needs_its_job(connection: Connection) -> None:
    job = a_job(connection)
    failed = an_execution(connection, job, "failed")
    connection.execute("UPDATE schedule_jobs SET status = 'paused'")
    with pytest.raises(NotAllowed, match="resume"):
        retry(connection, failed)
    connection.execute("DELETE FROM schedule_jobs WHERE id = %s", (job,))
    with pytest.raises(NotAllowed):
        retry(connection, failed)


def test_two_people_retrying_at_once_queue_one(connection: Connection, database: str) -> None:
    failed = an_execution(connection, a_job(connection), "failed")
    ends: list[str] = []

    def ask(barrier: threading.Barrier) -> None:
        with psycopg.connect(database, autocommit=True) as other:
            barrier.wait(10)
            try:
                retry(other, failed)
                ends.append("queued")
            except Conflict:
                ends.append("conflict")

    barrier = threading.Barrier(4)
    people = [threading.Thread(target=ask, args=(barrier,)) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert sorted(ends) == ["conflict"] * 3 + ["queued"]


def test_a_lapsed_lock_goes_freely_and_a_living_one_by_force(connection: Connection) -> None:
    job = a_job(connection)
    with pytest.raises(NotFound):
        release_lock(connection, job)
    connection.execute("INSERT INTO schedule_locks (job_id, node, expires_at) VALUES (%s, 'a', now() - interval '1 s')", (job,))
    assert [lock["living"] for lock in release_lock(connection, job)] == [False]
    connection.execute("INSERT INTO schedule_locks (job_id, node, execution_id) VALUES (%s, 'node-b', 5)", (job,))
    with pytest.raises(NotAllowed, match="node-b"):
        release_lock(connection, job)
    assert [lock["execution_id"] for lock in release_lock(connection, job, force=True)] == [5]
