"""`erp-scheduler overlays`: what a sale does to the number of runs, before it is in force."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.doors.conftest import Cli, a_job, document

Connection = psycopg.Connection[Any]
PERIOD = ("--from", "2031-11-27 00:00", "--to", "2031-11-28 00:00")


def test_a_preview_counts_and_changes_nothing(cli: Cli, connection: Connection) -> None:
    fast = a_job(connection, "fast", interval="30m", market_codes=["coupang"])
    a_job(connection, "fixed", interval=None, specific_times=["09:00"], market_codes=["coupang"])
    a_job(connection, "other", interval="1h", market_codes=["naver"])
    versions = connection.execute("SELECT id, spec_version FROM schedule_jobs ORDER BY id").fetchall()
    seen = document(cli("overlays", "add", "sale", *PERIOD, "--times", "3", "--market", "coupang", "--dry-run", "--json"))
    assert seen["id"] is None and {each["name"]: (each["before"], each["after"]) for each in seen["jobs"]} == {
        "fast": (48, 144), "fixed": (1, 1)}
    assert connection.execute("SELECT count(*) FROM schedule_overlays").fetchone() == (0,)
    assert connection.execute("SELECT id, spec_version FROM schedule_jobs ORDER BY id").fetchall() == versions
    text = cli("overlays", "add", "sale", *PERIOD, "--times", "3", "--market", "coupang").stdout
    assert "2 jobs, 49 runs in the period → 145" in text and str(fast) in text


def test_a_stop_ends_all_runs_of_its_period_and_two_overlays_add_up(cli: Cli, connection: Connection) -> None:
    a_job(connection, "fast", interval="30m", tags=["sale"])
    cli("overlays", "add", "sale", *PERIOD, "--times", "2", "--tag", "sale")
    move = ("--from", "2031-11-27 12:00", "--to", "2031-11-28", "--stop", "--reason", "이사")
    seen = document(cli("overlays", "add", "move", *move, "--json"))
    assert [(each["before"], each["after"]) for each in seen["jobs"]] == [(48, 0)]
    sale = document(cli("overlays", "preview", "sale", "--json"))
    assert [(each["before"], each["after"]) for each in sale["jobs"]] == [(24, 48)]
    listed = cli("overlays", "list", "--lang", "ko").stdout
    assert "2배 자주" in listed and "#sale" in listed and "이사" in listed
    cli("overlays", "remove", "move")
    assert [each["name"] for each in document(cli("overlays", "list", "--json"))] == ["sale"]


@pytest.mark.parametrize(("words", "code", "fault"), [
    ([*PERIOD], 2, "--times N or --stop"), ([*PERIOD, "--times", "2", "--stop"], 2, "--times N or --stop"),
    (["--from", "2031-11-28", "--to", "2031-11-27", "--stop"], 2, "begins before it ends"),
    (["--from", "soon", "--to", "2031-11-27", "--stop"], 2, "is not a moment"), ([*PERIOD, "--times", "0"], 2, "factor"),
])
def test_a_wrong_overlay_is_refused(cli: Cli, connection: Connection, words: list[str], code: int, fault: str) -> None:
    assert fault in cli("overlays", "add", "sale", *words, code=code).stderr
    assert connection.execute("SELECT count(*) FROM schedule_overlays").fetchone() == (0,)


def test_one_that_is_not_there_is_said_and_one_that_is_there_is_not_doubled(cli: Cli) -> None:
    assert "no overlay 'x'" in cli("overlays", "preview", "x", code=5).stderr
    cli("overlays", "add", "sale", *PERIOD, "--stop")
    assert "sale" in cli("overlays", "add", "sale", *PERIOD, "--stop", code=6).stderr
