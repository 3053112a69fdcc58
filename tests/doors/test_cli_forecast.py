"""`erp-scheduler jobs next`: what comes, what will not and why, and when there is no room for all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from scheduler.queries.forecast import Upcoming, crowds, durations, slots, upcoming
from tests.doors.conftest import Cli, a_job, an_execution, document

Connection = psycopg.Connection[Any]


def test_times_that_do_not_run_are_there_with_the_reason(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00"], on_holiday="skip", calendar="kr-holidays")
    found = document(cli("jobs", "next", number, "--from", "2027-02-28 12:00", "--count", "2", "--json"))
    assert (found[0]["planned_at"][:10], found[0]["at"], found[0]["reason"]) == ("2027-03-01", None, "holiday")
    assert [each["at"] and each["at"][:10] for each in found] == [None, "2027-03-02", "2027-03-03"]
    assert "삼일절" in cli("jobs", "next", number, "--from", "2027-02-28 12:00", "--lang", "ko").stdout
    moved = a_job(connection, "moved", interval=None, specific_times=["09:00"], on_holiday="next", days_of_week="mon")
    found = document(cli("jobs", "next", moved, "--from", "2027-02-28 12:00", "--count", "1", "--json"))
    assert (found[0]["planned_at"][:10], found[0]["at"][:10], found[0]["reason"]) == ("2027-03-01", "2027-03-02", "moved")


def test_a_pause_an_overlay_and_an_end_are_reasons(cli: Cli, connection: Connection) -> None:
    daily = {"interval": None, "specific_times": ["09:00"]}
    paused = a_job(connection, "paused", **daily, paused_until="2100-01-02 00:00+09", pause_reason="점검")
    first, second = document(cli("jobs", "next", paused, "--count", "1", "--json"))
    assert (first["at"], first["reason"]) == (None, "paused") and "점검" in first["reason_en"]
    assert second["at"] == "2100-01-02T00:00:00+00:00"
    ending = a_job(connection, "ending", **daily, end_at="2100-01-02 12:00+09")
    found = document(cli("jobs", "next", ending, "--from", "2100-01-01 12:00", "--json"))
    assert [each["reason"] for each in found] == [None, "ended"]
    connection.execute("INSERT INTO schedule_overlays (name, starts_at, ends_at, action) "
                       "VALUES ('move', '2090-01-01', '2090-01-02', 'stop')")
    stopped = a_job(connection, "stopped", **daily)
    found = document(cli("jobs", "next", stopped, "--from", "2089-12-31 12:00", "--hours", "72", "--json"))
    assert "overlay" in [each["reason"] for each in found]
    assert "stopped by the overlay 'move'" in cli("jobs", "next", stopped, "--from", "2089-12-31 12:00").stdout


def test_what_is_promised_comes_first_also_when_it_is_overdue(connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00"])
    connection.execute("UPDATE schedule_jobs SET next_run_at = now() - interval '5 minutes', planned_version = spec_version")
    found = upcoming(connection, number, 2)
    now = datetime.now(UTC)
    assert found[0].run_at is not None and now - timedelta(minutes=6) < found[0].run_at < now
    assert found[1].run_at is not None and found[1].run_at > now


def test_all_jobs_come_in_order_with_whom_they_wait_for_and_in_both_clocks(cli: Cli, connection: Connection) -> None:
    first = a_job(connection, "first", interval=None, specific_times=["09:00"])
    second = a_job(connection, "second", interval=None, specific_times=["09:30"], timezone="America/New_York")
    connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (second, first))
    found = document(cli("jobs", "next", "--count", "6", "--json"))
    times = [each["at"] for each in found]
    assert times == sorted(times) and {each["job_id"] for each in found} == {first, second}
    assert next(each for each in found if each["job_id"] == second)["waits_for"] == ["first"]
    text = cli("jobs", "next", "--utc").stdout
    assert "UTC" in text and "after 'first'" in text and "America/New_York" in text


def test_crowds_are_counted_by_usual_durations(cli: Cli, connection: Connection) -> None:
    ids = [a_job(connection, f"job {number}", interval=None, specific_times=["09:00"]) for number in range(3)]
    for seconds in (10, 20, 600):
        an_execution(connection, ids[0], "success", duration_ms=seconds * 1000)
    assert durations(connection, ids) == {ids[0]: 20.0, ids[1]: 60.0, ids[2]: 60.0}
    assert slots(connection, 5) == 5
    found = document(cli("jobs", "next", "--count", "3", "--json", env={"ERP_SCHEDULER_WORKERS": "2"}))
    assert found[0]["crowd"]["running"] == 3 and found[0]["crowd"]["slots"] == 2
    begin, end = (datetime.fromisoformat(found[0]["crowd"][name]) for name in ("from", "until"))
    assert end - begin == timedelta(seconds=20)
    text = cli("jobs", "next", env={"ERP_SCHEDULER_WORKERS": "2"}).stdout
    assert "more to run than slots (2)" in text and "job 0, job 1, job 2" in text
    assert "slots" not in cli("jobs", "next", env={"ERP_SCHEDULER_WORKERS": "3"}).stdout


def test_one_that_ends_as_another_begins_is_no_crowd() -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    later = at + timedelta(seconds=60)
    listed = [Upcoming(1, "1", "UTC", at, at), Upcoming(2, "2", "UTC", later, later)]
    assert crowds(listed, {1: 60.0, 2: 1.0}, 1) == []
    assert [crowd.most for crowd in crowds(listed, {1: 61.0, 2: 1.0}, 1)] == [2]
