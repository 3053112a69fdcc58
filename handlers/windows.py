"""Which spans of time an order collection reads: half-open windows that leave no hole and fit what markets accept.

Pure: moments come in, windows go out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from handlers.markets.base import Window

KOREA = ZoneInfo("Asia/Seoul")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def start_of(watermark: datetime | None, now: datetime, days: int, overlap: timedelta) -> datetime:
    """Say where collecting begins: a little before the watermark, or *days* back when there is none yet."""
    if watermark is None:
        return now - timedelta(days=days)
    return min(watermark, now) - overlap


def windows(start: datetime, end: datetime) -> list[Window]:
    """Cut ``[start, end)`` into windows: one when it fits into 24 hours, else at each Korean midnight.

    The start is widened to the whole minute, so that the first window stays within 24 hours when it is asked by minute.
    """
    start = start.replace(second=0, microsecond=0)
    if start >= end:
        return []
    if end + MINUTE - start <= DAY:
        return [Window(start, end)]
    return list(_by_midnights(start, end))


def _by_midnights(start: datetime, end: datetime) -> Iterator[Window]:
    while start < end:
        midnight = _next_midnight(start)
        yield Window(start, min(midnight, end), whole_days=start + DAY == midnight <= end)
        start = midnight


def _next_midnight(moment: datetime) -> datetime:
    day = moment.astimezone(KOREA).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + DAY).astimezone(moment.tzinfo)


def refresh_start(oldest_open: datetime | None, now: datetime, refresh_days: int) -> datetime | None:
    """Say from where older orders are read again for a change of state; None when all of them are settled."""
    if oldest_open is None or refresh_days == 0:
        return None
    return max(oldest_open, now - timedelta(days=refresh_days))
