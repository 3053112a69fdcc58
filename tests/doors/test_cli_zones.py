"""A screen shows its moments in one zone, that of the job, and names it."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from scheduler.cli.output import moment
from tests.doors.conftest import Cli, a_job, an_execution, document

Connection = psycopg.Connection[Any]
ZONE = "America/New_York"


def a_job_over_there(connection: Connection) -> int:
    return a_job(connection, "뉴욕", interval=None, specific_times=["09:00"], timezone=ZONE)


def test_show_has_every_moment_in_the_jobs_own_zone_and_names_it(cli: Cli, connection: Connection) -> None:
    number = a_job_over_there(connection)
    for column in ("start_at", "last_run_at", "created_at", "anchor_at"):
        connection.execute(f"UPDATE schedule_jobs SET {column} = '2031-01-02 14:00+00'")
    an_execution(connection, number, "success", started_at="2031-01-02 14:00+00", scheduled_for="2031-01-02 14:00+00")
    shown = cli("jobs", "show", number).stdout
    values = dict(line.split(maxsplit=1) for line in shown.splitlines() if " " in line)
    for column in ("start_at", "last_run_at", "created_at", "anchor_at"):
        assert values[column].startswith("2031-01-02 09:00:00"), column
    assert values["timezone"] == f"{ZONE}  (all times here are in this zone)"
    assert "planned  2031-01-02 09:00:00" in shown and "23:00:00" not in shown
    assert f"{ZONE}  (이 화면의 시각은 모두 이 시간대)" in cli("jobs", "show", number, "--lang", "ko").stdout
    assert document(cli("jobs", "show", number, "--json"))["timezone"] == ZONE


def test_an_execution_is_shown_in_the_zone_of_its_job(cli: Cli, connection: Connection) -> None:
    number = a_job_over_there(connection)
    ended = an_execution(connection, number, "success", started_at="2031-01-02 14:00+00", scheduled_for="2031-01-02 14:00+00")
    shown = cli("executions", "show", ended).stdout
    assert len(re.findall("2031-01-02 09:00:00", shown)) == 2 and f"{ZONE}  (all times here" in shown
    cli("jobs", "remove", number, "--yes")
    shown = cli("executions", "show", ended).stdout
    assert len(re.findall("2031-01-02 23:00:00", shown)) == 2 and "Asia/Seoul  (all times here" in shown
    assert "timezone" not in document(cli("executions", "show", ended, "--json"))


def test_next_reads_its_beginning_in_the_zone_that_it_shows(cli: Cli, connection: Connection) -> None:
    number = a_job_over_there(connection)
    words = ("jobs", "next", number, "--from", "2031-01-02 20:00", "--count", "1")
    assert document(cli(*words, "--json"))[0]["at"] == "2031-01-03T14:00:00+00:00"
    shown = cli(*words).stdout
    assert "2031-01-03 09:00:00" in shown and ZONE in shown


def test_next_names_the_zone_of_its_crowds(cli: Cli, connection: Connection) -> None:
    for _ in range(3):
        a_job(connection, f"job {_}", interval=None, specific_times=["09:00"], timezone=ZONE)
    assert "(by usual durations, Asia/Seoul)" in cli("jobs", "next", env={"ERP_SCHEDULER_WORKERS": "2"}).stdout


def test_what_was_missed_is_told_in_the_jobs_zone(cli: Cli, connection: Connection) -> None:
    number = a_job_over_there(connection)
    cli("jobs", "pause", number)
    connection.execute("UPDATE job_revisions SET changed_at = changed_at - interval '3 days'")
    said = cli("jobs", "resume", number, "--run-missed").stderr
    assert f"09:00:00 ({ZONE})" in said


def test_a_zone_that_nobody_knows_is_shown_in_utc(connection: Connection) -> None:
    at = connection.execute("SELECT '2031-01-02 14:00+00'::timestamptz").fetchone()
    assert at is not None and moment(at[0], "Asia/Soul") == "2031-01-02 14:00:00 UTC"
    assert moment(at[0]) == "2031-01-02 23:00:00"
