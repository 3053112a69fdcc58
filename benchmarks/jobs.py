"""Job types for measuring: two that do nothing, two that say when they began."""

import time

from scheduler.handler import handler


@handler("bench_noop")
def noop() -> None:
    """Do nothing."""


@handler("bench_anoop")
async def anoop() -> None:
    """Do nothing, asynchronously."""


@handler("bench_stamp")
def stamp() -> dict[str, float]:
    """Say at what moment the handler began, on the wall clock and on the monotonic one of this machine."""
    monotonic, wall = time.clock_gettime(time.CLOCK_MONOTONIC), time.clock_gettime(time.CLOCK_REALTIME)
    return {"monotonic": monotonic, "wall": wall}
