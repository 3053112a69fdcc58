"""The demo, as a newcomer runs it, and as nobody should end it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.support.daemons import ROOT, wait_for


def start_demo(folder: Path) -> subprocess.Popen[bytes]:
    output = (folder.parent / "output.txt").open("ab")
    with output:
        return subprocess.Popen(
            [sys.executable, "-m", "scheduler", "demo", "--folder", str(folder), "--lang", "en"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )


def database(folder: Path) -> str:
    from scheduler.database.embedded import Embedded

    return Embedded(folder).url()


def left_behind(folder: Path) -> list[psutil.Process]:
    mark = str(folder)
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and mark in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


MARKETS = ("coupang", "naver", "11st")


def truth(folder: Path) -> set[tuple[str, str, str]]:
    found = set()
    try:
        for market in MARKETS:
            port = (folder / f"port.{market}").read_text().strip()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_sandbox/orders", timeout=10) as answer:
                said: Any = json.load(answer)
            found |= {(market, line["order_id"], line["line_id"]) for line in said["lines"]}
    except OSError:
        return set()
    return found


def collected(folder: Path) -> list[tuple[str, str, str]]:
    try:
        with psycopg.connect(database(folder), connect_timeout=3) as connection:
            return connection.execute("SELECT market_code, order_id, line_id FROM erp.order_lines").fetchall()
    except psycopg.Error:
        return []


def test_a_demo_killed_at_any_moment_loses_and_doubles_no_order(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    dice = random.Random(7)
    for _ in range(3):
        demo = start_demo(folder)
        try:
            demo.wait(dice.uniform(2.0, 7.0))
        except subprocess.TimeoutExpired:
            demo.kill()
            demo.wait()
    demo = start_demo(folder)
    try:
        wait_for(lambda: (folder / "port.11st").exists() and collected(folder), 60, "orders collected")
        wanted: set[tuple[str, str, str]] = wait_for(lambda: truth(folder), 30)
        wait_for(lambda: wanted <= set(collected(folder)), 40, "every order of the sandbox collected")
        found = collected(folder)
        assert len(found) == len(set(found))
        assert set(found) <= truth(folder)
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    said = (tmp_path / "output.txt").read_text()
    assert "db psql" in said
    assert "jobs list" in said
    assert wait_for(lambda: not left_behind(folder), 5, "nothing left behind")
