"""`erp-scheduler jobs`: days, periods, calendars, overlap, the jobs before and after, pauses and what they missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from rich.cells import cell_len

from tests.doors.conftest import Cli, a_job, a_type, an_execution, document

Connection = psycopg.Connection[Any]
ADD = ("jobs", "add", "--name", "a", "--type", "t", "--at", "09:00")
EDGE = "SELECT depends_on, condition, outcome FROM job_dependencies WHERE job_id = %s ORDER BY depends_on"


def one(connection: Connection, query: str, *values: object) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


@pytest.mark.parametrize(("flags", "column", "value", "cleared"), [
    (["--on", "mon-fri"], "days_of_week", "mon-fri", None),
    (["--on", "월-금"], "days_of_week", "월-금", None),
    (["--start", "2031-01-02"], "(start_at AT TIME ZONE 'Asia/Seoul')::text", "2031-01-02 00:00:00", None),
    (["--until", "2031-01-02"], "(end_at AT TIME ZONE 'Asia/Seoul')::text", "2031-01-02 23:59:59", None),
    (["--until", "2031-01-02 10:00"], "(end_at AT TIME ZONE 'Asia/Seoul')::text", "2031-01-02 10:00:00", None),
    (["--max-runs", "5"], "max_runs", 5, None),
    (["--calendar", "kr-holidays", "--holidays", "next"], "calendar", "kr-holidays", None),
    (["--holidays", "previous"], "on_holiday", "previous", "run"),
    (["--jitter", "1m"], "jitter_seconds", 60, 0),
    (["--overlap", "queue_one"], "overlap_policy", "queue_one", "skip"),
    (["--max-instances", "3"], "max_instances", 3, 1),
    (["--grace", "5m"], "misfire_grace::text", "00:05:00", "00:01:00"),
    (["--owner", "kim"], "owner", "kim", None),
])
def test_each_flag_reaches_its_column_and_none_takes_it_back(
    cli: Cli, connection: Connection, flags: list[str], column: str, value: object, cleared: object
) -> None:
    cli(*ADD, *flags)
    assert one(connection, f"SELECT {column} FROM schedule_jobs") == value
    cli("jobs", "edit", "a", flags[0], "none")
    assert one(connection, f"SELECT {column} FROM schedule_jobs") == cleared
    cli("jobs", "edit", "a", *flags)
    assert one(connection, f"SELECT {column} FROM schedule_jobs") == value


@pytest.mark.parametrize(("flags", "words"), [
    (["--on", "mun-fri"], "mon-fri"),
    (["--start", "soon"], "2026-12-31"),
    (["--until", "2030-01-01", "--start", "2031-01-01"], "before start_at"),
    (["--max-runs", "0"], "1 to 1000000"),
    (["--calendar", "mars"], "known: kr, kr-holidays"),
    (["--holidays", "work"], "run | skip | previous | next"),
    (["--jitter", "2h"], "0 to 3600"),
    (["--overlap", "queue"], "queue_one"),
    (["--max-instances", "101"], "1 to 100"),
    (["--grace", "long"], "90s"),
])
def test_what_cannot_be_meant_is_refused_and_nothing_is_saved(
    cli: Cli, connection: Connection, flags: list[str], words: str
) -> None:
    assert words in cli(*ADD, *flags, code=2).stderr
    assert one(connection, "SELECT count(*) FROM schedule_jobs") == 0


def test_what_was_saved_is_said_in_words_with_its_next_times(cli: Cli, connection: Connection) -> None:
    made = cli(*ADD, "--on", "mon-fri", "--max-runs", "2", "--start", "2031-01-02", "--lang", "ko")
    assert "평일" in made.stdout and "2번까지" in made.stdout
    assert "2031-01-02 09:00:00, 2031-01-03 09:00:00 " in made.stderr and "2031-01-06" not in made.stderr
    edited = document(cli("jobs", "edit", "a", "--max-runs", "none", "--json"))[0]
    assert edited["next"] == [f"2031-01-0{day}T00:00:00+00:00" for day in (2, 3, 6)] and edited["max_runs"] is None


def test_a_calendar_that_has_no_effect_is_said(cli: Cli) -> None:
    assert "--holidays skip" in cli(*ADD, "--calendar", "kr").stderr
    assert "--holidays skip" not in cli("jobs", "edit", "a", "--holidays", "skip").stderr


def test_a_dry_run_shows_it_and_keeps_nothing(cli: Cli, connection: Connection) -> None:
    tried = cli(*ADD, "--on", "sat,sun", "--dry-run")
    assert "not saved" in tried.stdout and "next:" in tried.stderr
    assert one(connection, "SELECT count(*) FROM schedule_jobs") == 0
    number = a_job(connection)
    assert document(cli("jobs", "edit", number, "--every", "2h", "--dry-run", "--json"))[0]["interval"] == "02:00:00"
    assert one(connection, "SELECT interval::text FROM schedule_jobs") == "00:30:00"


def test_a_job_after_others_needs_no_schedule(cli: Cli, connection: Connection) -> None:
    first, second, third = a_job(connection, "주문"), a_job(connection, "상품"), a_job(connection, "재고:ever")
    made = cli("jobs", "add", "--name", "보고", "--type", "t", "--after", "주문", "--after", "상품:failure",
               "--after", "재고:ever:ever")
    assert "after 주문, after 상품 failed, after 재고:ever has ever succeeded" in made.stdout
    number = one(connection, "SELECT id FROM schedule_jobs WHERE name = '보고'")
    assert connection.execute(EDGE, (number,)).fetchall() == [
        (first, "since_last_run", "success"), (second, "since_last_run", "failure"), (third, "ever", "success")]
    assert "after 주문" in cli("jobs", "list").stdout
    shown = document(cli("jobs", "show", "보고", "--json"))
    assert shown["next"] == shown["forecast"] == [] and shown["problem"] is None and len(shown["after"]) == 3


def test_edges_are_replaced_kept_and_cleared(cli: Cli, connection: Connection) -> None:
    first, second, number = a_job(connection, "주문"), a_job(connection, "상품"), a_job(connection, "보고")
    cli("jobs", "edit", number, "--after", first)
    connection.execute("UPDATE job_dependencies SET seen_at = '2020-01-01'")
    cli("jobs", "edit", number, "--after", first, "--after", f"{second}:ever", "--priority", 3)
    assert connection.execute(EDGE, (number,)).fetchall() == [(first, "since_last_run", "success"), (second, "ever", "success")]
    assert one(connection, "SELECT extract(year FROM min(seen_at))::int FROM job_dependencies") == 2020
    assert one(connection, "SELECT priority FROM schedule_jobs WHERE id = %s", number) == 3
    cli("jobs", "edit", number, "--after", "none", "--after", first, code=2)
    cli("jobs", "edit", number, "--after", "none")
    assert connection.execute(EDGE, (number,)).fetchall() == []


def test_a_circle_or_an_unknown_job_before_it_saves_nothing(cli: Cli, connection: Connection) -> None:
    a_job(connection, "주문")
    cli("jobs", "add", "--name", "보고", "--type", "t", "--after", "주문")
    refused = cli("jobs", "edit", "주문", "--after", "보고", "--priority", 7, code=2)
    assert "주문 → 보고 → 주문" in refused.stderr
    cli("jobs", "add", "--name", "c", "--type", "t", "--after", "없음", code=5)
    assert connection.execute("SELECT name, priority FROM schedule_jobs ORDER BY id").fetchall() == [("주문", 0), ("보고", 0)]
    assert one(connection, "SELECT count(*) FROM job_dependencies") == 1


def test_sql_with_edges_does_what_the_flags_would(cli: Cli, connection: Connection) -> None:
    first, second = a_job(connection, "주문"), a_job(connection, "상품")
    connection.execute(cli("jobs", "add", "--name", "it's", "--type", "t", "--after", "주문", "--sql").stdout.encode())
    number = one(connection, "SELECT id FROM schedule_jobs WHERE name = 'it''s'")
    assert connection.execute(EDGE, (number,)).fetchall() == [(first, "since_last_run", "success")]
    connection.execute(cli("jobs", "edit", number, "--after", f"{second}:failure", "--sql").stdout.encode())
    assert connection.execute(EDGE, (number,)).fetchall() == [(second, "since_last_run", "failure")]
    connection.execute(cli("jobs", "pause", number, "--for", "2h", "--reason", "it's", "--sql").stdout.encode())
    assert one(connection, "SELECT status, pause_reason, paused_until > now() FROM schedule_jobs WHERE id = %s", number) == (
        "paused", "it's", True)


def test_show_tells_both_neighbours_and_whether_they_are_met(cli: Cli, connection: Connection) -> None:
    first, number = a_job(connection, "주문"), a_job(connection, "보고")
    cli("jobs", "edit", number, "--after", first)
    assert "… not yet" in cli("jobs", "show", number).stdout
    connection.execute("UPDATE schedule_jobs SET last_success_at = now() + interval '1 s' WHERE id = %s", (first,))
    shown = document(cli("jobs", "show", number, "--json"))
    assert [(edge["depends_on_name"], edge["met"]) for edge in shown["after"]] == [("주문", True)]
    assert "✓ met" in cli("jobs", "show", number).stdout
    assert f"before  {number} 보고: when it succeeds" in cli("jobs", "show", first).stdout
    connection.execute("UPDATE job_dependencies SET seen_at = now() + interval '1 day'")
    assert "used up" in cli("jobs", "show", number).stdout
    assert "no longer wait" in cli("jobs", "remove", first, code=9).stderr


def test_show_says_which_times_do_not_run_and_why(cli: Cli, connection: Connection) -> None:
    connection.execute("INSERT INTO calendar_days (day, name) VALUES ('2031-01-02', '창립기념일')")
    cli(*ADD, "--start", "2031-01-02", "--holidays", "skip")
    shown = document(cli("jobs", "show", "a", "--json"))
    assert shown["next"][0] == "2031-01-03T00:00:00+00:00"
    closed = [each for each in shown["forecast"] if each["run_at"] is None]
    assert closed[0]["planned_at"] == "2031-01-02T00:00:00+00:00" and "창립기념일" in closed[0]["reason"]["ko"]
    text = cli("jobs", "show", "a", "--lang", "ko").stdout
    assert "쉼  2031-01-02 09:00:00" in text and "창립기념일" in text and "쉬는 날은 건너뜀" in text
    assert "예정  2031-01-03 09:00:00" in text


def test_a_held_time_names_what_it_waits_for(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, "보고")
    cli("jobs", "edit", number, "--after", a_job(connection, "주문"))
    held = an_execution(connection, number, "queued", trigger="schedule", held_for="dependency", available_at="9999-01-01")
    an_execution(connection, number, "skipped", skip_reason="dependency")
    an_execution(connection, number, "queued", trigger="backfill")
    for words in (("jobs", "list"), ("executions", "list"), ("executions", "show", held), ("jobs", "show", number)):
        shown = cli(*words).stdout
        assert "waits for 주문" in shown and "9999" not in shown, words
    assert document(cli("executions", "show", held, "--json"))["waits_for"] == ["주문"]
    listed = cli("executions", "list", "--lang", "ko").stdout
    assert "주문을 기다림" in listed and "소급" in listed and "앞 예정이 아직" in listed


def test_waiting_says_what_is_waited_for(cli: Cli, connection: Connection) -> None:
    from scheduler.cli.waiting import wait_for

    number = a_job(connection, "보고")
    cli("jobs", "edit", number, "--after", a_job(connection, "주문"))
    held = an_execution(connection, number, "queued", held_for="dependency", available_at="9999-01-01")
    assert wait_for(connection, [held], 0.1) == 124


def test_a_retry_takes_edited_parameters_that_fit(cli: Cli, connection: Connection) -> None:
    a_type(connection)
    number = a_job(connection)
    failed = an_execution(connection, number, "failed", parameters='{"shop": "a", "batch_size": 5}', checkpoint='{"at": 1}')
    assert "did you mean 'batch_size'" in cli("executions", "retry", failed, "-p", "bach_size=2", code=2).stderr
    assert "batch_size: 0" in cli("executions", "retry", failed, "-p", "batch_size=0", code=2).stderr
    again = document(cli("executions", "retry", failed, "-p", "batch_size=2", "--json"))[0]["execution_id"]
    assert one(connection, "SELECT trigger, retry_of, parameters, checkpoint FROM job_executions WHERE id = %s", again) == (
        "retry", failed, {"shop": "a", "batch_size": 2}, None)


def test_a_pause_has_an_end_and_a_reason(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00"])
    paused = document(cli("jobs", "pause", number, "--until", "2031-01-01", "--reason", "재고 조사", "--json"))[0]
    assert (paused["status"], paused["paused_until"]) == ("paused", "2030-12-31T15:00:00+00:00")
    assert paused["next"][0] == "2031-01-01T00:00:00+00:00"
    assert "2031-01-01 00:00:00까지 일시 정지" in cli("jobs", "show", number, "--lang", "ko").stdout
    assert "재고 조사" in cli("jobs", "show", number).stdout and "resumes in" in cli("jobs", "list").stdout
    assert document(cli("jobs", "show", number, "--json"))["next"] == [f"2031-01-0{day}T00:00:00+00:00" for day in range(1, 6)]
    cli("jobs", "pause", number)
    assert one(connection, "SELECT paused_until, pause_reason FROM schedule_jobs") == (None, None)
    cli("jobs", "pause", number, "--for", "2h")
    hours = one(connection, "SELECT extract(epoch FROM paused_until - now()) / 3600 FROM schedule_jobs")
    assert 1.9 < hours <= 2.01
    cli("jobs", "resume", number)
    assert one(connection, "SELECT status, paused_until FROM schedule_jobs") == ("active", None)
    assert "over already" in cli("jobs", "pause", number, "--until", "2020-01-01", code=2).stderr
    cli("jobs", "pause", number, "--until", "2031-01-01", "--for", "2h", code=2)


def test_resume_makes_up_for_the_last_missed_time_once(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, max_runs=9)
    cli("jobs", "pause", number)
    began = datetime.now(UTC) - timedelta(minutes=100)
    connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
    connection.execute("UPDATE schedule_jobs SET anchor_at = %(at)s, updated_at = %(at)s", {"at": began})
    connection.execute("ALTER TABLE schedule_jobs ENABLE TRIGGER USER")
    connection.execute("UPDATE job_revisions SET changed_at = %s", (began,))
    resumed = document(cli("jobs", "resume", number, "--run-missed", "--json"))[0]
    row = one(connection, "SELECT id, trigger, status, scheduled_for, missed_count FROM job_executions")
    assert row == (resumed["missed_execution_id"], "catchup", "queued", began + timedelta(minutes=90), 2)
    assert one(connection, "SELECT status, occurrence_count FROM schedule_jobs") == ("active", 1)
    assert "no planned time passed" in cli("jobs", "resume", number, "--run-missed").stderr
    assert one(connection, "SELECT count(*) FROM job_executions") == 1


def test_resume_alone_never_fires(cli: Cli, connection: Connection) -> None:
    number = a_job(connection)
    cli("jobs", "pause", number)
    connection.execute("ALTER TABLE schedule_jobs DISABLE TRIGGER USER")
    connection.execute("UPDATE schedule_jobs SET anchor_at = anchor_at - interval '1 day', updated_at = now() - interval '1 day'")
    connection.execute("ALTER TABLE schedule_jobs ENABLE TRIGGER USER")
    cli("jobs", "resume", number)
    assert one(connection, "SELECT count(*) FROM job_executions") == 0


def test_a_change_says_who_and_through_which_door(cli: Cli, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "o'brien; 김")
    cli(*ADD)
    cli("jobs", "edit", "a", "--priority", "1")
    cli("jobs", "pause", "a")
    cli("jobs", "resume", "a")
    cli("jobs", "remove", "a", "--yes")
    assert connection.execute("SELECT DISTINCT actor, via FROM job_revisions").fetchall() == [("o'brien; 김", "cli")]
    assert one(connection, "SELECT count(*) FROM job_revisions") == 5


@pytest.mark.parametrize("language", ["ko", "en"])
def test_tables_keep_to_a_narrow_terminal(cli: Cli, connection: Connection, language: str) -> None:
    cli("jobs", "add", "--name", "쿠팡 주문 수집", "--type", "order_collection", "--at", "09:00,18:00", "--on", "mon-fri",
        "--holidays", "next", "--until", "2031-01-01")
    cli("jobs", "add", "--name", "보고", "--type", "t", "--after", "쿠팡 주문 수집")
    for width in (80, 120):
        for words in (("jobs", "list"), ("executions", "list"), ("jobs", "next")):
            lines = cli(*words, "--lang", language, env={"COLUMNS": str(width)}).stdout.splitlines()
            assert all(cell_len(line) <= width for line in lines)
        assert cli("jobs", "list", "--lang", language, env={"COLUMNS": str(width)}).stdout.splitlines()[1].startswith("1")
