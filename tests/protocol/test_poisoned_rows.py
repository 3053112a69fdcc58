"""Rows that plain SQL can leave behind, each of which must cost nobody but its own job."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from scheduler.model import ExecutionStatus, HandlerSpec, Outcome
from scheduler.protocol.follow import follow, wake
from scheduler.protocol.forecast import foresee
from scheduler.protocol.plan import plan
from scheduler.protocol.reap import reap
from scheduler.protocol.record import record
from scheduler.protocol.replan import replan
from tests.protocol.conftest import Node
from tests.protocol.machine_values import DEEP, MANY_DIGITS
from tests.support.daemons import Rows

SPECS = {"noop": HandlerSpec("noop", "tests")}
LAPSE = """
UPDATE job_executions SET lease_expires_at = now() - interval '1 hour' WHERE status = 'running';
UPDATE schedule_locks SET expires_at = now() - interval '1 hour';
"""


async def others_run(node: Node, rows: Rows) -> None:
    """See that another job is claimed and ends."""
    good = rows.run_now(rows.add_job("good"))
    taken = {execution.id: execution for execution in await node.claim()}
    assert good in taken
    await record(node.connection, [Outcome(good, taken[good].token, ExecutionStatus.SUCCESS)])
    assert rows.status(good) == "success"


@pytest.mark.parametrize("text", [MANY_DIGITS, DEEP], ids=["digits", "depth"])
async def test_parameters_that_python_cannot_read_do_not_stop_planning(node: Node, rows: Rows, text: str) -> None:
    bad = rows.add_job("bad", parameters=text, interval="1 hour")
    good = rows.add_job("good", interval="1 hour")
    await plan(node.connection, SPECS)
    assert rows.one("SELECT next_run_at IS NOT NULL FROM schedule_jobs WHERE id = %s", good)
    assert rows.one("SELECT status FROM schedule_jobs WHERE id = %s", bad) == "invalid"


@pytest.mark.parametrize("column", ["parameters", "checkpoint"])
@pytest.mark.parametrize("text", [MANY_DIGITS, DEEP], ids=["digits", "depth"])
async def test_json_that_python_cannot_read_does_not_stop_claiming(node: Node, rows: Rows, column: str, text: str) -> None:
    rows.connection.execute(f"INSERT INTO job_executions (job_id, {column}) VALUES (%s, %s)", (rows.add_job("bad"), text))
    await others_run(node, rows)


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "294276-12-31 00:00Z", "4713-01-01 00:00Z BC"])
async def test_a_planned_time_beyond_python_does_not_stop_claiming(node: Node, rows: Rows, moment: str) -> None:
    try:
        rows.connection.execute(
            "INSERT INTO job_executions (job_id, scheduled_for) VALUES (%s, %s)", (rows.add_job("bad"), moment)
        )
    except psycopg.errors.CheckViolation:
        pass  # refusing it is as good
    await others_run(node, rows)


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "294276-12-31 00:00Z"])
async def test_a_last_success_beyond_python_does_not_stop_claiming(node: Node, rows: Rows, moment: str) -> None:
    bad = rows.add_job("bad")
    rows.run_now(bad)
    try:
        rows.connection.execute("UPDATE schedule_jobs SET last_success_at = %s WHERE id = %s", (moment, bad))
    except psycopg.errors.CheckViolation:
        pass
    await others_run(node, rows)


@pytest.mark.parametrize("column", ["attempt", "failed_attempts"])
async def test_a_last_attempt_does_not_stop_the_reaping_of_others(node: Node, rows: Rows, column: str) -> None:
    try:
        rows.connection.execute(
            f"INSERT INTO job_executions (job_id, {column}) VALUES (%s, %s)", (rows.add_job("bad"), 2**31 - 1)
        )
    except psycopg.errors.CheckViolation:
        pass
    good = rows.run_now(rows.add_job("good"))
    await node.claim()
    rows.connection.execute(LAPSE)
    await reap(node.connection, timedelta(0))
    assert rows.status(good) == "lost"
    assert rows.one("SELECT count(*) FROM job_executions WHERE status = 'running'") == 0


@pytest.mark.parametrize(
    ("column", "most"), [("run_count", 2**63 - 1), ("consecutive_failures", 2**31 - 1), ("fence", 2**63 - 1)]
)
async def test_a_counter_at_its_end_does_not_stop_others(node: Node, rows: Rows, column: str, most: int) -> None:
    bad = rows.add_job("bad")
    rows.run_now(bad)
    try:
        rows.connection.execute(f"UPDATE schedule_jobs SET {column} = {most} WHERE id = %s", (bad,))
    except psycopg.errors.CheckViolation:
        pass
    good = rows.run_now(rows.add_job("good"))
    taken = await node.claim()
    await record(node.connection, [Outcome(each.id, each.token, ExecutionStatus.FAILED, error_message="why") for each in taken])
    assert rows.status(good) == "failed"
    assert rows.one("SELECT count(*) FROM job_executions WHERE status = 'running'") == 0


async def test_a_next_run_at_that_is_emptied_by_hand_is_planned_anew(node: Node, rows: Rows) -> None:
    job = rows.add_job("one", interval="1 hour")
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = NULL WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert rows.one("SELECT next_run_at > now() FROM schedule_jobs WHERE id = %s", job)


@pytest.mark.parametrize(
    ("column", "text"), [("market_codes", "{{a,b},{c,d}}"), ("specific_times", "{{09:00,10:00},{11:00,12:00}}")]
)
def test_a_table_in_place_of_a_list_is_refused_in_our_words(rows: Rows, column: str, text: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="cannot be saved"):
        rows.add_job("one", **{column: text})


async def test_a_count_of_planned_times_below_its_beginning_does_not_stop_the_forecast(node: Node, rows: Rows) -> None:
    bad = rows.add_job("bad", interval="1 hour", max_runs=3)
    rows.connection.execute("UPDATE schedule_jobs SET occurrence_count = %s WHERE id = %s", (-(2**63), bad))
    good = rows.add_job("good", interval="1 hour")
    await foresee(node.connection)
    assert rows.one("SELECT count(*) FROM schedule_words WHERE job_id = %s", good) == 1


async def test_a_tag_that_an_overlay_names_takes_effect_at_once(node: Node, rows: Rows) -> None:
    job = rows.add_job("one", interval="5 minutes")
    rows.connection.execute(
        "INSERT INTO schedule_overlays (name, starts_at, ends_at, action, tags) "
        "VALUES ('stop', now(), now() + interval '1 day', 'stop', '{sale}')"
    )
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE schedule_jobs SET tags = '{sale}' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert rows.one("SELECT next_run_at >= now() + interval '23 hours' FROM schedule_jobs WHERE id = %s", job)


async def test_a_job_that_has_no_planned_time_left_says_so_once_it_has_run(node: Node, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO calendars (name, closed_weekdays) VALUES ('one', 'mon,tue,wed,thu,fri,sat,sun')")
    rows.connection.execute(
        "INSERT INTO calendar_days (calendar, day, is_holiday) SELECT 'one', current_date + n, false "
        "FROM generate_series(-1, 1) AS n"
    )
    job = rows.add_job("one", interval="1 hour", calendar="one", on_holiday="skip")
    await plan(node.connection, SPECS)
    execution = rows.run_now(job)
    (taken,) = await node.claim()
    rows.connection.execute("DELETE FROM calendar_days WHERE day >= current_date - 0")
    await replan(node.connection)
    await plan(node.connection, SPECS)
    await record(node.connection, [Outcome(execution, taken.token, ExecutionStatus.SUCCESS)])
    await plan(node.connection, SPECS)
    assert rows.one("SELECT status FROM schedule_jobs WHERE id = %s", job) == "invalid"


HELD = {
    "job": "UPDATE schedule_jobs SET description = 'mine' WHERE name = 'over'",
    "lock": "SELECT FROM schedule_locks WHERE job_id = (SELECT id FROM schedule_jobs WHERE name = 'over') FOR UPDATE",
}


@pytest.mark.parametrize("what", sorted(HELD))
async def test_a_row_left_open_by_hand_does_not_stop_the_reaping(node: Node, rows: Rows, database: str, what: str) -> None:
    over = rows.add_job("over", run_at="2199-01-01 00:00Z")
    await plan(node.connection, SPECS)
    rows.connection.execute(
        "INSERT INTO schedule_locks (job_id, execution_id, expires_at) VALUES (%s, 77, now() - interval '1 day')", (over,)
    )
    with psycopg.connect(database, application_name="erp-scheduler daemon test", autocommit=True) as daemon:
        daemon.execute("UPDATE schedule_jobs SET next_run_at = NULL WHERE id = %s", (over,))
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute(HELD[what])
        await reap(node.connection, timedelta(0))


async def test_an_edge_left_open_by_hand_does_not_stop_the_others(node: Node, rows: Rows, database: str) -> None:
    former, held, free = (rows.add_job(name) for name in ("former", "held", "free"))
    for waits in (held, free):
        rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (waits, former))
    execution = rows.run_now(former)
    (taken,) = await node.claim()
    await record(node.connection, [Outcome(execution, taken.token, ExecutionStatus.SUCCESS)])
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM job_dependencies WHERE job_id = %s FOR UPDATE", (held,))
        await follow(node.connection)
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_id = %s", free) == 1


async def test_a_waiting_row_left_open_by_hand_does_not_stop_the_others(node: Node, rows: Rows, database: str) -> None:
    former = rows.add_job("former")
    held, free = (rows.add_job(name, interval="1 hour") for name in ("held", "free"))
    for waits in (held, free):
        rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (waits, former))
        rows.connection.execute(
            "INSERT INTO job_executions (job_id, trigger, held_for, available_at) "
            "VALUES (%s, 'schedule', 'dependency', '9999-01-01')",
            (waits,),
        )
    execution = rows.run_now(former)
    (taken,) = await node.claim()
    await record(node.connection, [Outcome(execution, taken.token, ExecutionStatus.SUCCESS)])
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM job_executions WHERE job_id = %s FOR UPDATE", (held,))
        await follow(node.connection)
    assert rows.one("SELECT held_for IS NULL FROM job_executions WHERE job_id = %s", free)


async def test_a_pause_that_ends_beside_an_open_edge_does_not_stop_the_others(node: Node, rows: Rows, database: str) -> None:
    former, held, free = (rows.add_job(name, interval="1 hour") for name in ("former", "held", "free"))
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (held, former))
    rows.connection.execute("UPDATE schedule_jobs SET paused_until = now() - interval '1 minute' WHERE id <> %s", (former,))
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM job_dependencies FOR UPDATE")
        await wake(node.connection)
    assert rows.one("SELECT status FROM schedule_jobs WHERE id = %s", free) == "active"


async def test_a_planned_row_left_open_by_hand_does_not_stop_the_planning_of_others(
    node: Node, rows: Rows, database: str
) -> None:
    held, free = (rows.add_job(name, interval="1 hour", overlap_policy="cancel_running") for name in ("held", "free"))
    await plan(node.connection, SPECS)
    waiting = rows.one("INSERT INTO job_executions (job_id, trigger) VALUES (%s, 'schedule') RETURNING id", held)
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() - interval '1 second'")
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM job_executions WHERE id = %s FOR UPDATE", (waiting,))
        await plan(node.connection, SPECS)
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_id = %s", free) == 1
    assert rows.one("SELECT status FROM schedule_jobs WHERE id = %s", held) == "active"


async def test_a_lock_left_open_by_hand_does_not_stop_the_recording_of_others(node: Node, rows: Rows, database: str) -> None:
    revoked, good = (rows.run_now(rows.add_job(name)) for name in ("revoked", "good"))
    taken = {execution.id: execution for execution in await node.claim()}
    rows.connection.execute("DELETE FROM job_executions WHERE id = %s", (revoked,))
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM schedule_locks WHERE execution_id = %s FOR UPDATE", (revoked,))
        ends = [Outcome(each.id, each.token, ExecutionStatus.SUCCESS) for each in taken.values()]
        verdicts = await record(node.connection, ends)
    assert {verdict.execution_id: verdict.status for verdict in verdicts} == {revoked: "refused", good: "success"}


async def test_a_job_left_open_by_hand_does_not_stop_the_recording_of_others(node: Node, rows: Rows, database: str) -> None:
    over = rows.add_job("over", interval="1 hour", max_runs=1)
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() - interval '1 second' WHERE id = %s", (over,))
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE job_executions SET status = 'cancelled' WHERE job_id = %s", (over,))
    once = rows.run_now(rows.add_job("once", interval="1 hour", max_runs=1))
    (taken,) = await node.claim()
    await node.connection.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (over,))
        (verdict,) = await record(node.connection, [Outcome(once, taken.token, ExecutionStatus.SUCCESS)])
    assert verdict.status == "success"
