"""The working loop: plan what is due, claim what there is room for, hand it to the pool; reap what others lost."""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace
from datetime import timedelta

from scheduler.daemon.state import GATHERED, Shared
from scheduler.daemon.steady import Connection, gathered, limited, waited
from scheduler.log import event
from scheduler.model import Execution
from scheduler.protocol.claim import claim
from scheduler.protocol.follow import follow, results_of_others, wake
from scheduler.protocol.look import Sight, look
from scheduler.protocol.plan import plan
from scheduler.protocol.reap import reap
from scheduler.protocol.replan import replan
from scheduler.running.kernel import boottime

REAP_SECONDS = 30.0
CLOCK_STEP_SECONDS = 5.0


class Work:
    """One turn: do what there is to do, then sleep until the nearest planned time, a poll, or a wake-up call."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.settings = shared.settings
        self.grace = timedelta(seconds=self.settings.reap_grace_seconds)
        self.next_look = 0.0
        self.next_due = math.inf
        self.next_reap = 0.0
        self.reap_from = 0.0
        self.nothing_to_do = False
        self.clock_offset: float | None = None

    async def turn(self, connection: Connection) -> None:
        """Plan, claim, start; or sleep when there is nothing of it."""
        if self.shared.draining.is_set():
            await self._sleep()
            return
        if self.shared.is_drained is not False:
            await self._rest(connection)
            return
        if self.shared.edited or time.monotonic() >= self.next_look:
            await self._look(connection)
        elif time.monotonic() >= self.next_due:
            self.next_due = math.inf
            self.next_look = 0.0
            await self._plan(connection)
            self.shared.hungry = True
        if self.shared.hungry and self.shared.room > 0 and not self.shared.is_degraded:
            await self._claim(connection)
            return
        await self._sleep()

    async def _rest(self, connection: Connection) -> None:
        """Take nothing and plan nothing, so that what is missed is judged when this node works again; reap as ever."""
        self.nothing_to_do = self.shared.is_drained is True
        if time.monotonic() >= self.next_reap:
            await self._reap(connection)
        await waited(self.shared.work_wake, max(0.0, self.next_reap - time.monotonic()))

    async def _look(self, connection: Connection) -> None:
        self.shared.edited = False
        sight = await limited(look(connection, list(self.shared.pool.specs), self.grace))
        now = time.monotonic()
        self._watch_clock(sight.clock)
        self.next_look = now + self.settings.poll_seconds * random.uniform(0.8, 1.2)
        self.next_due = now + sight.wait if sight.wait is not None else math.inf
        if now >= self.next_reap or (sight.can_reap and now >= self.reap_from):
            await self._reap(connection)
        if sight.can_wake:
            await self._wake(connection)
        replanned = await limited(replan(connection)) if sight.can_replan else 0
        if sight.can_plan or sight.can_wake or replanned:
            await self._plan(connection)
        if sight.can_follow:
            followed = await limited(follow(connection))
            self.shared.hungry = self.shared.hungry or followed > 0
        self.shared.hungry = self.shared.hungry or sight.can_claim
        self._note_idleness(sight)

    def _watch_clock(self, clock: float) -> None:
        """Hold reaping for one lease when the database's clock has jumped: leases that look lapsed may be alive."""
        offset = clock - boottime()
        if self.clock_offset is not None and abs(offset - self.clock_offset) > CLOCK_STEP_SECONDS:
            event("WARNING", "database.clock_jumped", seconds=round(offset - self.clock_offset, 1))
            self.reap_from = self.next_reap = time.monotonic() + self.settings.lease_seconds
        self.clock_offset = offset

    def _note_idleness(self, sight: Sight) -> None:
        self.nothing_to_do = not (sight.can_plan or sight.can_wake or sight.can_claim or self.shared.hungry)

    async def _plan(self, connection: Connection) -> None:
        done = await limited(plan(connection, self.shared.pool.specs))
        if done.queued:
            self.shared.hungry = True
        if done.full:
            self.shared.edited = True
        for aside in done.set_aside:
            if aside.status == "invalid":
                event("WARNING", "job.invalid", job_id=aside.job_id, job=aside.name, reason=aside.reason)
        if done.skipped:
            event("INFO", "execution.skipped", count=done.skipped)

    async def _wake(self, connection: Connection) -> None:
        for job_id, name in await limited(wake(connection)):
            event("INFO", "job.resumed", job_id=job_id, job=name, reason="its pause is over")

    async def _claim(self, connection: Connection) -> None:
        pool, settings = self.shared.pool, self.settings
        if self.shared.is_saturated:
            await gathered(self.shared.work_wake, lambda: self.shared.room >= settings.workers * GATHERED)
        room = self.shared.room
        if self.shared.is_drained is not False or self.shared.draining.is_set():
            return  # said while this turn looked around
        sent_at = boottime()
        self.shared.hungry = False
        self.shared.is_claiming = True
        try:
            taken = await limited(
                claim(connection, settings.node, self.shared.instance_id, list(pool.specs), room, settings.lease_seconds)
            )
            if taken:
                pool.start(await self._with_dependencies(connection, taken), sent_at + settings.lease_limit_seconds)
                self.shared.record_wake.set()  # from now on there may be words to write
        finally:
            self.shared.is_claiming = False
        self.shared.is_saturated = len(taken) == room
        # Of a job that shares its places only one execution is taken at a time.
        self.shared.hungry = self.shared.hungry or self.shared.is_saturated or any(each.shares for each in taken)

    async def _with_dependencies(self, connection: Connection, taken: list[Execution]) -> list[Execution]:
        job_ids = [each.job_id for each in taken if each.follows]
        if not job_ids:
            return taken
        results = await limited(results_of_others(connection, job_ids))
        return [replace(each, dependencies=results.get(each.job_id, {})) for each in taken]

    async def _reap(self, connection: Connection) -> None:
        self.next_reap = time.monotonic() + REAP_SECONDS
        for verdict in await limited(reap(connection, self.grace)):
            if verdict.status == "lost":
                event("WARNING", "execution.lost", execution_id=verdict.execution_id, retry_in_s=verdict.wait)
                self.shared.edited = True

    async def _sleep(self) -> None:
        until = min(self.next_look, self.next_due)
        if self.shared.draining.is_set():
            until = time.monotonic() + 1.0
        await waited(self.shared.work_wake, max(0.0, until - time.monotonic()))
