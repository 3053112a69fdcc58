"""What is put around plain planned times: days of the week, a calendar with its closed days, a beginning, an end, stops.

Each layer is a trigger around a trigger. Closed days and stops are jumped over in one step each, however dense the times.
A day is a local one: that of the named time, also when the clocks jump over it into the next day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduler.rules.calendars import Calendar
from scheduler.rules.days import EVERY_DAY
from scheduler.rules.trigger import PlannedTimes, WallTimes
from scheduler.rules.zones import DAY, first_instant, first_instant_after, local_time

SEARCH_DAYS = 5 * 366
LONGEST_CLOSURE = 400
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DayRule:
    """On which local days planned times lie.

    calendar  None: no day is closed
    """

    days: frozenset[int] = EVERY_DAY
    calendar: Calendar | None = None

    def allows(self, day: date) -> bool:
        """Say whether planned times may lie on *day*."""
        return day.weekday() in self.days and (self.calendar is None or self.calendar.is_open(day))

    def next_allowed(self, day: date) -> date | None:
        """Return the first day after *day* on which planned times may lie; None when five years hold none."""
        last = day + SEARCH_DAYS * DAY
        while day < last:
            day += DAY
            if self.allows(day):
                return day
        return None


class InstantsOnDays(PlannedTimes):
    """Those planned times of a trigger in real time that lie on certain local days."""

    def __init__(self, plain: PlannedTimes, rule: DayRule, timezone: ZoneInfo) -> None:
        self.plain = plain
        self.rule = rule
        self.timezone = timezone

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*; None when five years hold none."""
        found = self.plain.after(moment)
        last = None if found is None else found + SEARCH_DAYS * DAY
        while found is not None and last is not None and found <= last:
            day = local_time(found, self.timezone).date()
            if self.rule.allows(day):
                return found
            following = self.rule.next_allowed(day)
            if following is None:
                return None
            found = self.plain.after(max(found, midnight(following, self.timezone) - INSTANT))
        return None


class LocalsOnDays(WallTimes):
    """Those local times of a wall clock's trigger that are named on certain days."""

    def __init__(self, plain: WallTimes, rule: DayRule) -> None:
        self.plain = plain
        self.rule = rule
        self.timezone = plain.timezone

    def next_local(self, local: datetime) -> datetime | None:
        """Return the first named local time strictly after *local*; None when five years hold none."""
        found = self.plain.next_local(local)
        last = None if found is None else found + SEARCH_DAYS * DAY
        while found is not None and last is not None and found <= last:
            if self.rule.allows(found.date()):
                return found
            following = self.rule.next_allowed(found.date())
            if following is None:
                return None
            found = self.plain.next_local(datetime.combine(following, time()) - INSTANT)
        return None

    def times_on(self, day: date) -> tuple[time, ...]:
        return self.plain.times_on(day) if self.rule.allows(day) else ()


class Moving(PlannedTimes):
    """Planned times on open days, and with them those of closed days, at their local time of the next or previous open day.

    Two that fall together come once. What is moved is a fixed local time, also of a pattern that follows real time.
    """

    def __init__(self, plain: WallTimes, days: frozenset[int], calendar: Calendar, backwards: bool) -> None:
        self.plain = plain
        self.days = days
        self.calendar = calendar
        self.backwards = backwards
        self.own = on_days(plain, DayRule(days, calendar), plain.timezone)
        self._moved: dict[date, tuple[time, ...]] = {}

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment*; None when five years hold none."""
        zone = self.plain.timezone
        own = self.own.after(moment)
        last = self._last_day(local_time(moment, zone)) if own is None else local_time(own, zone).date()
        moved = first_instant_after(moment, lambda local: self._next_moved(local, last), zone)
        return min((found for found in (own, moved) if found is not None), default=None)

    def target(self, day: date) -> date | None:
        """Return the open day to which a closed one's times move; None when there is none within a year or so."""
        step = -DAY if self.backwards else DAY
        for _ in range(LONGEST_CLOSURE):
            if self.calendar.is_open(day):
                return day
            day += step
        return None

    def _last_day(self, local: datetime) -> date:
        first = self.plain.next_local(local)
        return (local if first is None else first).date() + SEARCH_DAYS * DAY

    def _next_moved(self, local: datetime, last: date) -> datetime | None:
        day, since = local.date(), local.time()
        while day <= last:
            times = self._moved_to(day)
            place = bisect_right(times, since) if day == local.date() else 0
            if place < len(times):
                return datetime.combine(day, times[place])
            day += DAY
        return None

    def _moved_to(self, day: date) -> tuple[time, ...]:
        """Return the times of day that closed days next to *day* hand over to it."""
        known = self._moved.get(day)
        if known is None:
            if len(self._moved) > 4096:
                self._moved.clear()
            known = self._moved[day] = tuple(sorted(self._gathered(day))) if self.calendar.is_open(day) else ()
        return known

    def _gathered(self, day: date) -> set[time]:
        step = DAY if self.backwards else -DAY
        times: set[time] = set()
        for _ in range(LONGEST_CLOSURE):
            day += step
            if self.calendar.is_open(day):
                break
            if day.weekday() in self.days:
                times.update(self.plain.times_on(day))
        return times


class Within(PlannedTimes):
    """Those planned times that lie from a beginning to an end, both inclusive, and in none of some stops [start, end)."""

    def __init__(
        self, inner: PlannedTimes, start: datetime | None, end: datetime | None, stops: Sequence[tuple[datetime, datetime]]
    ) -> None:
        self.inner = inner
        self.start = start
        self.end = end
        self.stops = joined(stops)
        self._starts = [stop[0] for stop in self.stops]

    def after(self, moment: datetime) -> datetime | None:
        """Return the first planned time strictly after *moment* that lies within; None when there is none any more."""
        if self.start is not None and moment < self.start:
            moment = self.start - INSTANT
        found = self.inner.after(moment)
        while found is not None and (self.end is None or found <= self.end):
            place = bisect_right(self._starts, found) - 1
            if place < 0 or found >= self.stops[place][1]:
                return found
            found = self.inner.after(self.stops[place][1] - INSTANT)
        return None

    def only_ends_after(self, moment: datetime) -> bool:
        """Say whether from *moment* on nothing but the end stands in the way."""
        return not self.stops and (self.start is None or self.start <= moment)


def on_days(plain: PlannedTimes, rule: DayRule, timezone: ZoneInfo) -> PlannedTimes:
    """Keep to the days of *rule*."""
    if rule.calendar is None and rule.days == EVERY_DAY:
        return plain
    if isinstance(plain, WallTimes) and not plain.follows_real_time:
        return LocalsOnDays(plain, rule)
    return InstantsOnDays(plain, rule, timezone)


def midnight(day: date, timezone: ZoneInfo) -> datetime:
    """Return the instant at which *day* begins in a zone."""
    return first_instant(datetime.combine(day, time()), timezone)


def joined(periods: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Join periods that touch or overlap; in order."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(periods):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found
