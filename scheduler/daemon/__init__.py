"""The daemon: plan, claim, run, record, until somebody says stop. The only part that knows both tables and processes.

Five loops, each on a connection of its own: work (plan, claim, reap), recorder, heartbeats, listener, forecasts.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from uuid import UUID

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from psycopg.errors import LockNotAvailable

from scheduler.daemon.forecasts import Forecasts
from scheduler.daemon.heartbeats import Heartbeats
from scheduler.daemon.listener import Listener
from scheduler.daemon.recorder import Recorder
from scheduler.daemon.state import Shared
from scheduler.daemon.steady import Connection, steadily
from scheduler.daemon.website import Website
from scheduler.daemon.work import Work
from scheduler.database.connection import connect_daemon, is_outage
from scheduler.database.retention import prune
from scheduler.errors import ConfigError, DatabaseUnavailable
from scheduler.instance import Instance, acquire
from scheduler.log import event
from scheduler.protocol.announce import announce_types
from scheduler.protocol.heartbeat import forget_nodes
from scheduler.protocol.reap import reap_instance
from scheduler.readiness import Readiness
from scheduler.running.kernel import sweep_instance
from scheduler.settings import Settings
from scheduler.words import say

RECORD_SECONDS = 10.0
LEAVE_SECONDS = 6.0
WATCH_SECONDS = 1.0
RETRY_SECONDS = 0.3
STALL_SECONDS = 60.0


def run_daemon(
    settings: Settings, dsn: str, *, web: bool = False, once: bool = False, announce: Callable[[str], None] = print
) -> int:
    """Run in the foreground until SIGTERM or SIGINT; a second signal ends it quickly.

    web       keep a web process beside the daemon
    once      do what is due now, then end
    announce  gets one line when the daemon is ready
    Raises    Conflict when another daemon uses this state folder; ConfigError when a handler cannot be imported
    """
    instance = acquire(settings.state_dir)
    readiness = Readiness.from_environment()
    return asyncio.run(Daemon(settings, dsn, instance, readiness, announce, web).serve(once))


class Daemon:
    """One node: the loops, the signals, the drain."""

    def __init__(
        self, settings: Settings, dsn: str, instance: Instance, readiness: Readiness, announce: Callable[[str], None],
        web: bool = False,
    ) -> None:
        self.settings = settings
        self.instance = instance
        self.readiness = readiness
        self.announce = announce
        self.shared = Shared(settings, dsn, instance.id, instance.lock_fd)
        self.work = Work(self.shared)
        self.heartbeats = Heartbeats(self.shared)
        self.website = Website(settings, dsn, lambda: self.shared.is_idle and self.work.nothing_to_do) if web else None
        self.hurry = asyncio.Event()
        self.stop_asked = asyncio.Event()
        self.opened = False

    async def serve(self, once: bool) -> int:
        """Start, serve, drain, stop; heartbeats end last."""
        self.shared.logs.open()
        event("INFO", "daemon.starting", node=self.settings.node, instance=self.instance.id)
        self._take_signals()
        try:
            await self._open()
            loops = self._start_loops()
            housekeeping = self._start_housekeeping()
            self._say_ready()
            website = asyncio.create_task(self.website.run(), name="website") if self.website else None
            await self._watch(once)
            housekeeping.shutdown(wait=False)
            await self._drain()
            await asyncio.gather(self._stop(loops), self._end_website(website))
        finally:
            self.shared.pool.close()
            if self.opened:  # else what predecessors left has still to be seen to
                self.instance.farewell()
        event("INFO", "daemon.stopped", node=self.settings.node)
        return 0

    async def _open(self) -> None:
        """End what predecessors left, import the handlers, tell the database who we are."""
        former = self.instance.predecessors
        self._announce(ready=False)
        for instance_id in former:
            left = sweep_instance(str(instance_id))
            if left:
                event("WARNING", "daemon.swept", processes=len(left))
        await self.shared.pool.open()
        while not await self._introduced(former):
            await asyncio.sleep(RETRY_SECONDS)
        self.opened = True

    async def _introduced(self, former: tuple[UUID, ...]) -> bool:
        """Do what a start has to do in the database. Returns False when it has to be tried again."""
        connection = await self._first_connection()
        try:
            for instance_id in former:
                verdicts = await reap_instance(connection, instance_id)
                for verdict in verdicts:
                    if verdict.status == "lost":
                        event("WARNING", "execution.lost", execution_id=verdict.execution_id, retry_in_s=verdict.wait)
                if any(verdict.status == "busy" for verdict in verdicts):
                    return False
            await announce_types(connection, self.shared.pool.specs.values())
            await self.heartbeats.report(connection, "running")
            return True
        except Exception as error:
            if self.stop_asked.is_set() or not (is_outage(error) or isinstance(error, LockNotAvailable)):
                raise
            event("WARNING", "database.away", loop="start", error=str(error).splitlines()[0])
            return False
        finally:
            await connection.close()

    def _announce(self, ready: bool) -> None:
        unfinished = [] if ready else [str(instance_id) for instance_id in self.instance.predecessors]
        url = None if self.website is None else self.website.url
        self.instance.announce(
            node=self.settings.node, ready=ready, workers=self.settings.workers, predecessors=unfinished, web=url
        )

    async def _first_connection(self) -> Connection:
        wait = 0.2
        while True:
            try:
                return await connect_daemon(self.shared.dsn, "start")
            except DatabaseUnavailable as error:
                event("WARNING", "database.away", loop="start", error=str(error).splitlines()[0])
                if self.stop_asked.is_set():
                    raise
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)

    def _start_loops(self) -> dict[str, asyncio.Task[None]]:
        shared = self.shared
        turns = {
            "work": self.work.turn, "record": Recorder(shared).turn, "heartbeat": self.heartbeats.turn,
            "listen": Listener(shared).turn, "forecast": Forecasts(shared).turn,
        }
        return {
            name: asyncio.create_task(
                steadily(name, shared.dsn, turn, shared.stopped, shared.direct, shared.came_round), name=name
            )
            for name, turn in turns.items()
        }

    def _start_housekeeping(self) -> AsyncIOScheduler:
        """Calm chores on a timer of their own; nothing here may matter to a job."""
        chores = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": 3600})
        chores.add_job(self._prune, "interval", hours=1, jitter=600)
        chores.start()
        return chores

    async def _prune(self) -> None:
        try:
            connection = await connect_daemon(self.shared.dsn, "prune")
            try:
                gone = await prune(connection, self.settings.execution_days, self.settings.failure_days)
                await forget_nodes(connection)
            finally:
                await connection.close()
            if gone:
                event("INFO", "executions.pruned", count=gone)
        except Exception as error:
            event("WARNING", "executions.prune_failed", error=f"{type(error).__name__}: {error}")

    def _say_ready(self) -> None:
        types = len(self.shared.pool.specs)
        self._announce(ready=True)
        line = say(
            f"스케줄러 실행 중: 노드 {self.settings.node}, 슬롯 {self.settings.workers}개, 작업 유형 {types}개",
            f"scheduler running: node {self.settings.node}, {self.settings.workers} slots, {types} job types",
        )
        if self.website is not None:
            line += say(f", 웹 화면 {self.website.url}", f", dashboard {self.website.url}")
        event("INFO", "daemon.ready", node=self.settings.node, workers=self.settings.workers, job_types=types)
        self.readiness.ready(line)
        self.announce(line)

    async def _watch(self, once: bool) -> None:
        """Wait for the order to stop; tell the watchdog only while the working loop really comes round."""
        turns, seen_at = -1, asyncio.get_running_loop().time()
        while not self.stop_asked.is_set():
            now = asyncio.get_running_loop().time()
            if self.shared.turns["work"] != turns:
                turns, seen_at = self.shared.turns["work"], now
            if now - seen_at < STALL_SECONDS:
                self.readiness.watchdog()
            if once and self.shared.is_idle and self.work.nothing_to_do:
                return
            self.shared.pool.warden.end_adopted()
            if self.shared.pool.needs_warden:
                await self._new_warden()
            try:
                await asyncio.wait_for(self.stop_asked.wait(), 0.1 if once else WATCH_SECONDS)
            except TimeoutError:
                pass

    async def _new_warden(self) -> None:
        event("ERROR", "warden.died", reason="its handlers ended with it; starting another")
        try:
            await self.shared.pool.open()
        except ConfigError as error:
            event("ERROR", "warden.failed", error=error)
        self.shared.hungry = True
        self.shared.work_wake.set()

    async def _drain(self) -> None:
        """Claim no more, let the running ones end, then end the rest; what was cut off is queued again."""
        shared, settings = self.shared, self.settings
        shared.draining.set()
        shared.work_wake.set()
        shared.beat_wake.set()
        self.heartbeats.next_report = 0.0
        event("INFO", "daemon.draining", running=len(shared.pool.running))
        self.readiness.stopping(settings.drain_seconds + settings.kill_seconds + RECORD_SECONDS + LEAVE_SECONDS)
        await self._until_idle(settings.drain_seconds, unless=self.hurry)
        grace = 0.0 if self.hurry.is_set() else settings.kill_seconds
        for execution_id in list(shared.pool.running):
            shared.pool.cancel(execution_id, "shutdown", grace)
        await self._until_idle(grace + RECORD_SECONDS, unless=None if self.hurry.is_set() else self.hurry)
        if not shared.is_idle and self.hurry.is_set():
            for execution_id in list(shared.pool.running):
                shared.pool.fence_out(execution_id)
            await self._until_idle(RECORD_SECONDS)

    async def _until_idle(self, seconds: float, unless: asyncio.Event | None = None) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self.shared.is_idle and loop.time() < until and not (unless is not None and unless.is_set()):
            self.readiness.watchdog()
            await asyncio.sleep(0.02)

    async def _stop(self, loops: dict[str, asyncio.Task[None]]) -> None:
        try:
            connection = await asyncio.wait_for(connect_daemon(self.shared.dsn, "stop"), 3)
            await self.heartbeats.report(connection, "stopped")
            await connection.close()
        except (DatabaseUnavailable, TimeoutError, OSError):
            pass
        self.shared.stop()
        loops["listen"].cancel()
        _, late = await asyncio.wait(loops.values(), timeout=3)
        for loop in late:
            loop.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @staticmethod
    async def _end_website(website: asyncio.Task[None] | None) -> None:
        """End the web process, which people may have watched the drain with."""
        if website is not None:
            website.cancel()
            await asyncio.wait([website])

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self.stop_asked.is_set():
            self.hurry.set()
        self.stop_asked.set()
