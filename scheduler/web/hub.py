"""What has changed, as small hints for the pages that are open: one listener and one look a second for all of them.

The daemon announces nothing of its own work, so while anybody looks, the executions that changed are asked for once a
second by their indexes. While nobody looks there is not even a connection. A page fetches again only what it shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg

from scheduler.database.connection import connect_async, is_outage
from scheduler.log import event

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 2.0
LOOK_LIMIT_SECONDS = 10.0
RESYNC = "resync"
AWAY = "away"
MOST = 500

OF_TABLE = {
    "schedule_jobs": "jobs", "job_executions": "executions", "schedule_locks": "locks", "job_dependencies": "jobs",
    "calendars": "calendar", "calendar_days": "calendar", "schedule_overlays": "calendar",
}

# The newest end and everything that runs, by their indexes; a progress that moves is a change too, and so are schedules in
# words and coming times, which a daemon works out a moment after an edit.
LOOK = """
SELECT (SELECT max(finished_at) FROM job_executions)::text,
       (SELECT coalesce(string_agg(id || coalesce(md5(progress::text), ''), ',' ORDER BY id), '')
          FROM job_executions WHERE status = 'running'),
       (SELECT count(*) FROM (SELECT FROM job_executions WHERE status = 'queued' LIMIT 1000) AS waiting),
       (SELECT coalesce(string_agg(name || state, ',' ORDER BY name), '') FROM schedule_nodes_live),
       (SELECT max(computed_at) FROM schedule_words)::text
"""
ENDED = """
SELECT id, job_id FROM job_executions
 WHERE finished_at > %(since)s::timestamptz ORDER BY finished_at DESC LIMIT 100
"""
RUNNING = "SELECT id, job_id FROM job_executions WHERE status = 'running' LIMIT 200"


class Hub:
    """Hands hints to any number of open pages; a page that does not keep up is told to read everything anew."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.pages: set[Page] = set()
        self.seen: tuple[Any, ...] | None = None
        self.running: set[tuple[Any, ...]] = set()
        self.is_away = False
        self.is_closed = False
        self._somebody = asyncio.Event()

    @contextlib.asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """Let a page listen for as long as it is open."""
        page = Page()
        if self.is_closed:
            page.close()
        if self.is_away:
            page.add((AWAY,))
        self.pages.add(page)
        self._somebody.set()
        try:
            yield page
        finally:
            self.pages.discard(page)
            if not self.pages:
                self._somebody.clear()
                self.is_away = False

    def tell(self, *hints: str) -> None:
        """Give hints to all pages."""
        for page in self.pages:
            page.add(hints)

    def close(self) -> None:
        """End the streams of all pages, those opened from now on too, so that the process may end."""
        self.is_closed = True
        for page in self.pages:
            page.close()

    async def run(self) -> None:
        """Listen and look while anybody is there, until cancelled, whatever becomes of PostgreSQL."""
        while True:
            await self._somebody.wait()
            try:
                async with await connect_async(self.dsn, "erp-scheduler web hub") as connection:
                    await self._watch(connection)
            except Exception as error:
                if not is_outage(error):
                    event("ERROR", "web.hub_failed", error=f"{type(error).__name__}: {error}")
                if self.pages and not self.is_away:
                    self.is_away = True
                    self.tell(AWAY)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _watch(self, connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute("LISTEN erp_scheduler; LISTEN erp_scheduler_pages")
        self.seen = None
        while self.pages:
            async with asyncio.timeout(LOOK_LIMIT_SECONDS):
                await self._look(connection)
            if self.is_away:
                self.is_away = False
                self.tell(RESYNC)
            told: set[str] = set()
            until = time.monotonic() + LOOK_SECONDS
            while (left := until - time.monotonic()) > 0:
                async for notice in connection.notifies(timeout=left, stop_after=1):
                    told.add(OF_TABLE.get(notice.payload, "status"))
            if told:
                self.tell(*told)

    async def _look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        row = await (await connection.execute(LOOK)).fetchone()
        former, self.seen = self.seen, row
        if row is None or row == former:
            return
        ran, self.running = self.running, set(await (await connection.execute(RUNNING)).fetchall())
        if former is None:
            return
        changed = ran | self.running
        if former[0] != row[0]:
            since = former[0] or "-infinity"
            changed |= set(await (await connection.execute(ENDED, {"since": since})).fetchall())
        hints = {"status", "executions", *(["nodes"] if former[3] != row[3] else [])}
        if former[4] != row[4]:
            hints |= {"jobs", "calendar"}
        for execution, job in changed:
            hints |= {f"execution-{execution}", f"job-{job}"}
        self.tell(*hints)


class Page:
    """One open page: the hints it has not been given yet."""

    def __init__(self) -> None:
        self.hints: set[str] = set()
        self.is_closed = False
        self._arrived = asyncio.Event()

    def add(self, hints: tuple[str, ...]) -> None:
        """Keep hints until they are taken; the latest word about PostgreSQL counts, and too many become one."""
        if RESYNC in hints:
            self.hints.discard(AWAY)
        self.hints.update(hints)
        if len(self.hints) > MOST:
            self.hints = {RESYNC}
        self._arrived.set()

    def close(self) -> None:
        """Let whoever waits for hints go."""
        self.is_closed = True
        self._arrived.set()

    async def next(self) -> list[str]:
        """Wait for hints and take them all; none when the page was closed."""
        await self._arrived.wait()
        if not self.is_closed:
            self._arrived.clear()
        taken, self.hints = sorted(self.hints), set()
        return taken
