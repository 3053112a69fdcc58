"""What is to come, and why some of it will not: planned times with reasons, for people who ask before the day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from scheduler.model import Schedule
from scheduler.rules.calendars import Calendar
from scheduler.rules.overlays import Overlay
from scheduler.rules.reasons import Reason, closed, ended, moved, overlaid, used_up
from scheduler.rules.schedule import compile_schedule, next_after
from scheduler.rules.shape import INSTANT, LONGEST_CLOSURE, SEARCH_DAYS, Moving, midnight
from scheduler.rules.trigger import WallTimes
from scheduler.rules.zones import DAY, first_instant, local_time, open_zone

__all__ = ["Foreseen", "Reason", "forecast"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One time that the schedule names.

    planned_at  the time that it names
    run_at      when it runs; None when it does not
    reason      why it moves or does not run; None when nothing is special about it
    """

    planned_at: datetime
    run_at: datetime | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Coming:
    """The times that run after a moment, up to where the look ahead stops, and what it stopped at."""

    since: datetime
    times: list[datetime]
    horizon: datetime
    stopped_by: Foreseen | None = None


def forecast(
    schedule: Schedule, start: datetime, *, count: int | None = None, until: datetime | None = None, remaining: int | None = None
) -> list[Foreseen]:
    """Look ahead from *start*, not included, in the order of the times named; each time that runs is there once.

    Times that do not run are there at most once a local day and reason.

    count      how many times that run to look for; until: where to stop, included. At least one of both
    remaining  how many planned times max_runs still allows
    Raises     ScheduleError when the schedule cannot be read
    """
    if count is None and until is None:
        raise ValueError("a look ahead needs a count or an end")
    coming = _coming(schedule, start.astimezone(UTC), count, until, remaining)
    found = _without_repeats(_silent(schedule, coming), set(coming.times), open_zone(schedule.timezone))
    taken = {each.run_at for each in found.values()}
    found |= {time: Foreseen(time, time) for time in coming.times if time not in taken}
    if coming.stopped_by is not None:
        found[coming.stopped_by.planned_at] = coming.stopped_by
    return sorted(found.values(), key=lambda each: each.planned_at)


def _without_repeats(silent: Iterable[Foreseen], running: set[datetime], zone: ZoneInfo) -> dict[datetime, Foreseen]:
    found: dict[datetime, Foreseen] = {}
    said: set[tuple[date, Reason | None]] = set()
    for each in silent:
        what = local_time(each.planned_at, zone).date(), each.reason
        if each.planned_at in found or each.planned_at in running or (each.run_at is None and what in said):
            continue
        found[each.planned_at] = each
        said.add(what)
    return found


def _coming(
    schedule: Schedule, start: datetime, count: int | None, until: datetime | None, remaining: int | None
) -> _Coming:
    farthest = start + SEARCH_DAYS * DAY if until is None else until.astimezone(UTC)
    times: list[datetime] = []
    while count is None or len(times) < count:
        latest = times[-1] if times else start
        found = next_after(schedule, latest)
        if found is None:
            return _Coming(start, times, min(farthest, schedule.end or farthest), _ended(schedule, latest, until))
        if until is not None and found > farthest:
            return _Coming(start, times, farthest)
        if remaining is not None and len(times) >= remaining:
            return _Coming(start, times, found, Foreseen(found, None, used_up()))
        times.append(found)
    return _Coming(start, times, times[-1] if times else start)


def _ended(schedule: Schedule, latest: datetime, until: datetime | None) -> Foreseen | None:
    if schedule.end is None:
        return None
    found = next_after(replace(schedule, end=None), max(latest, schedule.end.astimezone(UTC)))
    if found is None or (until is not None and found > until):
        return None
    return Foreseen(found, None, ended(schedule.end, schedule.timezone))


def _silent(schedule: Schedule, coming: _Coming) -> Iterator[Foreseen]:
    """Yield what is moved or does not run."""
    zone = open_zone(schedule.timezone)
    calendar = schedule.calendar
    if calendar is not None and schedule.on_holiday == "skip":
        yield from _skipped(schedule, calendar, coming, zone)
    elif calendar is not None and schedule.on_holiday != "run":
        yield from _moved(schedule, calendar, coming, zone)
    yield from _stopped(schedule, coming, zone)


def _skipped(schedule: Schedule, calendar: Calendar, coming: _Coming, zone: ZoneInfo) -> Iterator[Foreseen]:
    named = replace(schedule, calendar=None, on_holiday="run", overlays=_paces(schedule))
    day, last = local_time(coming.since, zone).date(), local_time(coming.horizon, zone).date()
    while day <= last:
        if not calendar.is_open(day):
            planned = _first_on(named, day, coming.since, zone)
            if planned is not None and planned <= coming.horizon:
                yield Foreseen(planned, None, closed(calendar, day))
        day += DAY


def _first_on(schedule: Schedule, day: date, since: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first time after a moment that the schedule names on a local day."""
    trigger = compile_schedule(replace(schedule, start=None, end=None))
    if isinstance(trigger, WallTimes) and not trigger.follows_real_time:
        since_local = max(local_time(since, zone), datetime.combine(day, time()) - INSTANT)
        local = trigger.next_local(since_local)
        planned = None if local is None or local.date() != day else first_instant(local, zone)
        is_within = planned is not None and planned > since and (schedule.start is None or planned >= schedule.start)
        return planned if is_within and (schedule.end is None or planned is None or planned <= schedule.end) else None
    planned = next_after(schedule, max(since, midnight(day, zone) - INSTANT))
    return planned if planned is not None and local_time(planned, zone).date() == day else None


def _moved(schedule: Schedule, calendar: Calendar, coming: _Coming, zone: ZoneInfo) -> Iterator[Foreseen]:
    trigger = compile_schedule(replace(schedule, start=None, end=None, overlays=()))
    if not isinstance(trigger, Moving):
        return
    free, taken = set(coming.times), set[datetime]()
    for day in _closed_days(calendar, coming, zone):
        target = trigger.target(day) if day.weekday() in trigger.days else None
        has_merged = False
        for each in trigger.plain.times_on(day) if target is not None else ():
            local = datetime.combine(target or day, each)
            planned, run_at = first_instant(datetime.combine(day, each), zone), first_instant(local, zone)
            if run_at in free and run_at not in taken and trigger.own.after(run_at - INSTANT) != run_at:
                taken.add(run_at)
                yield Foreseen(planned, run_at, moved(calendar, day, local, is_merged=False))
            elif not has_merged and coming.since < planned <= coming.horizon and (run_at in free or run_at <= coming.since):
                has_merged = True
                yield Foreseen(planned, None, moved(calendar, day, local, is_merged=run_at in free))


def _closed_days(calendar: Calendar, coming: _Coming, zone: ZoneInfo) -> Iterator[date]:
    """Yield the closed days of the look ahead, with those before and after it that hang together with them."""
    day, last = local_time(coming.since, zone).date() - DAY, local_time(coming.horizon, zone).date() + DAY
    earliest, latest = day - LONGEST_CLOSURE * DAY, last + LONGEST_CLOSURE * DAY
    while day > earliest and not calendar.is_open(day):
        day -= DAY
    while day <= last or (day < latest and not calendar.is_open(day)):
        if not calendar.is_open(day):
            yield day
        day += DAY


def _stopped(schedule: Schedule, coming: _Coming, zone: ZoneInfo) -> Iterator[Foreseen]:
    free = replace(schedule, overlays=_paces(schedule))
    for each in schedule.overlays:
        if each.action != "stop" or each.end <= coming.since:
            continue
        planned = next_after(free, max(each.start - INSTANT, coming.since))
        while planned is not None and planned < each.end and planned <= coming.horizon:
            yield Foreseen(planned, None, overlaid(each.name))
            tomorrow = midnight(local_time(planned, zone).date() + DAY, zone)
            planned = next_after(free, max(planned, tomorrow - INSTANT))


def _paces(schedule: Schedule) -> tuple[Overlay, ...]:
    return tuple(each for each in schedule.overlays if each.action == "multiply")
