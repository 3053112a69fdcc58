"""What is too large, too early or over: refused in words, never with a traceback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import typer

from scheduler.cli.grammar import _guarded
from scheduler.cli.schedule_flags import read_moment, seconds
from tests.doors.conftest import Cli, a_job

Connection = psycopg.Connection[Any]
MADE = ("jobs", "add", "--name", "b", "--type", "order_collection")


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(("words", "fault"), [
    (("jobs", "pause", "1", "--for", "99999999d"), "36525d"),
    (("jobs", "pause", "1", "--until", "9999-12-31"), "2200"),
    ((*MADE, "--delay", "99999999d"), "36525d"),
    ((*MADE, "--every", "1h", "--until", "9999-12-31"), "2200"),
    ((*MADE, "--every", "1h", "--start", "0001-01-01"), "2200"),
    ((*MADE, "--every", "1h", "--timeout", "9" * 400 + "d"), "36525d"),
    (("jobs", "backfill", "1", "--from", "0001-01-01"), "2200"),
    (("jobs", "next", "--from", "9999-12-31"), "2200"),
    (("jobs", "next", "--from", "0001-01-01T00:00+14:00"), "2200"),
    (("run-once", "order_collection", "--in", "99999999d"), "36525d"),
    (("run-once", "order_collection", "--at", "9999-12-31"), "2200"),
    (("executions", "list", "--since", "99999999d"), "36525d"),
    (("overlays", "add", "sale", "--from", "0001-01-01", "--to", "2031-01-01", "--stop"), "2200"),
])
def test_what_is_out_of_bounds_is_a_usage_error(
    cli: Cli, connection: Connection, words: tuple[str, ...], fault: str, language: str
) -> None:
    a_job(connection)
    refused = cli(*words, "--lang", language, code=2)
    assert fault in refused.stderr and refused.stdout == ""
    assert ("이어야 합니다" in refused.stderr or "까지" in refused.stderr or "여야" in refused.stderr) is (language == "ko")


def test_the_bounds_are_those_of_the_database(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, specific_times=["09:00"])
    for text in ("2000-01-01T00:00+00:00", "2200-01-01T00:00+00:00"):
        assert read_moment(text, None) == datetime.fromisoformat(text)
        connection.execute("UPDATE schedule_jobs SET start_at = %s", (read_moment(text, None),))
        connection.execute("UPDATE schedule_jobs SET start_at = NULL")
    assert seconds("36525d") == 36525 * 86400
    cli("jobs", "pause", number, "--for", "36525d")
    cli("jobs", "next", number, "--from", "2000-01-01T00:00+00:00", "--hours", "1")
    cli("jobs", "next", number, "--from", "2200-01-01T00:00+00:00", "--hours", "1e300")


def test_an_overflow_that_nobody_foresaw_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        datetime.max + timedelta(days=1)

    with pytest.raises(typer.Exit) as ended:
        _guarded(command, {})
    assert ended.value.exit_code == 2 and "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("language", "over", "now"), [
    ("ko", "이미 지났습니다", "지금은 20"), ("en", "is over already", "it is 20"),
])
def test_a_moment_that_is_over_is_refused_with_the_way_to_run_it_now(
    cli: Cli, connection: Connection, language: str, over: str, now: str
) -> None:
    number = a_job(connection, timezone="America/New_York")
    made = cli(*MADE, "--run-at", "2020-01-02 03:04", "--lang", language, code=2).stderr
    assert over in made and now in made and "2020-01-02 03:04:00 (Asia/Seoul)" in made
    assert "erp-scheduler run-once order_collection" in made
    for more in ((), ("--sql",), ("--dry-run",)):
        edited = cli("jobs", "edit", number, "--run-at", "2020-01-02 03:04", *more, "--lang", language, code=2).stderr
        assert over in edited and now in edited and "2020-01-02 03:04:00 (America/New_York)" in edited
        assert f"erp-scheduler jobs run {number}" in edited
    assert connection.execute("SELECT count(*), count(interval) FROM schedule_jobs").fetchone() == (1, 1)


def test_a_job_whose_moment_is_over_may_be_changed_otherwise(cli: Cli, connection: Connection) -> None:
    number = a_job(connection, interval=None, run_at="2020-01-01 00:00+09")
    cli("jobs", "edit", number, "--owner", "kim")
    cli("jobs", "edit", number, "--run-at", "2199-01-01")
