"""What systemd and pm2 hear from the daemon, over real sockets and a real pipe."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.readiness import Readiness

NAMES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE")


@pytest.fixture(autouse=True)
def _no_line_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["path", "abstract"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.settimeout(5)
    if request.param == "path":
        heard.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    else:
        name = f"erp-scheduler-test-{uuid.uuid4()}"
        heard.bind(b"\0" + name.encode())
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
    with heard:
        yield heard


def next_message(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


def nothing_waits(listener: socket.socket) -> bool:
    listener.setblocking(False)
    try:
        listener.recv(4096)
    except BlockingIOError:
        return True
    return False


def test_ready_carries_the_status(listener: socket.socket) -> None:
    Readiness.from_environment().ready("실행 중 3건")
    assert next_message(listener) == ["READY=1", "STATUS=실행 중 3건"]


def test_a_status_of_several_lines_cannot_carry_another_message(listener: socket.socket) -> None:
    Readiness.from_environment().status("작업 12\nSTOPPING=1")
    assert next_message(listener) == ["STATUS=작업 12 STOPPING=1"]


def test_stopping_asks_for_the_time_of_the_drain(listener: socket.socket) -> None:
    Readiness.from_environment().stopping(60)
    assert next_message(listener) == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=60000000"]


def test_the_watchdog_is_fed_four_times_per_interval_at_most(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    now = 100.0
    readiness = Readiness.from_environment()
    readiness._clock = lambda: now
    assert readiness.watchdog_seconds == 20.0

    readiness.watchdog()
    readiness.watchdog()
    now = 105.0
    readiness.watchdog()

    assert [next_message(listener), next_message(listener)] == [["WATCHDOG=1"]] * 2
    assert nothing_waits(listener)


@pytest.mark.parametrize(("microseconds", "pid"), [("", ""), ("soon", ""), ("0", ""), ("20000000", "1")])
def test_no_watchdog_when_none_is_meant_for_us(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, microseconds: str, pid: str
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    readiness = Readiness.from_environment()
    readiness.watchdog()
    assert readiness.watchdog_seconds is None
    assert nothing_waits(listener)


def test_pm2_hears_ready_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv("NODE_CHANNEL_FD", str(writing))
    readiness = Readiness.from_environment()
    readiness.ready("실행 중")
    readiness.status("작업 3")
    os.close(writing)
    assert os.read(reading, 100) == b'"ready"\n'
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_children_inherit_no_line(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    monkeypatch.setenv("NODE_CHANNEL_FD", str(writing))
    monkeypatch.setenv("NODE_CHANNEL_SERIALIZATION_MODE", "json")
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    readiness = Readiness.from_environment()
    assert readiness._socket is not None

    assert not set(NAMES) & set(os.environ)
    assert not os.get_inheritable(readiness._socket.fileno())
    look = f"import os, sys; sys.exit(os.path.exists('/proc/self/fd/{writing}'))"
    assert subprocess.run([sys.executable, "-c", look], close_fds=False, timeout=30).returncode == 0
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
        {"NOTIFY_SOCKET": "/" + "long" * 40},
        {"NOTIFY_SOCKET": "@gone"},
        {"NOTIFY_SOCKET": "vsock:2:1"},
        {"NODE_CHANNEL_FD": "98765"},
        {"NODE_CHANNEL_FD": "three"},
        {"NODE_CHANNEL_FD": "99999999999999999999"},
    ],
)
def test_a_dead_line_disturbs_nothing(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    readiness = Readiness.from_environment()
    readiness.ready("실행 중")
    readiness.status("작업 3")
    readiness.watchdog()
    readiness.stopping(1)
    assert not set(NAMES) & set(os.environ)


def test_a_channel_whose_reader_has_gone_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setenv("NODE_CHANNEL_FD", str(writing))
    readiness = Readiness.from_environment()
    readiness.ready("실행 중")
    readiness.ready("실행 중")
    os.close(writing)


def test_an_ordinary_file_is_not_taken_for_a_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "file").open("wb") as file:
        monkeypatch.setenv("NODE_CHANNEL_FD", str(file.fileno()))
        Readiness.from_environment().ready("실행 중")
    assert (tmp_path / "file").read_bytes() == b""


def test_a_full_queue_does_not_hold_up_the_loop(listener: socket.socket) -> None:
    readiness = Readiness.from_environment()
    for _ in range(5000):
        readiness.status("작업 3")
    assert next_message(listener) == ["STATUS=작업 3"]
