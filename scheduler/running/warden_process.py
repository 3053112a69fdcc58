"""The warden as the daemon sees it: a process, a line to it, and what it leaves behind when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from scheduler.errors import ConfigError
from scheduler.running.kernel import (
    INSTANCE_VARIABLE,
    become_subreaper,
    boottime,
    children_of,
    environment_of,
    is_zombie,
    kill_tree,
)
from scheduler.settings import Settings

HELLO_SECONDS = 60
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "LOGNAME", "PYTHONPATH",
                    "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_STATE_HOME", "ERP_SCHEDULER_LANG")
"""All that handlers see of the environment. The database's address may carry a password and goes over the pipe."""


class WardenProcess:
    """A daemon's warden, which may die and be opened anew.

    instance  id of this daemon; marks every process that descends from it
    lock_fd   the state folder's lock, which the warden holds on to until its last child is gone
    hear      called with the lines that it has said
    lost      called once it has died by itself and is buried
    """

    def __init__(
        self, settings: Settings, instance: UUID, lock_fd: int | None, hear: Callable[[list[bytes]], None],
        lost: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.instance = instance
        self.lock_fd = lock_fd
        self.closing = False
        self._hear = hear
        self._lost = lost
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._hello: asyncio.Future[dict[str, Any]] | None = None
        self._buffer = b""
        self._asked_at = 0.0
        self._unanswered = 0

    @property
    def is_open(self) -> bool:
        """Whether it lives and can be told something."""
        return self._transport is not None

    async def open(self) -> list[dict[str, Any]]:
        """Start it and return the handlers that it has found. Raises ConfigError with every fault it found."""
        become_subreaper()
        ours, theirs = socket.socketpair()
        options = {
            "modules": self.settings.handler_modules,
            "workers": self.settings.workers,
            "max_executions_per_child": self.settings.max_executions_per_child,
            "timeout_grace_seconds": self.settings.timeout_grace_seconds,
        }
        inherited = [theirs.fileno()] + ([self.lock_fd] if self.lock_fd is not None else [])
        command = [sys.executable, "-P", "-m", "scheduler.running.warden", str(theirs.fileno()), json.dumps(options)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=inherited, env=self._environment(), start_new_session=True
        )
        theirs.close()
        loop = asyncio.get_running_loop()
        self._hello = loop.create_future()
        self._buffer = b""
        ours.setblocking(False)
        transport, _ = await loop.create_connection(lambda: _Ear(self), sock=ours)
        try:
            hello = await asyncio.wait_for(self._hello, HELLO_SECONDS)
        except TimeoutError:
            transport.abort()
            raise ConfigError("the handlers could not be imported within a minute") from None
        if hello["faults"]:
            transport.abort()
            self.bury()
            raise ConfigError("; ".join(hello["faults"]))
        transport.set_write_buffer_limits(high=64 * 1024 * 1024)
        self._transport = transport
        found: list[dict[str, Any]] = hello["types"]
        return found

    def tell(self, lines: bytes) -> None:
        """Send whole lines; nobody hears them when it has died."""
        if self._transport is not None:
            self._transport.write(lines)

    def ping(self, pause: float, at_most: int) -> bool:
        """Ask for a sign of life, and kill it when *at_most* questions in a row went unanswered.

        A frozen warden ends nothing, while renewals would keep its executions ours for ever. Questions are counted,
        not seconds: a daemon that was frozen itself must not blame the warden.

        pause    seconds between two questions
        Returns  False when it was killed; its executions are lost and another must be opened
        """
        if self._transport is None or self._process is None or boottime() - self._asked_at < pause:
            return True
        if self._unanswered >= at_most:
            self._process.kill()
            return False
        self._asked_at = boottime()
        self._unanswered += 1
        self.tell(b"ping\n")
        return True

    def close(self) -> None:
        """End it with all that runs."""
        self.closing = True
        if self._transport is not None:
            self.tell(b"quit\n")
            self._transport.close()
            self._transport = None
        self.bury()

    def bury(self) -> None:
        """See it gone, and with it whatever it leaves to us as sub-reaper."""
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        quiet, until = 0, time.monotonic() + 1
        while quiet < 3 and time.monotonic() < until:  # those of its children that die now leave us theirs
            quiet = 0 if self.end_adopted() else quiet + 1
            time.sleep(0.01)

    def end_adopted(self) -> int:
        """Kill and collect what a dead warden or a dead handler left to us. Returns how many there still are."""
        mark, left = str(self.instance).encode(), 0
        for pid in children_of(os.getpid()):
            if self._process is not None and pid == self._process.pid:
                continue
            if environment_of(pid).get(INSTANCE_VARIABLE.encode()) == mark:
                kill_tree([pid])
                left += 1
            elif is_zombie(pid):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return left

    def heard(self, data: bytes) -> None:
        """Take what came over the line; whatever it is, it is a sign of life."""
        self._unanswered = 0
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        said = []
        for line in lines:
            verb, _, rest = line.partition(b" ")
            if verb == b"hello":
                if self._hello is not None and not self._hello.done():
                    self._hello.set_result(json.loads(rest))
            elif verb != b"pong":
                said.append(line)
        self._hear(said)

    def hung_up(self) -> None:
        """The line is cut, so it is gone: its children die with it."""
        if self._hello is not None and not self._hello.done():
            self._hello.set_result({"faults": ["the handler processes' parent ended while it started"], "types": []})
        if self._transport is None or self.closing:
            return
        self._transport = None
        self.bury()
        self._lost()

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        return {**kept, INSTANCE_VARIABLE: str(self.instance), "PYTHONUNBUFFERED": "1"}


class _Ear(asyncio.Protocol):
    def __init__(self, warden: WardenProcess) -> None:
        self.warden = warden

    def data_received(self, data: bytes) -> None:
        self.warden.heard(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self.warden.hung_up()
