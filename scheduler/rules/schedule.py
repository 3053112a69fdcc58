"""A job's schedule and a moment in, its planned times out. The time comes in; nothing here asks for it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]

from scheduler.errors import ScheduleError
from scheduler.model import Every, Schedule
from scheduler.rules.calendars import Calendar
from scheduler.rules.cron import parse_cron
from scheduler.rules.days import EVERY_DAY, parse_days
from scheduler.rules.overlays import Overlay
from scheduler.rules.pace import Paced
from scheduler.rules.quoting import quoted
from scheduler.rules.shape import LONGEST_CLOSURE, DayRule, Moving, Within, midnight, on_days
from scheduler.rules.trigger import Interval, OneMoment, PlannedTimes, TimesOfDay, WallTimes
from scheduler.rules.zones import DAY, open_zone
from scheduler.words import say

SHORTEST_INTERVAL = timedelta(seconds=1)
LONGEST_INTERVAL_MONTHS = 1200
LONGEST_INTERVAL = timedelta(days=36525)
COUNTED_AT_MOST = 20_000
ON_HOLIDAY = ("run", "skip", "previous", "next")
A_LEAP_YEAR_FOLLOWS = datetime(2023, 12, 31, tzinfo=UTC)
BEGINNING_OF_TIME = datetime(1000, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,6}))?)?")


@dataclass(frozen=True, slots=True)
class Due:
    """The planned times that have come.

    times          the oldest of them, oldest first
    latest         the newest
    count          how many there are; a lower bound when capped
    before_latest  the newest but one; None when there is only one
    capped         whether counting was given up (cron and times of day, after years of standstill)
    """

    times: tuple[datetime, ...]
    latest: datetime
    count: int
    before_latest: datetime | None = None
    capped: bool = False


@lru_cache(maxsize=8192)
def compile_schedule(schedule: Schedule) -> BaseTrigger | None:
    """Read a schedule into a trigger; None means that the job runs by hand only.

    Raises  ScheduleError when it cannot be read
    """
    zone = open_zone(schedule.timezone)
    plain = _plain(schedule, zone)
    if plain is None or not (
        schedule.days_of_week is not None or schedule.start or schedule.end or schedule.on_holiday != "run" or schedule.overlays
    ):
        return plain
    if not isinstance(plain, PlannedTimes):
        plain = OneMoment(plain.run_date, zone)
    return _within(_on_its_days(schedule, _paced(plain, schedule.overlays), zone), schedule)


def _plain(schedule: Schedule, zone: ZoneInfo) -> BaseTrigger | None:
    kinds = [schedule.every is not None, bool(schedule.times), schedule.cron is not None, schedule.run_at is not None]
    if sum(kinds) > 1:
        raise ScheduleError(say(
            "interval, specific_times, cron_expression, run_at 중 하나만 쓰세요",
            f"at most one of interval, specific_times, cron_expression, run_at; {sum(kinds)} are set",
        ))
    if schedule.every is not None:
        return _interval(schedule.every, schedule.anchor, zone, 0 if schedule.anchor == schedule.start else 1)
    if schedule.times:
        return TimesOfDay(tuple(read_time(text) for text in schedule.times), zone)
    if schedule.cron is not None:
        return parse_cron(schedule.cron, zone)
    if schedule.run_at is not None:
        return DateTrigger(_aware(schedule.run_at, "run_at"), timezone=UTC)
    return None


def _paced(plain: PlannedTimes, overlays: tuple[Overlay, ...]) -> PlannedTimes:
    for each in overlays:
        _aware(each.start, "starts_at")
        _aware(each.end, "ends_at")
        if each.action not in ("stop", "multiply") or (each.action == "multiply" and not 0 < (each.factor or 0) < math.inf):
            raise ScheduleError(say(
                f"기간 설정 {quoted(each.name)}: stop 또는 0보다 큰 factor의 multiply여야 합니다",
                f"overlay {quoted(each.name)} is neither stop nor multiply with a factor above zero",
            ))
    periods = [each for each in overlays if each.action == "multiply" and each.start < each.end]
    return Paced(plain, periods) if periods and isinstance(plain, Interval) else plain


def _on_its_days(schedule: Schedule, plain: PlannedTimes, zone: ZoneInfo) -> PlannedTimes:
    days = EVERY_DAY if schedule.days_of_week is None else parse_days(schedule.days_of_week)
    how, calendar = schedule.on_holiday, schedule.calendar
    if how not in ON_HOLIDAY or (how != "run" and calendar is None):
        raise ScheduleError(say(
            f"on_holiday {quoted(how)}: run, 또는 calendar와 함께 skip, previous, next 중 하나를 쓰세요",
            f"on_holiday {quoted(how)} is not run, nor skip, previous or next with a calendar",
        ))
    found: PlannedTimes
    if how in ("run", "skip"):
        found = on_days(plain, DayRule(days, None if how == "run" else calendar), zone)
    elif calendar is None or not isinstance(plain, WallTimes):
        raise ScheduleError(say(
            f"on_holiday {how}은(는) 정해진 시각만 옮길 수 있습니다. 주기에는 run 또는 skip을 쓰세요",
            f"on_holiday {how} moves fixed times; with an interval write run or skip",
        ))
    else:
        found = Moving(plain, days, calendar, backwards=how == "previous")
    if found is not plain and all(found.after(moment) is None for moment in _looked_at(plain, calendar, zone)):
        raise ScheduleError(say(
            "요일과 달력에 맞는 실행 시각이 5년 안에 없습니다. days_of_week, calendar, on_holiday를 확인하세요",
            "no planned time fits the days of the week and the calendar within 5 years; see days_of_week, calendar, on_holiday",
        ))
    return found


def _looked_at(plain: PlannedTimes, calendar: Calendar | None, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield moments after which planned times must be found, if there are to be any at all."""
    if isinstance(plain, OneMoment):
        yield plain.moment - LONGEST_CLOSURE * DAY
        return
    yield A_LEAP_YEAR_FOLLOWS
    if isinstance(plain, Paced):
        yield from plain.starts[1:]
    for day, (is_closed, _) in sorted(calendar.days.items()) if calendar is not None else ():
        if not is_closed:
            yield midnight(day, zone) - DAY


def _within(inner: PlannedTimes, schedule: Schedule) -> PlannedTimes:
    start = None if schedule.start is None else _aware(schedule.start, "start_at")
    end = None if schedule.end is None else _aware(schedule.end, "end_at")
    stops = [(each.start, each.end) for each in schedule.overlays if each.action == "stop"]
    return Within(inner, start, end, stops) if start or end or stops else inner


def next_after(schedule: Schedule, moment: datetime) -> datetime | None:
    """Return the first planned time strictly after *moment*, in UTC; None when there is none any more.

    Raises  ScheduleError when the schedule cannot be read
    """
    after = _stepper(schedule)
    return after(_utc(moment))


def occurrences(schedule: Schedule, first: datetime, until: datetime, cap: int) -> Due:
    """Gather the planned times from *first* up to *until*, both inclusive.

    first  a planned time already promised: taken as it is, even if the schedule would not name it
    cap    how many of the oldest to list; the count goes on
    Raises ScheduleError when the schedule cannot be read
    """
    first, until = _utc(first), _utc(until)
    if first > until:
        raise ValueError("nothing is due: the first planned time lies after the end")
    trigger = compile_schedule(schedule)
    if isinstance(trigger, Interval):
        return _due_by_arithmetic(trigger, first, until, cap)
    if isinstance(trigger, Within) and isinstance(trigger.inner, Interval) and trigger.only_ends_after(first):
        return _due_by_arithmetic(trigger.inner, first, max(first, min(until, trigger.end or until)), cap)
    return _due_by_walking(_stepper(schedule), first, until, cap)


def read_time(text: str) -> time:
    """Read a time of day, ``HH:MM`` or ``HH:MM:SS``.

    Raises  ScheduleError when it is none; midnight is 00:00, not 24:00
    """
    found = TIME_OF_DAY.fullmatch(text)
    if found is None:
        raise ScheduleError(say(
            f"시각 {quoted(text)}이(가) 잘못되었습니다. 09:00 또는 18:30:00처럼 쓰세요 (자정은 00:00)",
            f"{quoted(text)} is not a time of day; write 09:00 or 18:30:00 (midnight is 00:00)",
        ))
    hour, minute, second, fraction = found.groups()
    return time(int(hour), int(minute), int(second or 0), int((fraction or "").ljust(6, "0")))


def _interval(every: Every, anchor: datetime | None, zone: ZoneInfo, first: int) -> Interval:
    if anchor is None:
        raise ScheduleError(say("주기를 세는 기준 시각이 없습니다", "an interval needs an anchor to count from"))
    fits = math.isfinite(every.seconds) and abs(every.seconds) <= LONGEST_INTERVAL.total_seconds()
    rest = timedelta(seconds=every.seconds) if fits else timedelta(-1)
    if not 0 <= every.months <= LONGEST_INTERVAL_MONTHS or rest < timedelta() or (
        every.months == 0 and rest < SHORTEST_INTERVAL
    ):
        shown = f"{every.months} months {every.seconds:g} seconds"
        raise ScheduleError(say(
            f"주기 {quoted(shown)}을(를) 쓸 수 없습니다. 30m, 1h, 1d 또는 1 month처럼 1초 이상으로 쓰세요",
            f"interval {quoted(shown)} cannot be used; write 30m, 1h, 1d or 1 month, at least one second",
        ))
    return Interval(_aware(anchor, "anchor"), every.months, rest, zone, first)


def _aware(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None or not 1900 <= moment.year <= 8000:
        raise ScheduleError(say(
            f"{name}: 시간대가 있는 1900년에서 8000년 사이의 시각이어야 합니다",
            f"{name} must be a moment with a time zone, in the years 1900 to 8000",
        ))
    return moment.astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone means nothing here")
    return moment.astimezone(UTC)


def _stepper(schedule: Schedule) -> Callable[[datetime], datetime | None]:
    """Return the function from a moment to the first planned time strictly after it."""
    trigger = compile_schedule(schedule)

    def after(moment: datetime) -> datetime | None:
        if moment >= END_OF_TIME:
            return None
        if isinstance(trigger, PlannedTimes):
            return trigger.after(max(moment, BEGINNING_OF_TIME))
        if isinstance(trigger, DateTrigger):
            planned: datetime = trigger.run_date
            return planned if planned > moment else None
        return None

    return after


def _due_by_arithmetic(trigger: Interval, first: datetime, until: datetime, cap: int) -> Due:
    lowest, highest = trigger.number_after(first), trigger.number_after(until) - 1
    count = 1 + max(0, highest - lowest + 1)
    listed = range(lowest, lowest + min(cap, count) - 1)
    times = (first, *(trigger.at(number) for number in listed))
    latest = trigger.at(highest) if count > 1 else first
    before = None if count == 1 else first if count == 2 else trigger.at(highest - 1)
    return Due(times[:cap], latest, count, before)


def _due_by_walking(after: Callable[[datetime], datetime | None], first: datetime, until: datetime, cap: int) -> Due:
    times, before, latest, count = [first], None, first, 1
    while (found := after(latest)) is not None and found <= until:
        if count == COUNTED_AT_MOST:
            newest = _newest(after, latest, until)
            before = _newest(after, latest, newest - newest.resolution)
            return Due(tuple(times[:cap]), newest, count, before, capped=True)
        before, latest, count = latest, found, count + 1
        if count <= cap:
            times.append(found)
    return Due(tuple(times[:cap]), latest, count, before)


def _newest(after: Callable[[datetime], datetime | None], planned: datetime, until: datetime) -> datetime:
    """Find the newest planned time up to *until* by halving, starting from one that is known."""
    low, high = planned, until
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        found = after(middle)
        low, high = (found, high) if found is not None and found <= until else (low, middle)
    while (found := after(low)) is not None and found <= until:
        low = found
    return low
