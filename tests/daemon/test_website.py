"""The web process beside the daemon: it comes back, it goes with the daemon, and it costs the daemon nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from scheduler.address import SUPERVISOR
from scheduler.daemon.website import Website
from scheduler.settings import load_settings
from tests.support import ports
from tests.support.daemons import LIMIT, Daemon, Rows, wait_for

port = ports.port
BEATS = "SELECT seen_at FROM scheduler_nodes WHERE state = 'running'"


@pytest.fixture
def daemon(database: str, tmp_path: Path, port: int) -> Iterator[Daemon]:
    made = Daemon(database, tmp_path, web_port=port, heartbeat_seconds=0.5, lease_seconds=5)
    made.arguments = ["--web"]
    yield made
    made.remove()


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


def website(daemon: Daemon) -> psutil.Process | None:
    """Return the daemon's web process."""
    for child in psutil.Process(daemon.pid).children():
        try:
            if child.cmdline()[-3:] == ["scheduler", "web", "--json"]:
                return child
        except psutil.Error:
            continue
    return None


def said(daemon: Daemon, event: str) -> int:
    """Count the lines of the log with this event."""
    return daemon.output.read_text().count(f" {event} ")


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=LIMIT).status_code == 200
    except httpx.HTTPError:
        return False


def test_it_answers_comes_back_and_ends_with_the_daemon(daemon: Daemon, port: int) -> None:
    daemon.start()
    assert f"dashboard http://localhost:{port}/scheduler" in daemon.output.read_text()
    wait_for(lambda: said(daemon, "web.ready"), what="the web process is ready")
    first = website(daemon)
    assert first is not None and answers(port)
    assert os.getpgid(first.pid) == first.pid != os.getpgid(daemon.pid)
    assert daemon.dsn not in " ".join(first.cmdline()) and str(port) not in " ".join(first.cmdline())
    first.kill()
    wait_for(lambda: said(daemon, "web.ready") == 2, what="it is started again")
    assert said(daemon, "web.ended") == 1 and answers(port)
    second = website(daemon)
    assert second is not None and second.pid != first.pid
    assert daemon.stop() == 0
    assert not second.is_running() and not answers(port)


def test_it_dies_with_a_daemon_that_is_killed(daemon: Daemon, port: int) -> None:
    daemon.start()
    wait_for(lambda: said(daemon, "web.ready"), what="the web process is ready")
    child = website(daemon)
    assert child is not None
    daemon.kill()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, what="it is gone")
    wait_for(lambda: not answers(port), what="nothing answers")


def test_a_taken_port_is_told_and_jobs_run_all_the_same(daemon: Daemon, port: int, rows: Rows) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        daemon.start()
        wait_for(lambda: said(daemon, "web.port_taken"), what="the taken port is told")
        assert f"--port {port + 1}" in daemon.output.read_text()
        assert rows.ended(rows.run_now(rows.add_job("a")))["status"] == "success"
    wait_for(lambda: said(daemon, "web.ready"), what="it opens once the port is free")


def test_one_that_will_not_end_is_killed_and_none_delays_a_heartbeat(daemon: Daemon, port: int, rows: Rows) -> None:
    daemon.start()
    wait_for(lambda: said(daemon, "web.ready"), what="the web process is ready")
    child = website(daemon)
    assert child is not None
    child.send_signal(signal.SIGSTOP)
    former = rows.one(BEATS)
    wait_for(lambda: rows.one(BEATS) > former, what="the heart beats beside a web process that hangs")
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < LIMIT / 2
    assert not child.is_running()


def test_once_and_no_web_start_none(database: str, tmp_path: Path) -> None:
    quiet = Daemon(database, tmp_path, "quiet")
    quiet.start()
    try:
        assert website(quiet) is None and "dashboard" not in quiet.output.read_text()
        record = json.loads((quiet.state_dir / "daemon.json").read_text())
        assert record["web"] is None
    finally:
        quiet.remove()


def test_its_settings_travel_by_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings"
    file.write_text("ERP_SCHEDULER_WEB_HOSTS=erp.example.com\nERP_SCHEDULER_WORKERS=3\n")
    monkeypatch.setenv("ERP_SCHEDULER_CONFIG", str(file))
    given = load_settings(web_port=4321, state_dir=tmp_path)
    made = Website(given, "postgresql://u:p@h/d", lambda: True).environment()
    assert made["DATABASE_URL"] == "postgresql://u:p@h/d" and "ERP_SCHEDULER_CONFIG" not in made
    for name in list(os.environ):
        monkeypatch.delenv(name, raising=False)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    taken = load_settings()
    assert taken.model_dump(exclude={"database_url", "lang"}) == given.model_dump(exclude={"database_url", "lang"})
    assert taken.database_url == "postgresql://u:p@h/d"


def test_a_web_process_whose_daemon_is_gone_does_not_even_start() -> None:
    orphan = subprocess.run([sys.executable, "-m", "scheduler", "web"], env={**os.environ, SUPERVISOR: "1"}, timeout=LIMIT,
                            capture_output=True, check=False)
    assert orphan.returncode == 1 and orphan.stdout == b""
