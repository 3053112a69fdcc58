"""The world of the edits: one database, people with psql, two nodes that take the daemon's steps, and a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg

from scheduler.database.connection import connect_daemon
from scheduler.model import Execution, HandlerSpec

Answer = TypeVar("Answer")

SPECS = {
    "noop": HandlerSpec("noop", "tests"),
    "echo": HandlerSpec("echo", "tests", params_schema={"type": "object", "properties": {"n": {"type": "integer"}}}),
}
LEASE = 60.0

EMPTY = """
DELETE FROM schedule_forecast; DELETE FROM schedule_replans; DELETE FROM schedule_words; DELETE FROM schedule_locks;
DELETE FROM job_dependencies;
DELETE FROM job_executions; DELETE FROM schedule_jobs; DELETE FROM calendar_days; DELETE FROM schedule_overlays;
DELETE FROM job_revisions; DELETE FROM calendars;
INSERT INTO calendars (name, base, country, closed_weekdays)
VALUES ('kr', NULL, 'KR', 'sat,sun'), ('kr-holidays', 'kr', NULL, '');
SELECT setval('schedule_jobs_id_seq', 1, false), setval('job_executions_id_seq', 1, false);
"""
TABLES = (
    "schedule_jobs",
    "job_executions",
    "schedule_locks",
    "job_dependencies",
    "schedule_overlays",
    "schedule_forecast",
    "schedule_words",
    "job_revisions",
    "schedule_replans",
    "calendars",
    "calendar_days",
)
MOMENTS = """
SELECT table_name, column_name FROM information_schema.columns
 WHERE table_schema = current_schema() AND data_type = 'timestamp with time zone' AND table_name = ANY (%s)
 ORDER BY table_name, column_name
"""


@dataclass
class Member:
    """One node as the others see it.

    held  what it runs, by token
    past  what it has run: a late hand may still try to write it
    """

    name: str
    connection: psycopg.AsyncConnection[Any]
    instance_id: UUID = field(default_factory=uuid4)
    held: dict[UUID, Execution] = field(default_factory=dict)
    past: list[Execution] = field(default_factory=list)

    def begin(self) -> None:
        """Start as a new daemon that holds nothing."""
        self.instance_id, self.held, self.past = uuid4(), {}, []


class World:
    """What all sequences share.

    people  plain psql
    clock   the test's own hand: no trigger sees what it does
    other   a person who leaves a transaction open
    """

    def __init__(self, dsn: str, sequences: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.people = self._connect(dsn, "psql", "-c erp_scheduler.lang=en -c lock_timeout=1s")
        self.other = self._connect(dsn, "psql other")
        self.clock = self._connect(dsn, "erp-scheduler daemon clock", "-c session_replication_role=replica")
        self.nodes = [Member(name, self.run(connect_daemon(dsn, name))) for name in ("a", "b")]
        for node in self.nodes:
            self.run(node.connection.execute("SET lock_timeout = '200ms'"))
        self.passes = self._passes()
        self.passed = 0
        self.wanted, self.sequences, self.steps, self.refused, self.accepted = sequences, 0, 0, 0, 0

    @staticmethod
    def _connect(dsn: str, name: str, options: str = "") -> psycopg.Connection[Any]:
        return psycopg.connect(dsn, autocommit=True, application_name=name, options=options)

    def run(self, step: Coroutine[Any, Any, Answer]) -> Answer:
        """Take one of the daemon's steps."""
        return self.loop.run_until_complete(step)

    def begin(self) -> None:
        """Empty the tables for another sequence."""
        self.clock.execute(EMPTY)
        if self.sequences % 50 == 0:
            self.clock.execute("VACUUM ANALYZE " + ", ".join(TABLES))
        for node in self.nodes:
            node.begin()
        self.passed = 0
        self.sequences += 1
        if self.sequences % 250 == 0:
            print(
                f"{self.sequences} of {self.wanted} sequences, {self.steps} steps, {self.accepted} edits, {self.refused} refused",
                flush=True,
            )

    def _passes(self) -> list[str]:
        columns: dict[str, list[str]] = {}
        for table, column in self.clock.execute(MOMENTS, (list(TABLES),)).fetchall():
            columns.setdefault(table, []).append(column)
        moved = "{0} = CASE WHEN {0} > '2001-01-01' AND {0} < '9000-01-01' THEN {0} - %(by)s ELSE {0} END"
        return [f"UPDATE {table} SET " + ", ".join(moved.format(name) for name in names) for table, names in columns.items()]

    def pass_time(self, by: timedelta) -> None:
        """Let time pass: every moment that is stored lies so much further back, and never twice by the same span.

        Otherwise two rows for one moment, typed before and after, would meet on the way.
        """
        self.passed += 1
        by += timedelta(microseconds=7919 * self.passed)
        with self.clock.transaction():
            for statement in self.passes:
                self.clock.execute(statement, {"by": by})

    def close(self) -> None:
        """End every connection and the loop."""
        for node in self.nodes:
            self.run(node.connection.close())
        for connection in (self.people, self.other, self.clock):
            connection.close()
        self.loop.close()
