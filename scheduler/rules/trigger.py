"""Our triggers: APScheduler's interface over a function from a moment to the next planned time.

Intervals and times of day live here, cron text in ``cron.py``; one single moment is APScheduler's own DateTrigger.
"""

from __future__ import annotations

import calendar
from abc import abstractmethod
from bisect import bisect_right
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]

from scheduler.rules.zones import DAY, first_instant, first_instant_after, local_time

MEAN_MONTH = timedelta(days=30.436875)


class PlannedTimes(BaseTrigger):  # type: ignore[misc]
    """A trigger without state: what comes next depends on the moment alone."""

    @abstractmethod
    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*, both in UTC; None when there is none any more."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first planned time after the previous one, or from *now* on when there was none."""
        if previous_fire_time is not None:
            return self.after(previous_fire_time.astimezone(UTC))
        return self.after(now.astimezone(UTC) - now.resolution)


class Interval(PlannedTimes):
    """Planned times at anchor + k intervals, k from 1.

    Whole microseconds where APScheduler's IntervalTrigger takes floats, and months counted from the anchor: 31 January,
    28 February, 31 March.
    """

    def __init__(self, anchor: datetime, months: int, rest: timedelta, timezone: ZoneInfo) -> None:
        self.anchor = anchor
        self.months = months
        self.rest = rest
        self.timezone = timezone
        self._local_anchor = local_time(anchor, timezone)

    def __str__(self) -> str:
        return f"interval[{self.months} months {self.rest}]"

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*."""
        return self.at(self.number_after(moment))

    def at(self, number: int) -> datetime:
        """Return planned time *number*, counted from 1."""
        if not self.months:
            return self.anchor + number * self.rest
        years, month = divmod(self._local_anchor.month - 1 + number * self.months, 12)
        year = self._local_anchor.year + years
        day = min(self._local_anchor.day, calendar.monthrange(year, month + 1)[1])
        local = self._local_anchor.replace(year=year, month=month + 1, day=day)
        return first_instant(local, self.timezone) + number * self.rest

    def number_after(self, moment: datetime) -> int:
        """Return the number of the first planned time strictly after *moment*."""
        if not self.months:
            return max(1, (moment - self.anchor) // self.rest + 1)
        # A calendar strays from its mean by days only, less than one step of at least a month.
        number = max(1, (moment - self.anchor) // (self.months * MEAN_MONTH + self.rest) - 1)
        while self.at(number) <= moment:
            number += 1
        return number


class TimesOfDay(PlannedTimes):
    """Planned times at fixed times of every day in a zone.

    A time that the clocks jump over comes once, at the end of the gap; one that they show twice comes once, the first
    time; two that fall on one instant come once.
    """

    def __init__(self, times: tuple[time, ...], timezone: ZoneInfo) -> None:
        self.times = tuple(sorted(set(times)))
        self.timezone = timezone

    def __str__(self) -> str:
        return f"times[{', '.join(str(each) for each in self.times)}]"

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*, both in UTC."""
        return first_instant_after(moment, self._next_local, self.timezone)

    def _next_local(self, local: datetime) -> datetime:
        place = bisect_right(self.times, local.time())
        if place < len(self.times):
            return datetime.combine(local, self.times[place])
        return datetime.combine(local + DAY, self.times[0])
