"""Workflows by plain SQL: one job for each step, never two, and edits that touch only what differs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from scheduler.queries.jobs import list_jobs
from scheduler.queries.schedules import Surroundings
from scheduler.rules.schedule import next_after

Connection = psycopg.Connection[Any]
SEOUL = ZoneInfo("Asia/Seoul")
STEPS: list[dict[str, Any]] = [
    {"name": "수집", "job_type": "order_collection", "market_codes": ["coupang"], "parameters": {"days": 1}},
    {"name": "재고", "job_type": "inventory_sync", "timeout_minutes": 5, "max_retries": 0},
    {"name": "알림", "job_type": "notify", "after": ["수집"], "on": "failure"},
]
DAILY = {"mode": "recurring", "every": "daily", "at": "09:00"}


def save(connection: Connection, steps: Any = STEPS, schedule: Any = DAILY, name: str = "아침") -> None:
    connection.execute(
        "INSERT INTO schedule_workflows (name, steps, schedule) VALUES (%s, %s, %s) "
        "ON CONFLICT (name) DO UPDATE SET steps = excluded.steps, schedule = excluded.schedule",
        (name, json.dumps(steps), json.dumps(schedule)),
    )


def steps(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT workflow_step, id, spec_version, updated_at FROM schedule_jobs ORDER BY id").fetchall()


def order(connection: Connection) -> set[tuple[str, str, str]]:
    return set(connection.execute(
        "SELECT job.workflow_step, former.workflow_step, edge.outcome FROM job_dependencies AS edge "
        "JOIN schedule_jobs AS job ON job.id = edge.job_id "
        "JOIN schedule_jobs AS former ON former.id = edge.depends_on").fetchall())


def queued(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT job_name FROM job_executions WHERE status = 'queued' ORDER BY id")]


def test_each_step_becomes_a_job_that_follows_the_step_above(connection: Connection) -> None:
    save(connection)
    rows = connection.execute(
        "SELECT name, job_type, market_codes, parameters, timeout_minutes, max_retries, specific_times::text, status "
        "FROM schedule_jobs ORDER BY id").fetchall()
    assert rows == [
        ("아침 / 수집", "order_collection", ["coupang"], {"days": 1}, 30.0, 3, "{09:00:00}", "active"),
        ("아침 / 재고", "inventory_sync", [], {}, 5.0, 0, None, "active"),
        ("아침 / 알림", "notify", [], {}, 30.0, 3, None, "active"),
    ]
    assert order(connection) == {("재고", "수집", "success"), ("알림", "수집", "failure")}


def test_saving_three_times_makes_one_set_and_touches_nothing(connection: Connection) -> None:
    save(connection)
    first, edges = steps(connection), order(connection)
    save(connection)
    save(connection)
    assert (steps(connection), order(connection)) == (first, edges)


def test_an_edit_changes_the_step_it_is_about_and_no_other(connection: Connection) -> None:
    save(connection)
    before = {row[0]: row for row in steps(connection)}
    report = {"name": "보고", "job_type": "report", "after": ["수집", "재고"]}
    edited = [{**STEPS[0], "parameters": {"days": 2}}, STEPS[1], report]
    save(connection, edited)
    after = {row[0]: row for row in steps(connection)}
    assert set(after) == {"수집", "재고", "보고"} and after["재고"] == before["재고"]
    assert after["수집"][1] == before["수집"][1] and after["수집"][2] == before["수집"][2] + 1
    assert order(connection) == {("재고", "수집", "success"), ("보고", "수집", "success"), ("보고", "재고", "success")}


def test_an_order_can_be_turned_round(connection: Connection) -> None:
    pair = [{"name": "a", "job_type": "t"}, {"name": "b", "job_type": "t"}]
    save(connection, pair)
    save(connection, pair[::-1])
    assert order(connection) == {("a", "b", "success")}
    assert connection.execute("SELECT workflow_step, specific_times IS NULL FROM schedule_jobs ORDER BY 1").fetchall() == [
        ("a", True), ("b", False)]


def test_immediate_fires_when_it_is_new_or_becomes_so_and_at_no_other_edit(connection: Connection) -> None:
    now = {"mode": "immediate"}
    both: list[dict[str, Any]] = [
        {"name": "a", "job_type": "t"}, {"name": "b", "job_type": "t", "after": []}, {"name": "c", "job_type": "t"}]
    save(connection, both, now)
    assert queued(connection) == ["아침 / a", "아침 / b"]
    save(connection, [{**each, "max_retries": 1} for each in both], now)
    assert len(queued(connection)) == 2
    save(connection, both, DAILY)
    assert len(queued(connection)) == 2
    save(connection, both, now)
    assert len(queued(connection)) == 4


def test_a_paused_workflow_does_not_fire_and_resuming_it_does_not_either(connection: Connection) -> None:
    connection.execute("INSERT INTO schedule_workflows (name, steps, status) VALUES ('w', %s, 'paused')", (json.dumps(STEPS),))
    connection.execute("UPDATE schedule_workflows SET status = 'active'")
    assert queued(connection) == []
    assert connection.execute("SELECT DISTINCT status FROM schedule_jobs").fetchall() == [("active",)]
    connection.execute("UPDATE schedule_workflows SET status = 'paused'")
    assert connection.execute("SELECT DISTINCT status FROM schedule_jobs").fetchall() == [("paused",)]


@pytest.mark.parametrize(("schedule", "columns"), [
    ({"mode": "recurring", "every": "daily", "at": ["09:00", "18:30"], "days": "mon-fri"},
     {"specific_times": "{09:00:00,18:30:00}", "days_of_week": "mon-fri"}),
    ({"mode": "recurring", "every": "weekly", "at": "09:00", "days": ["월", "목"]},
     {"specific_times": "{09:00:00}", "days_of_week": "월,목"}),
    ({"mode": "recurring", "every": "monthly", "at": "09:05", "day": 5}, {"cron_expression": "5 9 5 * *"}),
    ({"mode": "recurring", "every": "daily", "at": "09:00", "until": "2030-12-31", "max_runs": 7, "timezone": "UTC"},
     {"end_at": "2030-12-31 23:59:59+00", "max_runs": "7", "timezone": "UTC"}),
    ({"mode": "recurring", "every": "daily", "at": "09:00", "on_holiday": "next"}, {"on_holiday": "next", "calendar": "kr"}),
    ({"mode": "scheduled", "run_at": "2031-01-02 03:04"}, {"run_at": "2031-01-01 18:04:00+00"}),
    ({"mode": "scheduled", "run_at": "2031-01-02T03:04:00Z", "timezone": "Asia/Seoul"}, {"run_at": "2031-01-02 03:04:00+00"}),
])
def test_each_schedule_reaches_its_columns(connection: Connection, schedule: Any, columns: dict[str, str]) -> None:
    connection.execute("SET TIME ZONE 'UTC'")
    save(connection, STEPS[:1], schedule)
    for column, value in columns.items():
        assert connection.execute(f"SELECT {column}::text FROM schedule_jobs").fetchone() == (value,)


def test_a_delay_counts_from_the_saving_and_only_from_that(connection: Connection) -> None:
    delayed = {"mode": "delayed", "delay": "10 minutes"}
    save(connection, STEPS[:1], delayed)
    close = "SELECT run_at, run_at - now() BETWEEN '9 minutes' AND '10 minutes' FROM schedule_jobs"
    first = connection.execute(close).fetchone()
    assert first is not None and first[1]
    save(connection, [{**STEPS[0], "max_retries": 9}], delayed)
    assert connection.execute(close).fetchone() == first
    save(connection, STEPS[:1], {"mode": "delayed", "delay": "2 hours"})
    assert connection.execute("SELECT run_at > now() + interval '1 hour' FROM schedule_jobs").fetchone() == (True,)


@pytest.mark.parametrize(("day", "days"), [
    (31, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]), ("last", ["2027-01-31", "2027-02-28", "2027-03-31"]),
    (30, ["2027-01-30", "2027-02-28", "2027-03-30"]), (29, ["2027-01-29", "2027-02-28", "2027-03-29"]),
    (1, ["2027-02-01", "2027-03-01"]),
])
def test_a_day_that_a_month_does_not_have_is_its_last(connection: Connection, day: Any, days: list[str]) -> None:
    save(connection, STEPS[:1], {"mode": "recurring", "every": "monthly", "at": "08:00", "day": day})
    save(connection, STEPS[:1], {"mode": "recurring", "every": "monthly", "at": "09:30", "day": day})
    schedule = Surroundings(connection).schedule_of(list_jobs(connection)[0])
    moment, found = datetime(2027, 1, 2, tzinfo=SEOUL), []
    for _ in days:
        planned = next_after(schedule, moment)
        assert planned is not None
        moment = planned
        found.append(planned.astimezone(SEOUL).isoformat(" ", "minutes"))
    assert found == [f"{each} 09:30+09:00" for each in days]


def test_what_has_run_can_be_saved_again_though_its_moment_is_over(connection: Connection) -> None:
    over = {"mode": "scheduled", "run_at": "2020-01-01 09:00"}
    with pytest.raises(psycopg.errors.CheckViolation, match="is over"):
        save(connection, STEPS[:1], over)
    save(connection, STEPS[:1], {"mode": "scheduled", "run_at": "2031-01-01 09:00"})
    connection.execute("SET session_replication_role = replica")
    connection.execute("UPDATE schedule_workflows SET schedule = %s, run_at = '2020-01-01 09:00+09'", (json.dumps(over),))
    connection.execute("SET session_replication_role = origin")
    save(connection, STEPS[:2], over)
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (2,)


def test_all_faults_are_told_at_once_with_an_example(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        save(connection, [{"name": "a"}, {"name": "a", "job_type": "t", "wehn": 1}, 7],
             {"mode": "recurring", "every": "monthly", "at": "25:00", "day": 32})
    detail = refused.value.diag.message_detail or ""
    for fault in ("job_type NULL", "'wehn' is not known", "the name is there twice", "step 3 is not an object", "at '25:00'",
                  "day '32'"):
        assert fault in detail, fault
    assert (refused.value.diag.message_hint or "").endswith(";")
    assert steps(connection) == []


@pytest.mark.parametrize(("steps_", "schedule", "fault"), [
    ([{"name": "a", "job_type": "t", "after": ["b"]}, {"name": "b", "job_type": "t"}], DAILY, "wait for each other: a, b"),
    ([{"name": "a", "job_type": "t", "after": "a"}], DAILY, "not another step"),
    ([{"name": "a", "job_type": "t", "after": ["zz"]}], DAILY, "not another step"),
    ([{"name": "a", "job_type": "t", "market_codes": ["a", "a"]}], DAILY, "names a market twice"),
    ([{"name": "a", "job_type": "t", "timeout_minutes": "x"}], DAILY, "timeout_minutes"),
    ([{"name": "a", "job_type": "t", "parameters": [1]}], DAILY, "not an object"),
    ([{"name": "a", "job_type": "t", "on": "maybe"}], DAILY, "on 'maybe'"),
    ([], DAILY, "1 to 100 steps"), ({}, DAILY, "1 to 100 steps"),
    (STEPS, {}, "mode NULL"), (STEPS, {"mode": "delayed", "delay": "soon"}, "delay 'soon'"),
    (STEPS, {"mode": "delayed", "delay": "-1 hour"}, "delay"), (STEPS, {"mode": "scheduled", "run_at": "infinity"}, "run_at"),
    (STEPS, {"mode": "scheduled", "run_at": "2031-02-30 09:00"}, "run_at"),
    (STEPS, {**DAILY, "every": "weekly"}, "weekly needs it"), (STEPS, {**DAILY, "days": "blursday"}, "days 'blursday'"),
    (STEPS, {**DAILY, "timezone": "Asia/Soul"}, "Asia/Soul"), (STEPS, {**DAILY, "delay": "1h"}, "'delay' is not known"),
    (STEPS, {**DAILY, "until": "2020-01-01"}, "is over"), (STEPS, {**DAILY, "max_runs": 0}, "max_runs"),
])
def test_a_wrong_workflow_is_refused_and_nothing_is_saved(connection: Connection, steps_: Any, schedule: Any, fault: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="workflow '아침' cannot be saved") as refused:
        save(connection, steps_, schedule)
    assert fault in (refused.value.diag.message_detail or "")
    assert connection.execute("SELECT count(*) FROM schedule_workflows").fetchone() == (0,) and steps(connection) == []


def test_a_job_of_that_name_is_not_taken_over(connection: Connection) -> None:
    connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('아침 / 수집', 't')")
    with pytest.raises(psycopg.errors.CheckViolation, match="exists already"):
        save(connection)
    assert [row[0] for row in steps(connection)] == [None]


def test_a_rename_keeps_the_jobs_and_a_deletion_takes_them(connection: Connection) -> None:
    save(connection)
    connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('other', 't')")
    ids = [row[1] for row in steps(connection)]
    connection.execute("UPDATE schedule_workflows SET name = '저녁'")
    assert [row[1] for row in steps(connection)] == ids
    assert connection.execute("SELECT name FROM schedule_jobs ORDER BY id LIMIT 1").fetchone() == ("저녁 / 수집",)
    connection.execute("INSERT INTO job_executions (job_id) VALUES (%s)", (ids[0],))
    connection.execute("DELETE FROM schedule_workflows")
    assert connection.execute("SELECT name FROM schedule_jobs").fetchall() == [("other",)]
    assert connection.execute("SELECT status FROM job_executions").fetchone() == ("cancelled",)


def test_who_may_save_a_workflow_needs_no_right_on_its_jobs(connection: Connection) -> None:
    connection.execute("CREATE ROLE workflow_saver")
    try:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO workflow_saver")
        connection.execute("GRANT INSERT, UPDATE, DELETE ON schedule_workflows TO workflow_saver")
        connection.execute("SET ROLE workflow_saver")
        save(connection)
        save(connection, STEPS[:2], {"mode": "immediate"})
        assert queued(connection) == ["아침 / 수집"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM schedule_jobs")
        connection.execute("DELETE FROM schedule_workflows")
        assert steps(connection) == []
    finally:
        connection.execute("RESET ROLE")
        connection.execute("DROP OWNED BY workflow_saver")
        connection.execute("DROP ROLE workflow_saver")
