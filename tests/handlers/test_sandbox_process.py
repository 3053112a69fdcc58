"""The sandbox as a process: found by its port file, ended cleanly, the same shop after a kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from handlers.sandbox import opening
from handlers.sandbox.state import Beginning, State

LIMIT = 20.0
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start sandboxes that are ended with the test whatever happens."""
    begun: list[subprocess.Popen[bytes]] = []

    def one(*more: str, **popen: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "handlers.sandbox", "--port-file", str(tmp_path / "port"), "--state",
                   str(tmp_path / "state.json"), "--orders-per-minute", "30", "--history-minutes", "10", *more]
        begun.append(subprocess.Popen(command, stdout=subprocess.PIPE, **popen))
        return begun[-1]

    yield one
    for process in begun:
        process.kill()
        process.wait(LIMIT)
        assert process.stdout is not None
        process.stdout.close()


def ready(process: subprocess.Popen[bytes]) -> str:
    """Wait for the line that says where it serves."""
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    assert line.startswith("sandbox ready: ") and "http://127.0.0.1:" in line, line
    return line.rpartition(" ")[2].strip()


def lines(url: str) -> dict[tuple[str, str], int]:
    content = httpx.get(f"{url}/_sandbox/orders", trust_env=False).json()
    return {(line["order_id"], line["line_id"]): line["quantity"] for line in content["lines"]}


def test_killed_and_started_again_it_is_the_same_shop(start: Start, tmp_path: Path) -> None:
    first = start()
    url = ready(first)
    before = lines(url)
    assert url.endswith((tmp_path / "port").read_text())
    state = (tmp_path / "state.json").read_text()
    first.kill()
    first.wait(LIMIT)
    after = lines(ready(start("--seed", "99", "--orders-per-minute", "1")))

    assert len(before) > 250
    assert before.items() <= after.items()
    assert (tmp_path / "state.json").read_text() == state
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_keys_come_from_the_environment_or_are_handed_out_as_files(start: Start, tmp_path: Path) -> None:
    ready(start("--keys-dir", str(tmp_path / "keys"), env={**os.environ, "ERP_SANDBOX_COUPANG_ACCESS_KEY": "given"}))

    assert (tmp_path / "keys" / "access_key").read_text() == "given"
    assert len((tmp_path / "keys" / "secret_key").read_text()) == 40
    assert (tmp_path / "keys" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_and_cleanly_when_told(start: Start, number: signal.Signals) -> None:
    process = start()
    url = ready(process)
    httpx.post(f"{url}/_sandbox/faults", json={"kind": "slow", "seconds": 60}, trust_env=False)
    process.send_signal(number)

    assert process.wait(LIMIT) == 0


def test_it_ends_with_its_parent(start: Start) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        process = start("--parent-pid", str(parent.pid))
        ready(process)
        assert process.poll() is None
    finally:
        parent.kill()
        parent.communicate(timeout=LIMIT)

    assert process.wait(LIMIT) == 0


def test_it_ends_when_standard_input_ends(start: Start) -> None:
    process = start("--until-stdin-closes", stdin=subprocess.PIPE)
    ready(process)
    started = time.monotonic()
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(LIMIT) == 0
    assert time.monotonic() - started < LIMIT


def test_a_restart_listens_where_it_was_and_elsewhere_when_that_is_taken(start: Start, tmp_path: Path) -> None:
    first = start()
    url = ready(first)
    elsewhere = ready(start())
    (tmp_path / "port").write_text(url.rpartition(":")[2])
    first.kill()
    first.wait(LIMIT)

    assert elsewhere != url
    assert ready(start()) == url


def test_a_clock_can_be_sped_up_and_stays_so(start: Start) -> None:
    first = start("--speed", "60")
    url = ready(first)
    before = httpx.get(f"{url}/_sandbox/clock", trust_env=False).json()
    faster = httpx.post(f"{url}/_sandbox/clock", json={"speed": 3600}, trust_env=False).json()
    first.kill()
    first.wait(LIMIT)
    after = httpx.get(f"{ready(start())}/_sandbox/clock", trust_env=False).json()

    assert (before["speed"], faster["speed"], after["speed"]) == (60, 3600, 3600)
    assert before["now"] < faster["now"] < after["now"]


@pytest.mark.parametrize(("words", "said"), [
    (["--market", "gmarket"], "invalid choice: 'gmarket'"), (["--speed", "0"], "not between"),
    (["--late-seconds", "601"], "not between"), (["--orders-per-minute", "many"], "invalid number value"),
    (["--products", "0"], "--products"),
])
def test_a_wrong_option_is_refused_with_the_reason(words: list[str], said: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "handlers.sandbox", *words], capture_output=True, text=True, timeout=LIMIT)

    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_market_without_a_module_is_named_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(opening.MODULES, "naver", "handlers.sandbox.nowhere")

    with pytest.raises(ValueError, match=r"naver: this release has no sandbox of it \(no module handlers\.sandbox\.nowhere\)"):
        opening.open_sandbox("naver", Beginning())
    with pytest.raises(ValueError, match="gmarket: there is no sandbox of it; known markets: coupang, naver, 11st"):
        opening.key_names("gmarket")


def test_keys_have_the_shapes_of_their_markets() -> None:
    keys = State(None, Beginning(), "naver", ("client_id", "client_secret", "openapikey")).content["keys"]

    assert re.fullmatch(r"[A-Za-z0-9]{22}", keys["client_id"])
    assert re.fullmatch(r"[0-9a-f]{32}", keys["openapikey"])
    assert bcrypt.hashpw(b"x", keys["client_secret"].encode()).startswith(keys["client_secret"].encode())


def test_several_markets_are_served_side_by_side_each_with_files_of_its_own(start: Start, tmp_path: Path) -> None:
    markets = ("coupang", "naver", "11st")
    process = start("--keys-dir", str(tmp_path / "keys"), *(word for code in markets for word in ("--market", code)))
    urls = {code: ready(process) for code in markets}
    truths = {code: lines(url) for code, url in urls.items()}

    for code, url in urls.items():
        assert url.endswith(":" + (tmp_path / f"port.{code}").read_text())
        assert (tmp_path / f"state.json.{code}").exists()
        assert {path.name for path in (tmp_path / "keys" / code).iterdir()} == set(opening.key_names(code))
        assert len(truths[code]) > 250
    assert not (tmp_path / "port").exists()
    assert len({frozenset(truth) for truth in truths.values()}) == 3
    stocks = [httpx.get(f"{url}/_sandbox/stock", trust_env=False).json()["items"] for url in urls.values()]
    assert len({tuple((item["sku"], item["price"]) for item in items) for items in stocks}) == 1
