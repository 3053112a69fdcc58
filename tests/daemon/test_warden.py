"""The warden by itself, spoken to as the daemon speaks to it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.running.kernel import boottime
from tests.support.daemons import wait_for

LINES = 300_000


@pytest.fixture
def line() -> Iterator[socket.socket]:
    """Give our end of the line to a warden with the test handlers; closing it ends the warden."""
    ours, theirs = socket.socketpair()
    options = {"modules": ["tests.support.jobs"], "workers": 1, "max_executions_per_child": 9, "timeout_grace_seconds": 5}
    command = [sys.executable, "-m", "scheduler.running.warden", str(theirs.fileno()), json.dumps(options)]
    ours.settimeout(30)
    with subprocess.Popen(command, pass_fds=[theirs.fileno()]) as warden, ours:
        theirs.close()
        try:
            yield ours
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            assert warden.wait(20) == 0


def start(execution_id: int, job_type: str, **parameters: object) -> bytes:
    body = {
        "execution_id": execution_id, "job_id": 1, "job_name": "job", "job_type": job_type, "trigger": "manual",
        "attempt": 1, "fence": 1, "scheduled_for": "2026-01-01T00:00:00+00:00", "last_success_at": None,
        "deadline": boottime() + 60, "parameters": parameters, "market_codes": [], "checkpoint": None, "dependencies": {},
        "database_url": "", "settings": {}, "memory_mb": 1024,
    }
    return f"start {execution_id} 60 {boottime() + 60:.6f} fork {json.dumps(body)}\n".encode()


def test_what_is_said_while_the_daemon_does_not_listen_is_counted(line: socket.socket, tmp_path: Path) -> None:
    done = tmp_path / "done"
    stream = line.makefile("rb")
    assert stream.readline().startswith(b"hello ")
    line.sendall(start(1, "talk", lines=LINES, file=str(done)))
    wait_for(done.exists, 30)
    heard: list[bytes] = []
    while not heard or not heard[-1].startswith(b"end "):
        heard.append(stream.readline())
    told = [json.loads(said.split(b" ", 2)[2]) for said in heard if said.startswith(b"log ")]
    lost = int(told[0]["message"].split()[0])
    assert 0 < lost == LINES + 1 - sum(said.startswith(b"out ") for said in heard)
