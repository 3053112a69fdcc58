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


class Heartbeats:
    """Renews what runs here, kills what is no longer ours, cancels what somebody asked to cancel."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.settings = shared.settings
        self.next_report = 0.0

    async def turn(self, connection: Connection) -> None:
        """Beat once, report the node, and sleep until the next beat or until an edit asks for one at once."""
        await self._beat(connection)
        beats_in_lease = int(self.settings.lease_limit_seconds / self.settings.heartbeat_seconds)
        if not self.shared.pool.ping(self.settings.heartbeat_seconds * 0.9, at_most=max(3, beats_in_lease + 1)):
            event("ERROR", "warden.frozen", reason="no sign of life for a lease; killed")
        if time.monotonic() >= self.next_report:
            await self.report(connection, "draining" if self.shared.draining.is_set() else "running")
        await waited(self.shared.beat_wake, self.settings.heartbeat_seconds)

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
        """Write this node's row for people to see."""
        self.next_report = time.monotonic() + self.settings.heartbeat_seconds * 0.9
        await limited(report_node(connection, {
            "instance_id": self.shared.instance_id, "name": self.settings.node, "host": socket.gethostname(),
            "pid": os.getpid(), "version": __version__, "workers": self.settings.workers,
            "running": len(self.shared.pool.running), "job_types": sorted(self.shared.pool.specs), "state": state,
            "lease_seconds": self.settings.lease_seconds,
        }))
