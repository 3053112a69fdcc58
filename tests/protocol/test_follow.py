"""Jobs after jobs: who waits, who is let go, who is queued, and what they are given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from scheduler.model import Execution, ExecutionStatus, Outcome
from scheduler.protocol.follow import follow, results_of_others, wake
from scheduler.protocol.look import look
from scheduler.protocol.plan import plan
from scheduler.protocol.record import record
from scheduler.protocol.replan import replan
from tests.protocol.conftest import TYPES, Node
from tests.protocol.test_plan import SPECS, executions, job_row, make_due
from tests.support.daemons import Rows

EDGE = "INSERT INTO job_dependencies (job_id, depends_on, condition, outcome) VALUES (%s, %s, %s, %s)"


def after(rows: Rows, job: int, former: int, condition: str = "since_last_run", outcome: str = "success") -> None:
    rows.connection.execute(EDGE, (job, former, condition, outcome))


async def end(node: Node, execution: Execution, status: ExecutionStatus = ExecutionStatus.SUCCESS, **more: Any) -> None:
    (verdict,) = await record(node.connection, [Outcome(execution.id, execution.token, status, **more)])
    assert verdict.status == status and verdict.is_awaited


async def run(node: Node, rows: Rows, job: int, status: ExecutionStatus = ExecutionStatus.SUCCESS, **more: Any) -> None:
    """Run a job by hand to its end."""
    rows.run_now(job)
    (taken,) = await node.claim(free_slots=1)
    assert taken.job_id == job
    await end(node, taken, status, **more)


async def test_a_job_without_a_schedule_follows_each_success_once(node: Node, rows: Rows) -> None:
    first, second = rows.add_job("first", priority=9), rows.add_job("second")
    after(rows, second, first)
    assert await follow(node.connection) == 0

    await run(node, rows, first)
    assert await follow(node.connection) == 1
    assert await follow(node.connection) == 0
    assert executions(rows, second) == [("queued", "dependency", 0, None)]

    await run(node, rows, first, result={"orders": 2})
    assert await follow(node.connection) == 0, "one of it waits already"
    (taken,) = await node.claim()
    assert taken.job_id == second and taken.follows
    assert await results_of_others(node.connection, [second]) == {second: {"first": {"orders": 2}}}
    await record(node.connection, [Outcome(taken.id, taken.token, ExecutionStatus.SUCCESS)])
    assert await follow(node.connection) == 1, "the success that came meanwhile is not forgotten"


async def test_it_waits_for_all_of_them(node: Node, rows: Rows) -> None:
    one, two, last = rows.add_job("one"), rows.add_job("two"), rows.add_job("last")
    after(rows, last, one)
    after(rows, last, two)
    await run(node, rows, one)
    assert await follow(node.connection) == 0
    await run(node, rows, two)
    assert await follow(node.connection) == 1


async def test_a_success_before_the_edge_counts_only_for_ever(node: Node, rows: Rows) -> None:
    first = rows.add_job("first")
    rows.run_now(first)
    (taken,) = await node.claim()
    await record(node.connection, [Outcome(taken.id, taken.token, ExecutionStatus.SUCCESS)])
    since, ever = (rows.add_job(name, interval="1h") for name in ("since", "ever"))
    after(rows, since, first)
    after(rows, ever, first, "ever")
    await plan(node.connection, SPECS)
    for job in (since, ever):
        make_due(rows, job, "5 seconds")
    await plan(node.connection, SPECS)
    held = dict(rows.all("SELECT job_id, held_for FROM job_executions WHERE status = 'queued'"))
    assert held == {since: "dependency", ever: None}


async def test_a_planned_time_waits_and_is_let_go(node: Node, rows: Rows) -> None:
    first, second = rows.add_job("first"), rows.add_job("second", interval="1h")
    after(rows, second, first)
    await plan(node.connection, SPECS)
    make_due(rows, second, "5 seconds")
    await plan(node.connection, SPECS)
    assert await node.claim() == []
    make_due(rows, second, "1 second")
    await plan(node.connection, SPECS)
    assert executions(rows, second) == [("queued", "schedule", 0, None), ("skipped", "schedule", 0, "dependency")]

    await run(node, rows, first)
    assert await follow(node.connection) == 1
    (taken,) = await node.claim()
    assert taken.job_id == second


async def test_the_failure_branch_follows_a_failure_for_good(node: Node, rows: Rows) -> None:
    first, fine, repair = rows.add_job("first", max_retries=1), rows.add_job("fine"), rows.add_job("repair")
    after(rows, fine, first)
    after(rows, repair, first, outcome="failure")
    await run(node, rows, first, ExecutionStatus.FAILED, error_message="away", retry=True)
    assert await follow(node.connection) == 0, "a retry is still to come"
    rows.connection.execute("UPDATE job_executions SET available_at = now() WHERE status = 'queued'")
    (retry,) = await node.claim()
    await end(node, retry, ExecutionStatus.FAILED, attempt=2, failed_attempts=1, error_message="gone", retry=True)
    assert await follow(node.connection) == 1
    (taken,) = await node.claim()
    assert taken.job_id == repair
    given = (await results_of_others(node.connection, [repair]))[repair]["first"]
    assert (given["status"], given["error"], given["execution_id"]) == ("failed", "gone", retry.id)


async def test_removing_the_edge_lets_go(node: Node, rows: Rows) -> None:
    first, second = rows.add_job("first"), rows.add_job("second", interval="1h")
    after(rows, second, first)
    await plan(node.connection, SPECS)
    make_due(rows, second, "5 seconds")
    await plan(node.connection, SPECS)
    rows.connection.execute("DELETE FROM job_dependencies WHERE job_id = %s", (second,))
    assert await follow(node.connection) == 1


async def test_resuming_does_not_fire(node: Node, rows: Rows) -> None:
    first, second = rows.add_job("first"), rows.add_job("second")
    after(rows, second, first)
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (second,))
    await run(node, rows, first)
    assert await follow(node.connection) == 0
    rows.connection.execute("UPDATE schedule_jobs SET status = 'active' WHERE id = %s", (second,))
    assert await follow(node.connection) == 0


def test_a_circle_is_refused_and_named(rows: Rows) -> None:
    jobs = [rows.add_job(name) for name in ("a", "b", "c")]
    after(rows, jobs[1], jobs[0])
    after(rows, jobs[2], jobs[1])
    with pytest.raises(psycopg.errors.CheckViolation, match="a → c → b → a"):
        after(rows, jobs[0], jobs[2])


async def test_a_pause_ends_by_itself_and_fires_nothing(node: Node, rows: Rows) -> None:
    job = rows.add_job("rests", interval="30m", paused_until="2100-01-01", pause_reason="점검")
    assert job_row(rows, job)["status"] == "paused"
    assert await wake(node.connection) == []
    rows.connection.execute("UPDATE schedule_jobs SET paused_until = now() WHERE id = %s", (job,))
    assert (await look(node.connection, TYPES, timedelta(seconds=10))).can_wake
    assert await wake(node.connection) == [(job, "rests")]
    await plan(node.connection, SPECS)
    row = job_row(rows, job)
    assert (row["status"], row["paused_until"], row["pause_reason"]) == ("active", None, None)
    assert row["next_run_at"] is not None and executions(rows, job) == []


async def test_a_job_with_max_runs_is_completed_after_them(node: Node, rows: Rows) -> None:
    job = rows.add_job("twice", interval="30m", max_runs=2)
    await plan(node.connection, SPECS)
    for expected in ("active", "completed"):
        make_due(rows, job, "5 seconds")
        await plan(node.connection, SPECS)
        (taken,) = await node.claim()
        await record(node.connection, [Outcome(taken.id, taken.token, ExecutionStatus.SUCCESS)])
        assert job_row(rows, job)["status"] == expected
    assert job_row(rows, job)["next_run_at"] is None


async def test_a_job_whose_end_has_passed_is_completed(node: Node, rows: Rows) -> None:
    job = rows.add_job("over", interval="30m", start_at="2020-01-01", end_at="2020-02-01")
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["status"] == "completed"
    rows.connection.execute("UPDATE schedule_jobs SET end_at = NULL WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["status"] == "active" and job_row(rows, job)["next_run_at"] is not None


async def test_an_edit_of_the_calendar_moves_the_planned_time(node: Node, rows: Rows) -> None:
    job = rows.add_job("daily", cron_expression="0 9 * * *", on_holiday="skip", calendar="kr-holidays")
    await plan(node.connection, SPECS)
    before = job_row(rows, job)["next_run_at"]
    rows.connection.execute(
        "INSERT INTO calendar_days (calendar, day, name)"
        " VALUES ('kr-holidays', (%s AT TIME ZONE 'Asia/Seoul')::date, '임시')", (before,))
    await replan(node.connection)
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] > before
    rows.connection.execute("DELETE FROM calendar_days")
    await replan(node.connection)
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] == before


async def test_an_overlay_stops_and_lets_go_by_itself(node: Node, rows: Rows) -> None:
    job = rows.add_job("often", interval="30m", tags=["sale"])
    await plan(node.connection, SPECS)
    before = job_row(rows, job)["next_run_at"]
    rows.connection.execute(
        "INSERT INTO schedule_overlays (name, starts_at, ends_at, action, tags) VALUES"
        " ('inventory', now(), now() + interval '3 hours', 'stop', '{sale}')")
    await replan(node.connection)
    await plan(node.connection, SPECS)
    stopped = job_row(rows, job)["next_run_at"]
    assert (stopped - before).total_seconds() >= 2 * 3600
    rows.connection.execute("UPDATE schedule_overlays SET enabled = false")
    await replan(node.connection)
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] == before


async def test_a_one_off_within_a_stop_is_skipped_with_the_reason(node: Node, rows: Rows) -> None:
    rows.connection.execute(
        "INSERT INTO schedule_overlays (name, starts_at, ends_at, action)"
        " VALUES ('stop', now(), now() + interval '1 day', 'stop')")
    job = rows.add_job("once", run_at="2100-01-01")
    rows.connection.execute("UPDATE schedule_jobs SET run_at = now() + interval '1 hour' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["status"] == "active" and job_row(rows, job)["next_run_at"] is not None

    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute(
        "UPDATE schedule_jobs SET run_at = run_at - interval '1 hour', next_run_at = now() WHERE id = %s", (job,))
    rows.connection.execute("SET application_name = 'test'")
    await plan(node.connection, SPECS)
    assert executions(rows, job) == [("skipped", "schedule", 0, "overlay")]
