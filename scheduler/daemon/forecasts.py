"""The calm loop: soon after an edit, and now and then, the coming times of the jobs are written down for those who read SQL."""

from __future__ import annotations

import asyncio
import time

from scheduler.daemon.state import Shared
from scheduler.daemon.steady import Connection, limited, waited
from scheduler.protocol.forecast import foresee

EVERY_SECONDS = 60.0
GATHER_SECONDS = 0.3
PATIENCE_SECONDS = 10.0


class Forecasts:
    """Nothing waits for this loop, and it takes the machine for no longer than a batch at a time."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.has_begun = False

    async def turn(self, connection: Connection) -> None:
        """Wait for an edit, let more of them gather, and work out what they changed."""
        if self.has_begun:
            await waited(self.shared.forecast_wake, EVERY_SECONDS)
        self.has_begun = True
        await asyncio.sleep(GATHER_SECONDS)
        await self._quiet()
        while not self.shared.stopped.is_set() and not self.shared.draining.is_set():
            if not await limited(foresee(connection)):
                return
            await asyncio.sleep(GATHER_SECONDS)

    async def _quiet(self) -> None:
        """Let work go first while there is more of it than room, though not for ever."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.shared.is_saturated and time.monotonic() < until and not self.shared.stopped.is_set():
            await asyncio.sleep(GATHER_SECONDS)
