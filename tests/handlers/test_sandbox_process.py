"""The sandbox as a process: found by its port file, ended cleanly, the same shop after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

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
    assert line.startswith("sandbox ready: http://127.0.0.1:"), line
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
