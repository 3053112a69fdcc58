"""Intervals that come faster or slower for a period: counted from the same anchor, and back to normal at its end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import prod

from scheduler.rules.overlays import Overlay
from scheduler.rules.trigger import Interval, PlannedTimes

SHORTEST_STEP = timedelta(minutes=1)
LONGEST_STEP = timedelta(days=36525)
MONTH = timedelta(days=30)          # as PostgreSQL counts where a month has to have a length; whole days keep the time of day
INSTANT = timedelta(microseconds=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)


class Paced(PlannedTimes):
    """An interval whose step is divided by a factor within some periods; where several overlap, their factors multiply."""

    def __init__(self, plain: Interval, periods: Sequence[Overlay]) -> None:
        self.plain = plain
        cuts = sorted({BEGINNING, *(each.start for each in periods), *(each.end for each in periods)})
        self._stretches: list[tuple[datetime, datetime | None, Interval]] = []
        for start, end in pairwise([*cuts, None]):
            factor = prod(each.factor or 1.0 for each in periods if start and each.start <= start < each.end)
            self._stretches.append((start or BEGINNING, end, faster(plain, factor)))
        self.starts = [stretch[0] for stretch in self._stretches]

    def __str__(self) -> str:
        return f"paced[{self.plain}]"

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*."""
        for start, end, interval in self._stretches[bisect_right(self.starts, moment) - 1:]:
            found = interval.after(max(moment, start - INSTANT) if start > BEGINNING else moment)
            if end is None or (found is not None and found < end):
                return found
        return None


def faster(plain: Interval, factor: float) -> Interval:
    """Return the interval that comes *factor* times as often, though never below a minute where it was not before."""
    if factor == 1:
        return plain
    length = plain.months * MONTH + plain.rest
    shortest = min(length, SHORTEST_STEP)
    try:
        step = min(max(length / factor, shortest), LONGEST_STEP)
    except OverflowError:
        step = LONGEST_STEP
    return Interval(plain.anchor, 0, step, plain.timezone, plain.first)
