"""`erp-scheduler jobs`: what it prints, what it refuses, and how it answers the shell."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.doors.conftest import Cli, a_job, a_type, an_execution, document

Connection = psycopg.Connection[Any]
HOSTILE = ["[red]빨강[/red]", "it's \"quoted\"; DROP TABLE schedule_jobs; --", "100% %s {x}", "--weird", "쿠팡\u202e주문", "@"]


def test_a_job_made_by_flags_is_the_row_an_operator_would_have_typed(cli: Cli, connection: Connection) -> None:
    made = document(cli(
        "jobs", "add", "--name", "쿠팡 주문", "--type", "order_collection", "--every", "1mo", "--market", "coupang,naver",
        "-p", "days=3", "-p", "note=03x", "--timeout", "90s", "--retries", "5", "--tag", "a", "--important", "--json",
    ))
    assert [job["name"] for job in made] == ["쿠팡 주문"]
    row = connection.execute(
        "SELECT interval = '1 month'::interval AND extract(month FROM interval) = 1, market_codes, parameters, "
        "timeout_minutes, max_retries, tags, important FROM schedule_jobs"
    ).fetchone()
    assert row == (True, ["coupang", "naver"], {"days": 3, "note": "03x"}, 1.5, 5, ["a"], True)


@pytest.mark.parametrize(("flags", "column", "value"), [
    (["--at", "09:00,18:30"], "specific_times::text", "{09:00:00,18:30:00}"),
    (["--cron", "0 9 * * 1-5"], "cron_expression", "0 9 * * 1-5"),
    (["--run-at", "2031-01-02 03:04"], "(run_at AT TIME ZONE 'Asia/Seoul')::text", "2031-01-02 03:04:00"),
    (["--by-hand"], "num_nonnulls(interval, specific_times, cron_expression, run_at)::text", "0"),
    (["--every", "30m", "--paused"], "status", "paused"),
])
def test_each_kind_of_schedule_reaches_its_column(
    cli: Cli, connection: Connection, flags: list[str], column: str, value: str
) -> None:
    cli("jobs", "add", "--name", "a", "--type", "t", *flags)
    assert connection.execute(f"SELECT {column} FROM schedule_jobs").fetchone() == (value,)


@pytest.mark.parametrize(("flags", "words"), [
    (["--every", "1M"], "30m"),
    (["--every", "30x"], "is not an interval"),
    (["--every", "1m"], "not between 00:05:00 and 31 days"),
    (["--every", "30m", "--cron", "* * * * *"], "only one of --every, --cron"),
    ([], "--by-hand"),
    (["--cron", "61 * * * *"], "61"),
    (["--at", "25:00"], "time of day"),
    (["--run-at", "soon"], "2026-12-31"),
    (["--every", "30m", "--tz", "Asia/Soul"], "Asia/Soul"),
    (["--every", "30m", "--timeout", "forever"], "90s"),
    (["--every", "30m", "--param", "days"], "name=value"),
    (["--every", "30m", "--params-json", "[1]"], "params-json"),
    (["--every", "30m", "--market", "Coupang!"], "market"),
    (["--every", "30m", "--retries", "-1"], "max_retries"),
])
def test_a_wrong_job_is_refused_in_words_and_nothing_is_saved(
    cli: Cli, connection: Connection, flags: list[str], words: str
) -> None:
    refused = cli("jobs", "add", "--name", "a", "--type", "t", *flags, code=2)
    assert words in refused.stderr and refused.stdout == ""
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (0,)


def test_all_faults_of_a_row_are_told_at_once(cli: Cli) -> None:
    refused = cli("jobs", "add", "--name", "a", "--type", "t", "--every", "1m", "--timeout", "0s", code=2)
    assert "- interval" in refused.stderr and "- timeout_minutes" in refused.stderr and "→ UPDATE" in refused.stderr


def test_parameters_are_held_against_the_announced_schema(cli: Cli, connection: Connection) -> None:
    a_type(connection)
    add = ("jobs", "add", "--name", "a", "--type", "order_collection", "--every", "30m")
    refused = cli(*add, "-p", "bach_size=5", code=2)
    assert "did you mean 'batch_size'?" in refused.stderr and "missing parameter: shop" in refused.stderr
    assert "batch_size: 0" in cli(*add, "-p", "shop=x", "-p", "batch_size=0", code=2).stderr
    cli(*add, "-p", "shop=x")
    assert "batch_size" in cli("jobs", "edit", "a", "-p", "batch_size=no", code=2).stderr


def test_an_unknown_type_is_said_with_the_nearest_and_saved(cli: Cli, connection: Connection) -> None:
    a_type(connection)
    made = cli("jobs", "add", "--name", "a", "--type", "order_colection", "--every", "30m")
    assert "did you mean 'order_collection'" in made.stderr


def test_a_taken_name_is_a_conflict(cli: Cli, connection: Connection) -> None:
    a_job(connection, "주문")
    assert "erp-scheduler jobs list" in cli("jobs", "add", "--name", "주문", "--type", "t", "--every", "30m", code=6).stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_survives_every_command_as_it_was(cli: Cli, connection: Connection, name: str) -> None:
    cli("jobs", "add", f"--name={name}", "--type", "t", "--every", "30m", "--json")
    assert document(cli("jobs", "list", "--json"))[0]["name"] == name
    assert document(cli("jobs", "show", "--json", "--", name))["name"] == name
    for command in (("jobs", "list"), ("jobs", "show", "1"), ("jobs", "next"), ("jobs", "run", "1"), ("executions", "list")):
        shown = cli(*command).stdout
        assert name.replace("\u202e", "\\x202e") in shown and "\u202e" not in shown and "\x1b" not in shown
    cli("jobs", "remove", "--yes", "--", name)
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (0,)


def test_a_name_typed_as_macos_decomposes_it_finds_the_job(cli: Cli, connection: Connection) -> None:
    import unicodedata

    number = a_job(connection, "주문 수집")
    assert document(cli("jobs", "show", unicodedata.normalize("NFD", "주문"), "--json"))["id"] == number


def test_a_job_is_found_by_a_prefix_only_one_name_has_and_a_number_is_only_an_id(cli: Cli, connection: Connection) -> None:
    first, _ = a_job(connection, "11번가 주문"), a_job(connection, "11번가 상품")
    assert document(cli("jobs", "show", "11번가 주", "--json"))["id"] == first
    assert "11번가 상품" in cli("jobs", "show", "11번가", code=6).stderr
    cli("jobs", "show", "11", code=5)
    cli("jobs", "show", "9" * 40, code=5)
    cli("jobs", "show", "", code=5)


def test_the_list_is_an_array_with_the_columns_of_the_table(cli: Cli, connection: Connection) -> None:
    assert document(cli("jobs", "list", "--json")) == []
    a_job(connection)
    columns = {row[0] for row in connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'schedule_jobs' AND table_schema = 'public'")}
    job = document(cli("--json", "jobs", "list"))[0]
    assert set(job) == columns
    assert job["interval"] == "00:30:00" and job["next_run_at"] is None


def test_the_table_lines_up_hangul_and_is_never_cut_in_a_pipe(cli: Cli, connection: Connection) -> None:
    from rich.cells import cell_len

    a_job(connection, "쿠팡 " + "주문" * 40)
    a_job(connection, "b")
    head, first, second = cli("jobs", "list").stdout.splitlines()
    assert "쿠팡 " + "주문" * 40 in first
    assert len({cell_len(line[:line.index(word)]) for line, word in
                ((head, "TYPE"), (first, "order_collection"), (second, "order_collection"))}) == 1
    narrow = cli("jobs", "list", env={"COLUMNS": "80"}).stdout.splitlines()
    assert all(cell_len(line) <= 80 for line in narrow)


def test_both_languages_and_both_places_of_a_global_flag(cli: Cli, connection: Connection) -> None:
    a_job(connection)
    assert "every 30 minutes" in cli("jobs", "list", "--lang", "en").stdout
    assert "30분마다" in cli("--lang", "ko", "jobs", "list").stdout
    assert "작업 목록" in cli("jobs", "list", "--help", "--lang", "ko").stdout
    assert "List the jobs" in cli("jobs", "list", "--help").stdout
    cli("jobs", "list", "--lang", "fr", code=2)


def test_pause_resume_and_edit_change_only_what_they_say(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, parameters='{"days": 1, "x": 2}')
    assert document(cli("jobs", "pause", number, "--json"))[0]["status"] == "paused"
    cli("jobs", "resume", "@paused")
    edited = document(cli("jobs", "edit", number, "-p", "days=3", "--at", "09:00", "--priority", "5", "--json"))[0]
    assert edited["parameters"] == {"days": 3, "x": 2} and edited["interval"] is None
    assert edited["specific_times"] == ["09:00:00"] and edited["priority"] == 5 and edited["status"] == "active"
    assert "--every" in cli("jobs", "edit", number, code=2).stderr
    cli("jobs", "pause", "@failing", code=5)


def test_sql_is_printed_and_typing_it_does_what_the_flags_would(cli: Cli, connection: Connection) -> None:
    printed = cli("jobs", "add", "--name", "it's", "--type", "t", "--at", "09:00", "-p", "a=\"%\"", "--tag", "x", "--sql").stdout
    assert connection.execute("SELECT count(*) FROM schedule_jobs").fetchone() == (0,)
    connection.execute(printed.encode())
    connection.execute(cli("jobs", "edit", "it's", "--every", "1h", "--sql").stdout.encode())
    connection.execute(cli("jobs", "pause", "it's", "--sql").stdout.encode())
    row = connection.execute(
        "SELECT name, interval::text, specific_times, status, parameters, tags FROM schedule_jobs").fetchone()
    assert row == ("it's", "01:00:00", None, "paused", {"a": "%"}, ["x"])


def test_run_queues_beside_the_schedule_and_refuses_what_nobody_would_claim(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, parameters='{"days": 1, "x": 2}')
    queued = document(cli("jobs", "run", number, "-p", "days=9", "--market", "naver", "--json"))
    row = connection.execute("SELECT id, trigger, status, parameters, market_codes FROM job_executions").fetchone()
    assert row == (queued[0]["execution_id"], "manual", "queued", {"days": 9, "x": 2}, ["naver"])
    assert "start -d" in cli("jobs", "run", number).stderr
    cli("jobs", "pause", number)
    assert f"erp-scheduler jobs resume {number}" in cli("jobs", "run", number, code=4).stderr


def test_waiting_ends_with_124_when_nobody_runs_it(cli: Cli, connection: Connection) -> None:
    number = a_job(connection)
    waited = cli("jobs", "run", number, "--wait", "--timeout", "0.3", code=124)
    assert "queued" in waited.stderr


def test_next_computes_from_the_row_and_says_why_there_is_nothing(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00", "18:00"])
    planned = document(cli("jobs", "next", number, "--count", "3", "--json"))
    assert [each["at"][11:19] for each in planned] in (["00:00:00", "09:00:00", "00:00:00"], ["09:00:00", "00:00:00", "09:00:00"])
    cli("jobs", "pause", number)
    assert "jobs resume" in cli("jobs", "next", number).stderr


def test_removal_wants_a_yes_and_keeps_the_history(cli: Cli, connection: Connection) -> None:
    number = a_job(connection)
    done, waiting = an_execution(connection, number, "success"), an_execution(connection, number, "queued")
    assert "--yes" in cli("jobs", "remove", number, code=9).stderr
    assert document(cli("jobs", "remove", number, "--yes", "--json")) == [{"id": number, "name": "주문 수집"}]
    rows = connection.execute("SELECT id, status FROM job_executions ORDER BY id").fetchall()
    assert rows == [(done, "success"), (waiting, "cancelled")]


def test_show_tells_the_problem_of_a_schedule_that_cannot_be_read(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, cron_expression="99 * * * *")
    shown = document(cli("jobs", "show", number, "--json"))
    assert shown["next"] == [] and "99" in shown["problem"]
    assert "✕" in cli("jobs", "show", number).stdout
