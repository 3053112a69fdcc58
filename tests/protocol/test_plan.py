"""T1: what is due becomes rows, what was edited is read anew, what cannot be read is set aside alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from scheduler.model import HandlerSpec
from scheduler.protocol.plan import plan
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

SPECS = {
    "noop": HandlerSpec("noop", "tests", params_schema={
        "type": "object", "properties": {"batch_size": {"type": "integer", "minimum": 1}}, "additionalProperties": False,
    }),
}


def job_row(rows: Rows, job: int) -> dict[str, Any]:
    cursor = rows.connection.execute("SELECT * FROM schedule_jobs WHERE id = %s", (job,))
    row = cursor.fetchone()
    assert row is not None and cursor.description is not None
    return dict(zip([column.name for column in cursor.description], row, strict=True))


def make_due(rows: Rows, job: int, ago: str) -> None:
    """Put the planned time into the past, as if nobody had been there to take it."""
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute(
        "UPDATE schedule_jobs SET next_run_at = now() - %s::interval, anchor_at = now() - %s::interval - interval WHERE id = %s",
        (ago, ago, job))
    rows.connection.execute("SET application_name = 'test'")


def executions(rows: Rows, job: int) -> list[Any]:
    return rows.all("SELECT status, trigger, missed_count, skip_reason FROM job_executions WHERE job_id = %s ORDER BY id", job)


async def test_a_new_job_is_planned_strictly_after_now_and_does_not_fire(node: Node, rows: Rows) -> None:
    job = rows.add_job("half hour", interval="30m")
    await plan(node.connection, SPECS)
    row = job_row(rows, job)
    assert timedelta(minutes=29) < row["next_run_at"] - datetime.now(UTC) <= timedelta(minutes=30)
    assert executions(rows, job) == []


async def test_a_due_job_is_queued_once_and_moves_on_without_drift(node: Node, rows: Rows) -> None:
    job = rows.add_job("half hour", interval="30m")
    await plan(node.connection, SPECS)
    make_due(rows, job, "5 seconds")
    due = job_row(rows, job)["next_run_at"]

    await plan(node.connection, SPECS)
    await plan(node.connection, SPECS)

    assert executions(rows, job) == [("queued", "schedule", 0, None)]
    assert rows.one("SELECT scheduled_for FROM job_executions") == due
    assert job_row(rows, job)["next_run_at"] == due + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("run_once", [("queued", "catchup", 6, None)]),
        ("skip", [("skipped", "schedule", 6, "misfire")]),
        ("run_all", [("queued", "catchup", 0, None)] * 7),
    ],
)
async def test_missed_times_follow_the_policy(node: Node, rows: Rows, policy: str, expected: list[Any]) -> None:
    job = rows.add_job("missed", interval="30m", misfire_policy=policy)
    await plan(node.connection, SPECS)
    make_due(rows, job, "3 hours 5 minutes")
    await plan(node.connection, SPECS)
    assert executions(rows, job) == expected


async def test_a_million_missed_times_are_one_row(node: Node, rows: Rows) -> None:
    rows.connection.execute("UPDATE scheduler_settings SET value = '1 second' WHERE name = 'minimum_interval'")
    job = rows.add_job("million", interval="1 second")
    await plan(node.connection, SPECS)
    make_due(rows, job, "999999.5 seconds")
    await plan(node.connection, SPECS)
    assert executions(rows, job) == [("queued", "catchup", 999_999, None)]


async def test_an_occurrence_in_the_way_of_the_former_is_recorded_as_skipped(node: Node, rows: Rows) -> None:
    job = rows.add_job("slow", interval="30m")
    await plan(node.connection, SPECS)
    for _ in range(2):
        make_due(rows, job, "5 seconds")
        await plan(node.connection, SPECS)
    await node.claim()
    make_due(rows, job, "1 seconds")
    await plan(node.connection, SPECS)
    assert [row[0] for row in executions(rows, job)] == ["running", "skipped", "skipped"]
    assert {row[3] for row in executions(rows, job)[1:]} == {"overlap"}


async def test_times_of_day_follow_seoul_time(node: Node, rows: Rows) -> None:
    job = rows.add_job("nine", specific_times=["09:00", "18:00"])
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"].astimezone(UTC).hour in (0, 9)


async def test_an_edit_is_planned_anew_and_a_pause_is_not(node: Node, rows: Rows) -> None:
    job = rows.add_job("edited", interval="30m")
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE schedule_jobs SET interval = '2h' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] > datetime.now(UTC) + timedelta(minutes=119)
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] is None
    rows.connection.execute("UPDATE schedule_jobs SET status = 'active' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] > datetime.now(UTC)
    assert executions(rows, job) == []


async def test_a_one_off_runs_once_and_one_that_is_past_says_so(node: Node, rows: Rows) -> None:
    coming = rows.add_job("coming", run_at=datetime.now(UTC) + timedelta(seconds=0.2))
    past = rows.add_job("past", run_at=datetime.now(UTC) - timedelta(hours=1))
    await plan(node.connection, SPECS)
    rows.connection.execute("SELECT pg_sleep(0.25)")
    await plan(node.connection, SPECS)
    await plan(node.connection, SPECS)
    assert executions(rows, coming) == [("queued", "schedule", 0, None)]
    assert job_row(rows, past)["status"] == "invalid"
    assert "passed" in job_row(rows, past)["last_error"]


async def test_a_one_off_that_came_due_while_nobody_was_there_runs_late(node: Node, rows: Rows) -> None:
    job = rows.add_job("nobody there", run_at=datetime.now(UTC) + timedelta(seconds=0.3))
    resumed = rows.add_job("paused over its moment", run_at=datetime.now(UTC) + timedelta(seconds=0.3), status="paused")
    rows.connection.execute("SELECT pg_sleep(0.4)")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'active' WHERE id = %s", (resumed,))
    await plan(node.connection, SPECS)
    assert executions(rows, job) == [("queued", "schedule", 0, None)]
    assert executions(rows, resumed) == []
    assert "run it by hand" in job_row(rows, resumed)["last_error"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"cron_expression": "61 * * * *"}, "61 * * * *"),
        ({"cron_expression": "every morning"}, "every morning"),
        ({"cron_expression": "0 0 31 2 *"}, "0 0 31 2 *"),
        ({"interval": "30m", "parameters": '{"bach_size": 5}'}, "did you mean 'batch_size'?"),
        ({"interval": "30m", "parameters": '{"batch_size": "many"}'}, "batch_size"),
        ({"parameters": '{"batch_size": 0}'}, "batch_size"),
    ],
)
async def test_what_sql_cannot_judge_is_set_aside_with_its_reason(
    node: Node, rows: Rows, columns: dict[str, Any], said: str
) -> None:
    bad = rows.add_job("bad", **columns)
    good = rows.add_job("good", interval="30m")

    await plan(node.connection, SPECS)

    assert job_row(rows, bad)["status"] == "invalid"
    assert said in job_row(rows, bad)["last_error"]
    assert job_row(rows, good)["next_run_at"] is not None
    rows.connection.execute(
        "UPDATE schedule_jobs SET cron_expression = NULL, interval = '1h', parameters = '{}' WHERE id = %s", (bad,))
    await plan(node.connection, SPECS)
    row = job_row(rows, bad)
    assert (row["status"], row["last_error"]) == ("active", None)
    assert row["next_run_at"] is not None


async def test_an_unknown_type_waits_and_says_so(node: Node, rows: Rows) -> None:
    job = rows.add_job("strange", "nobody_knows", interval="30m")
    await plan(node.connection, SPECS)
    for _ in range(2):
        make_due(rows, job, "1 seconds")
        await plan(node.connection, SPECS)
    row = job_row(rows, job)
    assert (row["status"], row["last_error"]) == ("active", "no live node knows job type nobody_knows")
    assert [each[0] for each in executions(rows, job)].count("queued") == 1


POISON = [
    "UPDATE schedule_jobs SET next_run_at = 'infinity' WHERE id = %s",
    "UPDATE schedule_jobs SET next_run_at = '-infinity' WHERE id = %s",
    "UPDATE schedule_jobs SET next_run_at = '294276-01-01' WHERE id = %s",
    "UPDATE schedule_jobs SET anchor_at = '-infinity' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = NULL, run_at = 'infinity' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = '0s' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = '-5 minutes' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = '178000000 years' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = NULL, specific_times = '{24:00}' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = NULL, specific_times = '{}' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = NULL, specific_times = '{NULL}' WHERE id = %s",
    "UPDATE schedule_jobs SET timezone = 'Mars/Olympus' WHERE id = %s",
    "UPDATE schedule_jobs SET timezone = '../../etc/passwd' WHERE id = %s",
    "UPDATE schedule_jobs SET parameters = to_jsonb(repeat('x', 300000)) WHERE id = %s",
    "UPDATE schedule_jobs SET parameters = '[1, 2]' WHERE id = %s",
    "UPDATE schedule_jobs SET misfire_policy = 'whatever' WHERE id = %s",
    "UPDATE schedule_jobs SET misfire_grace = '-1 year' WHERE id = %s",
    "UPDATE schedule_jobs SET interval = NULL, cron_expression = repeat('* ', 100000) WHERE id = %s",
    "UPDATE schedule_jobs SET name = E'new\\nline \\x1b[31m \u202e' || repeat('long', 500) WHERE id = %s",
    "UPDATE schedule_jobs SET timeout_minutes = 'NaN' WHERE id = %s",
    "UPDATE schedule_jobs SET max_retries = -1 WHERE id = %s",
]


async def test_poisoned_rows_that_slipped_past_the_triggers_delay_nobody(node: Node, rows: Rows) -> None:
    poisoned = [rows.add_job(f"poison {number}", interval="30m") for number, _ in enumerate(POISON)]
    good = [rows.add_job(f"good {number}", interval="30m") for number in range(20)]
    await plan(node.connection, SPECS)
    rows.connection.execute("SET session_replication_role = replica")
    for job, statement in zip(poisoned, POISON, strict=True):
        rows.connection.execute(statement, (job,))
        rows.connection.execute(
            "UPDATE schedule_jobs SET spec_version = spec_version + 1,"
            " next_run_at = CASE WHEN next_run_at > now() THEN next_run_at - interval '31 minutes' ELSE next_run_at END"
            " WHERE id = %s AND (next_run_at < '2200-01-01' OR next_run_at IS NULL)", (job,))
    rows.connection.execute("SET session_replication_role = DEFAULT")
    for job in good:
        make_due(rows, job, "1 second")

    await plan(node.connection, SPECS)
    await plan(node.connection, SPECS)

    assert rows.one("SELECT count(*) FROM job_executions WHERE job_id = ANY (%s)", good) == len(good)
    assert rows.one("SELECT count(*) FROM schedule_jobs WHERE id = ANY (%s) AND status = 'active'", good) == len(good)
    taken = await node.claim(free_slots=100)
    assert {each.job_id for each in taken} >= set(good)


async def test_a_row_somebody_holds_is_planned_at_the_next_turn(node: Node, rows: Rows, database: str) -> None:
    job = rows.add_job("held", interval="30m")
    with psycopg.connect(database) as operator:
        operator.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (job,))
        await plan(node.connection, SPECS)
        assert job_row(rows, job)["next_run_at"] is None
    await plan(node.connection, SPECS)
    assert job_row(rows, job)["next_run_at"] is not None


async def test_a_next_run_at_set_into_the_past_by_hand_is_due_now_and_once(node: Node, rows: Rows) -> None:
    job = rows.add_job("one", interval="5 minutes")
    await plan(node.connection, SPECS)
    make_due(rows, job, "1 second")
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = '2020-01-01' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert executions(rows, job)[1:] == [("skipped", "schedule", 0, "overlap")]
    rows.connection.execute("DELETE FROM job_executions")
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = '2020-01-01' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert executions(rows, job) == [("queued", "schedule", 0, None)]
