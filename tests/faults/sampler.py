"""Looks at processes and sessions from outside while the faults happen: a handler in C cannot say that it is alive."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import psycopg

from tests.faults.effects import process_start
from tests.faults.history import Sighting

WATCH = """
SELECT id, execution_id, fence, pid, process_start, event = 'start' AS is_handler, coalesce(detail, '')
  FROM test_effects
 WHERE id > %s AND (event = 'child' OR detail = 'until killed')
"""
ENDED = """
SELECT id, extract(epoch FROM finished_at)::float8 FROM job_executions
 WHERE id = ANY (%s) AND status NOT IN ('queued', 'running')
"""
SESSIONS = """
SELECT execution.id, extract(epoch FROM clock_timestamp() - execution.finished_at)::float8, session.query
  FROM pg_stat_activity AS session
  JOIN job_executions AS execution ON session.application_name = 'erp-exec-' || execution.id
 WHERE session.datname = current_database()
   AND execution.status NOT IN ('queued', 'running')
   AND execution.finished_at < clock_timestamp() - interval '2.5 seconds'
"""
EVERY_SECONDS = 0.2
LATE_SECONDS = 1.5


class Sampler(threading.Thread):
    """Collects sightings until told to stop."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self.dsn = dsn
        self.sightings: list[Sighting] = []
        self.enough = threading.Event()
        self.newest = 0
        self.watched: list[tuple[int, int, int, int, bool, str]] = []

    def run(self) -> None:
        while not self.enough.is_set():
            with suppress(psycopg.Error), psycopg.connect(self.dsn, autocommit=True, application_name="sampler") as connection:
                while not self.enough.wait(EVERY_SECONDS):
                    self.look(connection)
            self.enough.wait(EVERY_SECONDS)

    def look(self, connection: psycopg.Connection[Any]) -> None:
        for number, *watched in connection.execute(WATCH, (self.newest,)).fetchall():
            self.newest = max(self.newest, number)
            self.watched.append(tuple(watched))
        ids = [each[0] for each in self.watched]
        ended = dict(connection.execute(ENDED, (ids,)).fetchall()) if ids else {}
        now, alive = time.time(), []
        for execution_id, fence, pid, started, is_handler, what in self.watched:
            if process_start(pid) != started:
                continue
            alive.append((execution_id, fence, pid, started, is_handler, what))
            if is_handler:
                self.sightings.append(Sighting("seen", now, execution_id, fence=fence))
            if execution_id in ended and now - ended[execution_id] > LATE_SECONDS:
                self.sightings.append(Sighting("late process", now, execution_id,
                                               f"pid {pid} ({what}) lives {now - ended[execution_id]:.1f} s after the end"))
        self.watched = alive
        for execution_id, late, query in connection.execute(SESSIONS).fetchall():
            self.sightings.append(Sighting("late session", now, execution_id, f"{late:.1f} s after the end: {query[:80]}"))
