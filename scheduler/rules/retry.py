"""The wait before another attempt."""

from __future__ import annotations

import math
from collections.abc import Callable

from scheduler.settings import RETRY_BASE_SECONDS, RETRY_LONGEST_SECONDS

SHORTEST_SECONDS = 1.0
# A market that asks for a year is broken; beyond this the number may not even fit a timestamp.
RETRY_AFTER_LONGEST_SECONDS = 31 * 86400.0


def retry_delay(failed_attempts: int, retry_after: float | None, random: Callable[[], float]) -> float:
    """Say how many seconds to wait before the next attempt.

    failed_attempts  1 after the first failure; the longest possible wait doubles each time
    retry_after      seconds that the other side asked for: a floor, at most a tenth more is added to it
    random           a number from 0 up to 1, so that jobs which failed together do not come back together
    """
    doublings = min(max(failed_attempts, 1) - 1, 30)
    longest = min(RETRY_LONGEST_SECONDS, RETRY_BASE_SECONDS * 2.0**doublings)
    wait = max(SHORTEST_SECONDS, random() * longest)
    if retry_after is None or math.isnan(retry_after) or retry_after <= 0:
        return wait
    floor = min(retry_after, RETRY_AFTER_LONGEST_SECONDS)
    return max(wait, floor * (1 + random() * 0.1))
