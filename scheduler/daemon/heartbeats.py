"""The heartbeat loop, on a connection never shared with anything: the last of the loops to stop."""

from __future__ import annotations

import os
import socket
import time

from scheduler import __version__
from scheduler.daemon.state import Shared
from scheduler.daemon.steady import Connection, limited, waited
from scheduler.log import event
from scheduler.protocol.heartbeat import renew, report_node
from scheduler.running.kernel import boottime

DRAIN_SECONDS = 0.5


class Heartbeats:
    """Renews what runs here, kills what is no longer ours, cancels what somebody asked to cancel."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.settings = shared.settings
        self.next_report = 0.0
        self.was_busy = False
        self.was_drained = False

    async def turn(self, connection: Connection) -> None:
        """Beat once, report the node, and sleep until the next beat or until an edit asks for one at once."""
        await self._beat(connection)
        beats_in_lease = int(self.settings.lease_limit_seconds / self.settings.heartbeat_seconds)
        if not self.shared.pool.warden.ping(self.settings.heartbeat_seconds * 0.9, at_most=max(3, beats_in_lease + 1)):
            event("ERROR", "warden.frozen", reason="no sign of life for a lease; killed")
        shared = self.shared
        if time.monotonic() >= self.next_report or shared.is_drained is None:
            await self.report(connection, "draining" if shared.draining.is_set() else "running")
        await waited(shared.beat_wake, self._pause())

    def _pause(self) -> float:
        """Return how long to sleep; who waits for a drained node to be empty is told within a second."""
        if self.shared.is_drained and self.was_busy:
            self.next_report = 0.0
            return min(DRAIN_SECONDS, self.settings.heartbeat_seconds)
        return self.settings.heartbeat_seconds

    async def _beat(self, connection: Connection) -> None:
        pool = self.shared.pool
        held = {each.execution.token: each.execution.id for each in pool.running.values()}
        held |= {token: each.execution.id for token, each in self.shared.unrecorded.items()}
        sent_at = boottime()
        beats = await limited(renew(connection, list(held.items()), self.settings.lease_seconds)) if held else []
        if not held:
            await limited(self._ping(connection))
        self.shared.last_beat = sent_at
        until = sent_at + self.settings.lease_limit_seconds
        pool.renew((held[beat.token] for beat in beats if beat.is_renewed), until)
        for beat in beats:
            execution_id = held[beat.token]
            if beat.is_gone and execution_id in pool.running:
                event("WARNING", "lock.lost", execution_id=execution_id)
                pool.fence_out(execution_id)
            elif beat.is_cancelled and execution_id in pool.running:
                pool.cancel(execution_id, "cancelled")

    @staticmethod
    async def _ping(connection: Connection) -> None:
        await connection.execute("SELECT 1")

    async def report(self, connection: Connection, state: str) -> None:
        """Write this node's row for people to see, and learn whether they have drained it."""
        self.next_report = time.monotonic() + self.settings.heartbeat_seconds * 0.9
        self.was_busy = not self.shared.is_idle or self.shared.is_claiming
        edits = self.shared.drain_edits
        is_drained = await limited(report_node(connection, {
            "instance_id": self.shared.instance_id, "name": self.settings.node, "host": socket.gethostname(),
            "pid": os.getpid(), "version": __version__, "workers": self.settings.workers,
            "running": len(self.shared.pool.running), "job_types": sorted(self.shared.pool.specs), "state": state,
            "lease_seconds": self.settings.lease_seconds, "is_busy": self.was_busy,
        }))
        self.shared.told_of_drain(is_drained, edits)
        if is_drained is not self.was_drained:
            self.was_drained = is_drained
            event("INFO", "node.drained" if is_drained else "node.undrained", node=self.settings.node)
