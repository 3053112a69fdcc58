"""Tell the service manager how this daemon is: sd_notify for systemd, the "ready" message for pm2.

Nothing here raises: a dead socket is not worth a job. The variables that name the sockets leave the environment at
once, so that no child inherits them and speaks in the daemon's name.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import time
from collections.abc import Callable

PATIENCE_SECONDS = 1.0
"""How long a message that matters may wait for room in the manager's queue; the others are dropped when it is full."""


class Readiness:
    """The daemon's line to whoever started it; without one, every method does nothing.

    watchdog_seconds  the silence after which systemd ends us; None when it does not watch
    """

    def __init__(
        self,
        address: str | bytes | None = None,
        watchdog_seconds: float | None = None,
        channel_fd: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.watchdog_seconds = watchdog_seconds if address else None
        self._address = address
        self._socket = _notify_socket() if address else None
        self._channel_fd = channel_fd
        self._clock = clock
        self._silent_until = float("-inf")

    @classmethod
    def from_environment(cls) -> Readiness:
        """Take the line that systemd or pm2 left in the environment, and remove it from there."""
        address = _notify_address(os.environ.pop("NOTIFY_SOCKET", ""))
        watchdog_seconds = _watchdog_seconds(os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", ""))
        form = os.environ.pop("NODE_CHANNEL_SERIALIZATION_MODE", "json")
        channel_fd = _channel(os.environ.pop("NODE_CHANNEL_FD", ""))
        return cls(address, watchdog_seconds, channel_fd if form == "json" else None)

    def ready(self, status: str) -> None:
        """Say that the daemon works from now on. status: one line that `systemctl status` shows."""
        self._notify("READY=1", _status(status), patience=PATIENCE_SECONDS)
        if self._channel_fd is not None:
            try:
                os.write(self._channel_fd, b'"ready"\n')
            except OSError:
                self._channel_fd = None

    def status(self, text: str) -> None:
        """Replace the line that `systemctl status` shows."""
        self._notify(_status(text))

    def watchdog(self) -> None:
        """Say that the loop has come round. Call it each turn: it speaks four times per watchdog interval at most."""
        if self.watchdog_seconds is None or self._clock() < self._silent_until:
            return
        self._silent_until = self._clock() + self.watchdog_seconds / 4
        self._notify("WATCHDOG=1")

    def stopping(self, seconds: float) -> None:
        """Say that the drain has begun and may take so many seconds from now; say it again if it takes longer."""
        extension = f"EXTEND_TIMEOUT_USEC={max(1, round(seconds * 1_000_000))}"
        self._notify("STOPPING=1", extension, patience=PATIENCE_SECONDS)

    def _notify(self, *lines: str, patience: float = 0.0) -> None:
        if self._socket is None or self._address is None:
            return
        try:
            self._socket.settimeout(patience)
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            pass


def _notify_socket() -> socket.socket | None:
    try:
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0))
    except OSError:
        return None


def _notify_address(text: str) -> str | bytes | None:
    """Return the address to send to; a leading ``@`` stands for the NUL of an abstract socket."""
    if text.startswith("@"):
        return b"\0" + os.fsencode(text[1:])
    return text if text.startswith("/") else None


def _watchdog_seconds(microseconds: str, pid: str) -> float | None:
    """Return the watchdog interval, if there is one and it is meant for this process."""
    if pid and pid != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000 if re.fullmatch(r"[1-9][0-9]*", microseconds) else None


def _channel(number: str) -> int | None:
    """Return Node's message channel, closed to our children; None if the number does not name one."""
    try:
        channel_fd = int(number)
        mode = os.fstat(channel_fd).st_mode
        if not (stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)):
            return None
        os.set_inheritable(channel_fd, False)
    except (ValueError, OSError, OverflowError):
        return None
    return channel_fd


def _status(text: str) -> str:
    """Return the status line; a line break inside it would be read as another message."""
    return "STATUS=" + " ".join(text.split())
