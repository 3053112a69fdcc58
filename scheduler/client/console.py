"""What the functions of a program print appears where the program prints."""

from __future__ import annotations

import contextlib
import sys
import threading
from datetime import datetime

import psycopg

from scheduler.client.core import APPLICATION, Core
from scheduler.database.connection import connect
from scheduler.errors import DatabaseUnavailable
from scheduler.queries import jobs, programs

LOOK_SECONDS = 0.2
REMEMBERED = 10_000


class Console:
    """A thread that follows the lines of this program's functions, on a connection of its own."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.seen: dict[int, int] = {}
        self.since: datetime | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self.core.open() as connection:
            self.since = jobs.database_now(connection)
        self._thread = threading.Thread(target=self._follow, name="erp-scheduler console", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Show what is still to be shown, and end."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None

    def _follow(self) -> None:
        connection: psycopg.Connection[object] | None = None
        ends = False
        while not ends:
            ends = self._stopped.wait(LOOK_SECONDS)
            try:
                if connection is None or connection.closed:
                    connection = connect(self.core.address(), f"{APPLICATION} console")
                self._show(connection)
            except (DatabaseUnavailable, psycopg.Error):
                connection = None  # the words stay in the database; the next look shows them
        if connection is not None:
            connection.close()

    def _show(self, connection: psycopg.Connection[object]) -> None:
        types = list(self.core.functions.known)
        for said in programs.words(connection, types, self.since, self.seen) if types else ():
            self.seen[said["execution_id"]] = said["line"]
            with contextlib.suppress(OSError, ValueError):  # the program has closed its output
                print(said["message"], file=sys.stdout if said["stream"] == "stdout" else sys.stderr, flush=True)
        for number in list(self.seen)[:-REMEMBERED]:
            del self.seen[number]
