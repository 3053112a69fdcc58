"""The daemon of a program: it ends when the program does, however that ends, and may be followed by a successor.

A program that registers another function starts a successor that knows it. This one is then told by SIGUSR1 to retire:
it claims no more, lets what runs end without any limit, and goes. SIGTERM still ends it as it ends every daemon.
"""

from __future__ import annotations

import asyncio
import math
import os
import select
import signal
import sys
import threading
from typing import Any

from scheduler.cli.daemon import open_database
from scheduler.client.daemon import RETIRE
from scheduler.daemon import Daemon
from scheduler.errors import SchedulerError
from scheduler.instance import acquire
from scheduler.readiness import Readiness
from scheduler.settings import load_settings


class HostedDaemon(Daemon):
    """A daemon that can retire."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.is_retired = False
        self.recalled = asyncio.Event()

    def _take_signals(self) -> None:
        super()._take_signals()
        asyncio.get_running_loop().add_signal_handler(RETIRE, self._retire)

    def _retire(self) -> None:
        if not self.stop_asked.is_set():
            self.is_retired = True
            self.stop_asked.set()

    def _on_signal(self) -> None:
        if self.is_retired and not self.recalled.is_set():
            self.recalled.set()
        else:
            super()._on_signal()

    async def _drain(self) -> None:
        if self.is_retired:
            self.shared.draining.set()
            self.heartbeats.next_report = 0.0
            self.shared.beat_wake.set()
            await self._until_idle(math.inf, unless=self.recalled)
        await super()._drain()


def end_with(parent: int) -> None:
    """Stop this process in order as soon as *parent* is gone."""
    try:
        watch = os.pidfd_open(parent)
    except ProcessLookupError:
        sys.exit(1)
    poll = select.poll()
    poll.register(watch, select.POLLIN)

    def wait() -> None:
        poll.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    if os.getppid() != parent:
        sys.exit(1)
    threading.Thread(target=wait, name="parent", daemon=True).start()


def serve() -> int:
    """Run the daemon of the folder and database that the environment names."""
    settings = load_settings()
    dsn = open_database(settings)
    daemon = HostedDaemon(settings, dsn, acquire(settings.state_dir), Readiness.from_environment(), print)
    return asyncio.run(daemon.serve(once=False))


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(serve())
    except SchedulerError as error:
        sys.exit(str(error))
