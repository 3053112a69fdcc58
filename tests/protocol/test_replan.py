"""Edits of calendars and overlays: they lock no job, reach every job they concern, and can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from scheduler.model import ExecutionStatus, HandlerSpec, Outcome
from scheduler.protocol.close import complete_jobs
from scheduler.protocol.look import look
from scheduler.protocol.plan import plan
from scheduler.protocol.record import record
from scheduler.protocol.replan import replan
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

SPECS = {"noop": HandlerSpec("noop", "tests")}
STOP = "INSERT INTO schedule_overlays (name, starts_at, ends_at, action) VALUES ('stop', now() - interval '1 day', %s, 'stop')"
ALL_DAYS = "sun,mon,tue,wed,thu,fri,sat"


async def planned(node: Node) -> None:
    await replan(node.connection)
    await plan(node.connection, SPECS)


def row(rows: Rows, job: int) -> Any:
    return rows.one("SELECT status, next_run_at, last_error FROM schedule_jobs WHERE id = %s", job)


def daemon_was_away(rows: Rows, job: int, ago: str) -> None:
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute(
        "UPDATE schedule_jobs SET next_run_at = now() - %s::interval, anchor_at = now() - %s::interval - interval WHERE id = %s",
        (ago, ago, job))
    rows.connection.execute("SET application_name = 'test'")


async def test_an_open_edit_of_overlays_and_calendars_holds_nobody_up(node: Node, rows: Rows, database: str) -> None:
    job = rows.add_job("one", interval="1 hour", calendar="kr")
    await plan(node.connection, SPECS)
    with psycopg.connect(database) as somebody:
        somebody.execute(STOP, (datetime.now(UTC) + timedelta(days=1),))
        somebody.execute("INSERT INTO calendar_days (day) VALUES (current_date)")
        rows.connection.execute("SET lock_timeout = '200ms'")
        rows.connection.execute("SELECT schedule_run_now(%s)", (job,))
        (taken,) = await node.claim()
        (verdict,) = await record(node.connection, [Outcome(taken.id, taken.token, ExecutionStatus.SUCCESS)])
        assert verdict.status == "success"


async def test_every_planned_job_is_planned_anew_and_the_request_is_forgotten(node: Node, rows: Rows, database: str) -> None:
    often, held = rows.add_job("often", interval="1 hour"), rows.add_job("held", interval="1 hour")
    by_hand = rows.add_job("by hand")
    await plan(node.connection, SPECS)
    rows.connection.execute(STOP, (datetime.now(UTC) + timedelta(days=1),))
    with psycopg.connect(database) as somebody:
        somebody.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (held,))
        await planned(node)
        assert (await look(node.connection, ["noop"], timedelta(0))).can_replan
    await planned(node)
    assert not (await look(node.connection, ["noop"], timedelta(0))).can_replan
    ends_at = rows.one("SELECT ends_at FROM schedule_overlays")
    assert row(rows, often)[1] >= ends_at and row(rows, held)[1] >= ends_at
    assert rows.one("SELECT spec_version FROM schedule_jobs WHERE id = %s", by_hand) == 1


async def test_jobs_that_an_edit_left_without_a_time_come_back_when_it_is_undone(node: Node, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO calendars (name, closed_weekdays) VALUES ('one', '')")
    ending = rows.add_job("ending", interval="1 hour", end_at=datetime.now(UTC) + timedelta(hours=6))
    skipping = rows.add_job("skipping", interval="1 hour", calendar="one", on_holiday="skip")
    await plan(node.connection, SPECS)
    before = [row(rows, job) for job in (ending, skipping)]

    rows.connection.execute(STOP, (datetime.now(UTC) + timedelta(days=1),))
    rows.connection.execute(f"UPDATE calendars SET closed_weekdays = '{ALL_DAYS}' WHERE name = 'one'")
    await planned(node)
    await complete_jobs(node.connection)
    assert row(rows, ending)[:2] == ("active", None) and "before end_at" in row(rows, ending)[2]
    assert row(rows, skipping)[0] == "invalid"

    rows.connection.execute("DELETE FROM schedule_overlays")
    rows.connection.execute("UPDATE calendars SET closed_weekdays = '' WHERE name = 'one'")
    await planned(node)
    assert [row(rows, job) for job in (ending, skipping)] == before


async def test_a_job_without_a_time_left_is_completed_once_its_end_has_come(node: Node, rows: Rows) -> None:
    job = rows.add_job("ending", interval="1 hour", end_at=datetime.now(UTC) + timedelta(minutes=5))
    await plan(node.connection, SPECS)
    assert row(rows, job)[0] == "active"
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute("UPDATE schedule_jobs SET end_at = now() WHERE id = %s", (job,))
    await complete_jobs(node.connection)
    assert row(rows, job)[0] == "completed"


@pytest.mark.parametrize("edit", ["overlay", "holiday"])
async def test_a_promised_time_that_an_edit_takes_out_is_skipped_with_the_reason(node: Node, rows: Rows, edit: str) -> None:
    rows.connection.execute("INSERT INTO calendars (name, closed_weekdays) VALUES ('one', '')")
    job = rows.add_job("one", interval="1 hour", calendar="one", on_holiday="skip")
    await plan(node.connection, SPECS)
    daemon_was_away(rows, job, "10 minutes")
    if edit == "overlay":
        rows.connection.execute(STOP, (datetime.now(UTC) + timedelta(days=1),))
    else:
        rows.connection.execute(
            "INSERT INTO calendar_days (calendar, day) SELECT 'one', (now() AT TIME ZONE 'Asia/Seoul')::date + n"
            "  FROM generate_series(-1, 1) AS n")
    await planned(node)
    assert rows.all("SELECT status, skip_reason, missed_count FROM job_executions") == [("skipped", edit, 0)]
    assert row(rows, job)[1] > datetime.now(UTC)


async def test_what_comes_after_the_time_that_is_taken_out_runs(node: Node, rows: Rows) -> None:
    job = rows.add_job("one", interval="1 hour")
    await plan(node.connection, SPECS)
    daemon_was_away(rows, job, "3 hours 10 minutes")
    rows.connection.execute("INSERT INTO schedule_overlays (name, starts_at, ends_at, action)"
                            " VALUES ('over', now() - interval '4 hours', now() - interval '2 hours 30 minutes', 'stop')")
    await planned(node)
    assert rows.all("SELECT status, skip_reason, missed_count FROM job_executions ORDER BY scheduled_for") == [
        ("skipped", "overlay", 0), ("queued", None, 2)]


async def test_an_end_is_no_new_rhythm_and_no_new_count(node: Node, rows: Rows) -> None:
    job = rows.add_job("one", interval="1 day", max_runs=10)
    await plan(node.connection, SPECS)
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute("UPDATE schedule_jobs SET occurrence_count = 9, anchor_at = anchor_at - interval '5 hours'")
    rows.connection.execute("SET application_name = 'test'")
    anchor = rows.one("SELECT anchor_at FROM schedule_jobs WHERE id = %s", job)
    rows.connection.execute("UPDATE schedule_jobs SET end_at = now() + interval '90 days' WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert rows.one("SELECT anchor_at, occurrence_count FROM schedule_jobs WHERE id = %s", job) == (anchor, 9)
    assert row(rows, job)[1] == anchor + timedelta(days=1)


async def test_an_interval_with_a_beginning_counts_from_it(node: Node, rows: Rows) -> None:
    start = datetime(2097, 1, 31, 0, 0, tzinfo=UTC)
    made = rows.add_job("made so", interval="1 month", start_at=start)
    edited = rows.add_job("edited so", interval="1 month")
    rows.connection.execute("UPDATE schedule_jobs SET start_at = %s WHERE id = %s", (start, edited))
    await plan(node.connection, SPECS)
    assert row(rows, made)[1] == row(rows, edited)[1] == start
    daemon_was_away(rows, made, "1 second")
    rows.connection.execute("UPDATE schedule_jobs SET start_at = now() - interval '90 minutes', interval = '1 hour'")
    await plan(node.connection, SPECS)
    assert timedelta(minutes=29) < row(rows, made)[1] - datetime.now(UTC) < timedelta(minutes=31)


def test_edges_in_many_layers_are_judged_at_once(rows: Rows) -> None:
    layers = [[rows.add_job(f"{layer} {side}") for side in "ab"] for layer in range(40)]
    rows.connection.execute("SET statement_timeout = '5s'")
    for former, latter in pairwise(layers):
        for job in latter:
            for on in former:
                rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (job, on))
    with pytest.raises(psycopg.errors.CheckViolation, match=r"wait for itself: 0 a → 39 [ab] → 38 [ab] → .* → 1 [ab] → 0 a"):
        rows.connection.execute(
            "INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (layers[0][0], layers[-1][0]))


def test_a_calendar_cannot_be_its_own_base_by_way_of_others(rows: Rows) -> None:
    rows.connection.execute("INSERT INTO calendars (name, base) VALUES ('courier', 'kr')")
    with pytest.raises(psycopg.errors.CheckViolation, match="'kr' would be its own base"):
        rows.connection.execute("UPDATE calendars SET base = 'courier' WHERE name = 'kr'")
