"""The daemon as systemd would hear it: ready, alive, draining."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.deploy.live import LIMIT_SECONDS, PROGRAM, Surroundings


@pytest.fixture
def manager(surroundings: Surroundings) -> Iterator[socket.socket]:
    """Give the socket that the service manager would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(surroundings.folder / "notify"))
        listener.settimeout(LIMIT_SECONDS)
        yield listener


@pytest.fixture
def daemon(surroundings: Surroundings, manager: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    service = {"NOTIFY_SOCKET": str(surroundings.folder / "notify"), "WATCHDOG_USEC": "2000000"}
    started = subprocess.Popen(
        [PROGRAM, "start", "--no-web"],
        env=surroundings.environment | surroundings.settings | service,
        cwd=surroundings.folder,
        stdin=subprocess.DEVNULL,
    )
    yield started
    if started.poll() is None:
        started.kill()
        started.wait()


def hear(listener: socket.socket, word: str) -> str:
    """Return the next message that carries *word*."""
    while True:
        message = listener.recv(4096).decode()
        if word in message.splitlines():
            return message


def test_systemd_hears_ready_watchdog_and_stopping_and_the_drain_is_clean(
    surroundings: Surroundings, manager: socket.socket, daemon: subprocess.Popen[bytes]
) -> None:
    assert "STATUS=" in hear(manager, "READY=1")
    assert surroundings.live_pid() == daemon.pid
    for _ in range(3):
        hear(manager, "WATCHDOG=1")
    surroundings.start_execution()

    daemon.send_signal(signal.SIGTERM)

    assert "EXTEND_TIMEOUT_USEC=" in hear(manager, "STOPPING=1")
    surroundings.gate.touch()
    assert daemon.wait(LIMIT_SECONDS) == 0
    assert surroundings.one("SELECT status FROM job_executions") == "success"
    assert surroundings.one("SELECT result -> 'inherited' FROM job_executions") == []
