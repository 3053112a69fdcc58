"""`erp-scheduler sandbox` as an operator uses it: three shops, the SQL that leads to them, faults, the same addresses again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

LIMIT = 30.0


def words(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "scheduler", "sandbox", *more, "--folder", str(folder), "--lang", "en"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "가게 '1'"


@pytest.fixture
def served(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = serve(folder)
    yield process
    end(process)


def serve(folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*words(folder, *more), "--json"], stdout=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(LIMIT)
    finally:
        process.kill()
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> dict[str, dict[str, Any]]:
    """Read the one document that it prints, and give the markets by their codes."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return {market["market"]: market for market in json.loads(text)["markets"]}
    raise AssertionError(f"no document: {text}")


def fault(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(folder, "fault", *more), capture_output=True, text=True, timeout=LIMIT)


def test_its_sql_opens_accounts_that_lead_to_living_shops(
    served: subprocess.Popen[str], connection: psycopg.Connection[Any]
) -> None:
    markets = said(served)
    for market in markets.values():
        connection.execute(market["sql"])
    rows = connection.execute("SELECT market_code, base_url, credentials FROM market_accounts ORDER BY market_code").fetchall()

    assert [row[0] for row in rows] == ["11st", "coupang", "naver"]
    for code, base_url, credentials in rows:
        assert base_url.startswith(markets[code]["control"].removesuffix("/_sandbox/"))
        for reference in credentials.values():
            path = Path(reference.removeprefix("secret://file"))
            assert path.read_text() and path.stat().st_mode & 0o777 == 0o600
        assert httpx.get(markets[code]["control"] + "clock", trust_env=False).json()["speed"] == 1


def test_its_sql_leaves_the_account_of_a_real_shop_alone(
    served: subprocess.Popen[str], connection: psycopg.Connection[Any]
) -> None:
    connection.execute("INSERT INTO market_accounts (market_code, base_url, credentials) "
                       "VALUES ('naver', 'https://api.commerce.naver.com/external', '{\"client_id\": \"secret://env/A\"}')")
    for market in said(served).values():
        connection.execute(market["sql"])

    assert connection.execute("SELECT base_url FROM market_accounts WHERE market_code = 'naver'").fetchall() == [
        ("https://api.commerce.naver.com/external",)]


def test_ended_and_started_again_the_shops_are_where_they_were_at_the_speed_that_is_asked_for(folder: Path) -> None:
    first = serve(folder)
    before = said(first)
    code = end(first)
    again = serve(folder, "--speed", "60")
    try:
        after = said(again)
        clock = httpx.get(after["11st"]["control"] + "clock", trust_env=False).json()
    finally:
        end(again)

    assert code == 0
    assert after == before
    assert clock["speed"] == 60


def test_a_fault_is_switched_on_and_off_at_a_running_sandbox(served: subprocess.Popen[str], folder: Path) -> None:
    naver = said(served)["naver"]
    on = fault(folder, "naver", "maintenance", "--count", "2")
    waiting = httpx.get(naver["control"] + "faults", trust_env=False).json()["waiting"]
    off = fault(folder, "naver", "clear")
    unknown = fault(folder, "naver", "earthquake")

    assert (on.returncode, on.stdout) == (0, "naver: maintenance, 2\n")
    assert [(each["kind"], each["count"]) for each in waiting] == [("maintenance", 2)]
    assert off.returncode == 0
    assert httpx.get(naver["control"] + "faults", trust_env=False).json()["waiting"] == []
    assert (unknown.returncode, "kind is one of" in unknown.stderr) == (2, True)
    assert fault(folder, "gmarket", "429").returncode == 2


def test_a_second_sandbox_in_the_same_folder_is_refused_and_says_so(served: subprocess.Popen[str], folder: Path) -> None:
    said(served)
    second = subprocess.run(words(folder), capture_output=True, text=True, timeout=LIMIT)

    assert (second.returncode, "already running" in second.stderr) == (6, True)


def test_a_fault_without_a_sandbox_names_the_command_that_starts_one(folder: Path) -> None:
    refused = fault(folder, "naver", "429")

    assert refused.returncode == 7
    assert "erp-scheduler sandbox" in refused.stderr


def test_an_option_that_the_sandbox_refuses_is_told_with_its_words(folder: Path) -> None:
    refused = subprocess.run(words(folder, "--late-seconds", "601"), capture_output=True, text=True, timeout=LIMIT,
                             env={**os.environ, "NO_COLOR": "1"})

    assert refused.returncode == 1
    assert "601" in refused.stderr
