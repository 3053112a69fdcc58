"""When a planned time comes and its job is still busy: what each policy makes of it, and how many run at once."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.model import ExecutionStatus, Outcome
from scheduler.protocol.plan import plan
from scheduler.protocol.record import record
from tests.protocol.conftest import Node
from tests.protocol.test_plan import SPECS, executions, make_due
from tests.support.daemons import Rows

HISTORY = "SELECT status, skip_reason, cancel_requested FROM job_executions WHERE job_id = %s ORDER BY id"


async def a_running_job(node: Node, rows: Rows, **columns: Any) -> int:
    """Make a job of which one planned execution runs, and whose next planned time is due."""
    job = rows.add_job("busy", interval="30m", **columns)
    await plan(node.connection, SPECS)
    make_due(rows, job, "5 seconds")
    await plan(node.connection, SPECS)
    assert len(await node.claim()) == 1
    make_due(rows, job, "3 seconds")
    return job


@pytest.mark.parametrize(("policy", "expected"), [
    ("skip", [("running", None, False), ("skipped", "overlap", False)]),
    ("queue_one", [("running", None, False), ("queued", None, False)]),
    ("cancel_running", [("running", None, True), ("queued", None, False)]),
    ("allow", [("running", None, False), ("queued", None, False)]),
])
async def test_a_planned_time_meets_a_running_execution(node: Node, rows: Rows, policy: str, expected: Any) -> None:
    job = await a_running_job(node, rows, overlap_policy=policy)
    await plan(node.connection, SPECS)
    assert rows.all(HISTORY, job) == expected
    assert await node.claim() == []


@pytest.mark.parametrize(("policy", "expected"), [
    ("queue_one", [("running", None, False), ("queued", None, False), ("skipped", "overlap", False)]),
    ("cancel_running", [("running", None, True), ("skipped", "overlap", False), ("queued", None, False)]),
    ("allow", [("running", None, False), ("queued", None, False), ("queued", None, False)]),
])
async def test_a_second_one_meets_the_waiting_one(node: Node, rows: Rows, policy: str, expected: Any) -> None:
    job = await a_running_job(node, rows, overlap_policy=policy)
    await plan(node.connection, SPECS)
    make_due(rows, job, "1 second")
    await plan(node.connection, SPECS)
    assert rows.all(HISTORY, job) == expected


async def test_what_waits_by_hand_is_in_nobodys_way(node: Node, rows: Rows) -> None:
    job = rows.add_job("hourly", interval="1h")
    await plan(node.connection, SPECS)
    rows.run_now(job)
    make_due(rows, job, "5 seconds")
    await plan(node.connection, SPECS)
    assert [status for status, *_ in executions(rows, job)] == ["queued", "queued"]


async def test_a_job_runs_as_often_at_once_as_it_says(node: Node, other: Node, rows: Rows) -> None:
    job = rows.add_job("shared", max_instances=3, overlap_policy="allow")
    for _ in range(5):
        rows.run_now(job)
    taken = [each for _ in range(4) for each in [*await node.claim(), *await other.claim()]]
    assert sorted(each.slot for each in taken) == [0, 1, 2]
    assert all(each.shares for each in taken)

    middle = next(each for each in taken if each.slot == 1)
    await record(node.connection, [Outcome(middle.id, middle.token, ExecutionStatus.SUCCESS)])
    (again,) = await other.claim()
    assert again.slot == 1
    assert await node.claim() == []


async def test_with_fewer_places_than_executions_none_is_started(node: Node, rows: Rows) -> None:
    job = rows.add_job("shared", max_instances=2)
    for _ in range(3):
        rows.run_now(job)
    taken = [each for _ in range(2) for each in await node.claim()]
    rows.connection.execute("UPDATE schedule_jobs SET max_instances = 1 WHERE id = %s", (job,))
    first = next(each for each in taken if each.slot == 0)
    await record(node.connection, [Outcome(first.id, first.token, ExecutionStatus.SUCCESS)])
    assert await node.claim() == []


async def test_a_lock_by_hand_takes_one_place(node: Node, rows: Rows) -> None:
    job = rows.add_job("shared", max_instances=2)
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    rows.run_now(job)
    rows.run_now(job)
    assert [each.slot for each in await node.claim()] == [1]
    assert await node.claim() == []


async def test_jitter_delays_the_start_and_not_the_planned_time(node: Node, rows: Rows) -> None:
    job = rows.add_job("spread", interval="30m", jitter_seconds=3600)
    await plan(node.connection, SPECS)
    make_due(rows, job, "5 seconds")
    await plan(node.connection, SPECS)
    planned, available = rows.one("SELECT scheduled_for, available_at FROM job_executions WHERE job_id = %s", job)
    assert 0 <= (available - planned).total_seconds() <= 3600
    assert (available - planned).microseconds == 0
