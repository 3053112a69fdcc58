"""What the loops of one daemon share: the pool, the flags that wake them, and what is on its way to the database."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

from scheduler.log import Logs
from scheduler.running.kernel import boottime
from scheduler.running.pool import Ended, Pool
from scheduler.settings import Settings

GATHERED = 0.75
"""The share of the slots that a saturated daemon lets come free before it claims or records: batches are cheaper."""


class Shared:
    """The daemon's moving parts.

    unrecorded  ended executions whose end is not in the database yet: their lease is still renewed
    hungry      there may be queued rows: claim as soon as a slot is free
    edited      somebody changed a row: look at once
    is_saturated  the last claim filled every free slot: there is more to do than room for it
    is_drained    whether people let this node take no new work; None while that is to be asked, and nothing is taken
    is_claiming   a claim is under way: what it brings is not among the running ones yet
    """

    def __init__(self, settings: Settings, dsn: str, instance_id: UUID, lock_fd: int | None) -> None:
        self.settings = settings
        self.dsn = dsn
        self.instance_id = instance_id
        self.logs = Logs(settings)
        self.work_wake = asyncio.Event()
        self.record_wake = asyncio.Event()
        self.beat_wake = asyncio.Event()
        self.forecast_wake = asyncio.Event()
        self.draining = asyncio.Event()
        self.stopped = asyncio.Event()
        self.direct = asyncio.Event()
        self.unrecorded: dict[UUID, Ended] = {}
        self.hungry = True
        self.edited = True
        self.is_saturated = False
        self.is_drained: bool | None = None
        self.drain_edits = 0
        self.is_claiming = False
        self.last_beat = boottime()
        self.turns: Counter[str] = Counter()
        self.pool = Pool(settings, dsn, instance_id, lock_fd, self._on_end)

    def _on_end(self) -> None:
        self.record_wake.set()
        self.work_wake.set()

    def came_round(self, loop: str) -> None:
        self.turns[loop] += 1

    def ask_for_drain(self) -> None:
        """Take nothing more until the next report has told whether this node is drained, and make it at once."""
        self.is_drained = None
        self.drain_edits += 1
        self.beat_wake.set()

    def told_of_drain(self, is_drained: bool, edits: int) -> None:
        """Keep what a report was answered; a node that may work again looks at once for what has been missed.

        edits  how many edits were known when the report was sent: after a later one the answer says nothing
        """
        if edits == self.drain_edits and self.is_drained is not is_drained:
            self.is_drained = is_drained
            self.edited = self.hungry = True
            self.work_wake.set()

    def stop(self) -> None:
        """Let every loop come to its end."""
        self.stopped.set()
        for wake in (self.work_wake, self.record_wake, self.beat_wake, self.forecast_wake):
            wake.set()

    @property
    def is_degraded(self) -> bool:
        """Whether renewals have failed for so long that taking on more would be careless."""
        return boottime() - self.last_beat > max(
            self.settings.lease_limit_seconds / 2, self.settings.heartbeat_seconds * 1.5
        )

    @property
    def room(self) -> int:
        """How many executions may be claimed: free slots, less while ends wait to be recorded."""
        waiting = len(self.unrecorded) + len(self.pool.ended)
        return min(self.pool.free_slots, 2 * self.settings.workers - len(self.pool.running) - waiting)

    @property
    def is_idle(self) -> bool:
        return not self.pool.running and not self.pool.ended and not self.unrecorded
