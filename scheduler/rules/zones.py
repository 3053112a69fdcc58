"""Wall clocks: from an instant to what a clock in a zone shows, and back. Every instant here is in UTC.

A local time is a naive ``datetime``. It may not exist (the clocks were put forward) or exist twice (put back), so
nothing is ever added to an aware local time: that loses ``fold`` and repeats or skips an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.words import say

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def open_zone(name: str) -> ZoneInfo:
    """Return the zone called *name*; abbreviations and the host's own zone are not taken.

    Raises  ScheduleError when it is not known
    """
    try:
        # 'EST' has no summer time and 'localtime' differs between hosts: only Area/City names mean one thing.
        if name == "UTC" or "/" in name:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ScheduleError(say(
        f"시간대 {quoted(name)}을(를) 알 수 없습니다. Asia/Seoul 또는 UTC처럼 쓰세요",
        f"timezone {quoted(name)} is not known; write a name such as Asia/Seoul or UTC",
    ))


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock in *zone* shows at *moment*."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def offset_at(moment: datetime, zone: ZoneInfo) -> timedelta:
    """Return how far the clocks in *zone* are ahead of UTC at *moment*."""
    return moment.astimezone(zone).utcoffset() or timedelta()


def instants(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Read *local* with the offset before and with the offset after a change of the clocks; equal on all other days."""
    before = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return before, after


def exists(local: datetime, zone: ZoneInfo) -> bool:
    """Say whether a clock in *zone* ever shows *local*."""
    before, after = instants(local, zone)
    return before <= after


def first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return when a clock in *zone* shows *local* for the first time, or has just jumped over it."""
    before, after = instants(local, zone)
    if before <= after:
        return before
    return clock_change(after, before, zone) or before


def clock_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the instant in (*start*, *end*] at which the clocks change; None when both ends have one offset."""
    offset = offset_at(start, zone)
    if offset == offset_at(end, zone):
        return None
    start = start.replace(microsecond=0)
    low, high = 0, -((start - end) // SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(start + middle * SECOND, zone) == offset else (low, middle)
    return start + high * SECOND


def first_instant_after(
    moment: datetime, next_local: Callable[[datetime], datetime | None], zone: ZoneInfo
) -> datetime | None:
    """Return when the next of some fixed local times comes, strictly after *moment*; each counts once.

    next_local  the first of the local times strictly after a local time; None when there is none
    """
    local = next_local(local_time(moment, zone))
    while local is not None:
        found = first_instant(local, zone)
        if found > moment:              # not so within the second pass of a repeated hour
            return found
        local = next_local(local)
    return None
