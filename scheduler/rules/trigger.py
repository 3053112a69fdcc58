"""Our triggers: APScheduler's interface over a function from a moment to the next planned time.

Intervals and times of day live here, cron text in ``cron.py``; one single moment is APScheduler's own DateTrigger.
``shape.py`` puts days, calendars and periods around them.
"""

from __future__ import annotations

import calendar
from abc import abstractmethod
from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
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
    """Planned times at anchor + k intervals, k from *first*: 0 when the anchor is the beginning itself, 1 otherwise.

    Whole microseconds where APScheduler's IntervalTrigger takes floats, and months counted from the anchor: 31 January,
    28 February, 31 March.
    """

    def __init__(self, anchor: datetime, months: int, rest: timedelta, timezone: ZoneInfo, first: int = 1) -> None:
        self.anchor = anchor
        self.first = first
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
        """Return planned time *number*; the anchor is number 0."""
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
            return max(self.first, (moment - self.anchor) // self.rest + 1)
        # A calendar strays from its mean by days only, less than one step of at least a month.
        number = max(self.first, (moment - self.anchor) // (self.months * MEAN_MONTH + self.rest) - 1)
        while self.at(number) <= moment:
            number += 1
        return number


class WallTimes(PlannedTimes):
    """Planned times that a wall clock names: each is a local time, and comes once.

    follows_real_time  the local times are a pattern for a running clock instead (cron with a ``*`` in hour or minute)
    """

    timezone: ZoneInfo
    follows_real_time = False

    @abstractmethod
    def next_local(self, local: datetime) -> datetime | None:
        """Return the first named local time strictly after *local*, existing or not; None when there is none."""

    @abstractmethod
    def times_on(self, day: date) -> tuple[time, ...]:
        """Return the times of day that are named on *day*, in order."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*, both in UTC."""
        return first_instant_after(moment, self.next_local, self.timezone)


class TimesOfDay(WallTimes):
    """Planned times at fixed times of every day in a zone.

    A time that the clocks jump over comes once, at the end of the gap; one that they show twice comes once, the first
    time; two that fall on one instant come once.
    """

    def __init__(self, times: tuple[time, ...], timezone: ZoneInfo) -> None:
        self.times = tuple(sorted(set(times)))
        self.timezone = timezone

    def __str__(self) -> str:
        return f"times[{', '.join(str(each) for each in self.times)}]"

    def next_local(self, local: datetime) -> datetime:
        place = bisect_right(self.times, local.time())
        if place < len(self.times):
            return datetime.combine(local, self.times[place])
        return datetime.combine(local + DAY, self.times[0])

    def times_on(self, day: date) -> tuple[time, ...]:
        return self.times


class OneMoment(WallTimes):
    """One single planned time, where a calendar or a period may move it or leave it out."""

    follows_real_time = True            # it stays the second of two equal local times, if it was

    def __init__(self, moment: datetime, timezone: ZoneInfo) -> None:
        self.moment = moment
        self.timezone = timezone
        self._local = local_time(moment, timezone)

    def __str__(self) -> str:
        return f"moment[{self.moment}]"

    def after(self, moment: datetime) -> datetime | None:
        """Return the moment itself while it is ahead."""
        return self.moment if self.moment > moment else None

    def next_local(self, local: datetime) -> datetime | None:
        return self._local if self._local > local else None

    def times_on(self, day: date) -> tuple[time, ...]:
        return (self._local.time(),) if self._local.date() == day else ()
