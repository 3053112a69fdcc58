"""The listening loop: NOTIFY makes edits take effect at once. Polling remains the truth; this only makes it quick."""

from __future__ import annotations

import asyncio
import time

from scheduler.daemon.state import Shared
from scheduler.daemon.steady import Connection, limited
from scheduler.errors import DatabaseUnavailable
from scheduler.log import event

PROBE_SECONDS = 15.0
ANSWER_SECONDS = 5.0
OFF_SECONDS = 300.0


class Listener:
    """Hears what was edited and wakes the loop that cares; pings itself, since a dead link is silent."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.channel = f"erp_probe_{shared.instance_id.hex}"
        self.listening: Connection | None = None
        self.heard_at = 0.0
        self.ever_heard = False

    async def turn(self, connection: Connection) -> None:
        """Listen until the next probe is due; reconnect when a probe goes unheard."""
        if self.listening is not connection:
            await limited(connection.execute(f"LISTEN erp_scheduler; LISTEN {self.channel}"))
            self.listening = connection
            self._wake_all()  # what was said before we listened, nobody will repeat
        sent_at = time.monotonic()
        await limited(connection.execute(f"NOTIFY {self.channel}"))
        await self._hear(connection, ANSWER_SECONDS, until_probe=True)
        if self.heard_at < sent_at:
            await self._deaf()
        self.ever_heard = True
        self.shared.direct.set()
        await self._hear(connection, PROBE_SECONDS, until_probe=False)

    async def _hear(self, connection: Connection, seconds: float, until_probe: bool) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.shared.stopped.is_set():
            async for notice in connection.notifies(timeout=min(left, 1.0), stop_after=1):
                if notice.channel == self.channel:
                    self.heard_at = time.monotonic()
                    if until_probe:
                        return
                else:
                    self._wake(notice.payload)

    async def _deaf(self) -> None:
        if not self.ever_heard:
            event("WARNING", "listen.off", reason="no notification came back; a transaction pooler? edits are polled")
            try:
                await asyncio.wait_for(self.shared.stopped.wait(), OFF_SECONDS)
            except TimeoutError:
                pass
        raise DatabaseUnavailable("a notification to ourselves did not come back")

    def _wake_all(self) -> None:
        self.shared.edited = self.shared.hungry = True
        self.shared.work_wake.set()
        self.shared.ask_for_drain()

    def _wake(self, table: str) -> None:
        shared = self.shared
        if table == "schedule_drains":
            shared.ask_for_drain()
            return
        if table in ("job_executions", "schedule_locks"):
            shared.hungry = True
            if shared.pool.running:
                shared.beat_wake.set()
        else:
            shared.edited = True
            shared.forecast_wake.set()
        shared.work_wake.set()
