"""Thousands of schedules, zones and moments against a walker that looks at a clock every minute: no difference."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from scheduler.errors import ScheduleError
from scheduler.model import Every, Schedule
from scheduler.rules.calendars import Calendar
from scheduler.rules.overlays import Overlay
from scheduler.rules.schedule import next_after
from tests.rules.test_holidays import ALMANAC
from tests.rules.walker import WEEKDAYS, Spec, Window, day_of, instant, minute_of, zones_with_changes

YEARS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC))
STEPS = 12
PUBLIC = {date.fromisoformat(f"{year}-{day}") for year, days in ALMANAC.items() for day in days.split()}


def intervals(pick: random.Random, window: Window) -> Spec:
    every = pick.choice([5, 10, 12, 30, 60, 90, 360, 1440, 2880, 10080])
    return Spec(every=every, anchor=window.first - pick.randrange(-3000, 20000))


def months(pick: random.Random, window: Window) -> Spec:
    return Spec(months=pick.choice([1, 1, 2, 12]), anchor=window.first - pick.randrange(40_000, 900_000))


def times(pick: random.Random, _: Window) -> Spec:
    awkward = [0, 1, 30, 59, 60, 90, 119, 120, 121, 150, 179, 180, 1380, 1410, 1439]
    return Spec(times=tuple(sorted({pick.choice([*awkward, pick.randrange(1440)]) for _ in range(pick.randrange(1, 5))})))


def fixed_cron(pick: random.Random, _: Window) -> Spec:
    minutes, hours = pick.sample(range(60), pick.randrange(1, 4)), pick.sample([0, 1, 2, 3, 9, 18, 23], pick.randrange(1, 4))
    return Spec(cron=({*minutes}, {*hours}, *_cron_days(pick)))


def pattern(pick: random.Random, _: Window) -> Spec:
    minutes = pick.choice([None, {*range(0, 60, 15)}, {7}])
    hours = None if minutes is not None else {*pick.sample(range(24), 2)}
    return Spec(cron=(minutes, hours, *_cron_days(pick)))


def _cron_days(pick: random.Random) -> tuple[set[int] | None, ...]:
    days = pick.choice([None, None, None, {1, 2, 3, 28, 29, 30, 31}, {*range(1, 16)}])
    weekdays = pick.choice([None, None, {1, 2, 3, 4, 5}, {0, 6}, {pick.randrange(7)}])
    return days, pick.choice([None, None, {*range(2, 12)}]), weekdays


KINDS = (intervals, months, times, fixed_cron, pattern)


def dressed(pick: random.Random, window: Window, spec: Spec, korean: bool) -> Spec:
    """Add days, a calendar, a period and overlays, each to a part of the cases."""
    if pick.random() < 0.4:
        spec.days = {*pick.sample(range(7), pick.randrange(2, 7))}
    if pick.random() < 0.6:
        can_move = not spec.every and not spec.months
        spec.on_holiday = pick.choice(["skip", "previous", "next"] if can_move else ["skip"])
        spec.closed_weekdays = {*pick.choice([[5, 6], [6], [], [5, 6, 0]])}
        first = day_of(window.first)
        spec.closed_days = {first + timedelta(days=pick.randrange(14)): pick.random() < 0.7 for _ in range(pick.randrange(5))}
        spec.public = PUBLIC if korean else set()
    if pick.random() < 0.2:
        spec.start = _within(pick, window)
    if pick.random() < 0.2:
        spec.end = _within(pick, window)
    if pick.random() < 0.3:
        starts = [_within(pick, window) for _ in range(pick.randrange(1, 3))]
        spec.stops = [(start, start + pick.randrange(1, 3000)) for start in starts]
    if spec.every and pick.random() < 0.5:
        # Only such as divide into whole minutes: 5 / 5 and 100 times as often end at the least step of one minute.
        start, factors = _within(pick, window), [0.5] + [5.0] * (spec.every % 5 == 0) + [2.0] * (spec.every % 2 == 0)
        spec.paces = [(start, start + pick.randrange(60, 6000), pick.choice([*factors, 100.0 if spec.every <= 100 else 0.5]))]
    return spec


def _within(pick: random.Random, window: Window) -> int:
    return pick.randrange(window.first, window.last)


def schedule_of(spec: Spec, zone: str) -> Schedule:
    shaped: dict[str, Any] = {
        "days_of_week": None if spec.days is None else ",".join(WEEKDAYS[day] for day in sorted(spec.days)),
        "start": None if spec.start is None else instant(spec.start),
        "end": None if spec.end is None else instant(spec.end),
        "calendar": Calendar(
            "test", frozenset(spec.closed_weekdays), {day: (closed, "own") for day, closed in spec.closed_days.items()},
            "KR" if spec.public else None,
        ),
        "on_holiday": spec.on_holiday,
        "overlays": (*(Overlay("stop", instant(start), instant(end), "stop") for start, end in spec.stops),
                     *(Overlay("pace", instant(start), instant(end), "multiply", factor) for start, end, factor in spec.paces)),
        "timezone": zone,
    }
    if spec.every or spec.months:
        return Schedule(every=Every(spec.months, 60 * spec.every), anchor=instant(spec.anchor), **shaped)
    if spec.cron:
        text = " ".join("*" if part is None else ",".join(map(str, sorted(part))) for part in spec.cron)
        return Schedule(cron=text, **shaped)
    return Schedule(times=tuple(f"{time // 60:02}:{time % 60:02}" for time in spec.times), **shaped)


def differences(window: Window, spec: Spec, moments: list[datetime]) -> list[str]:
    """Follow the schedule some steps from each moment and compare each with what the walker found."""
    schedule, planned = schedule_of(spec, window.zone), [instant(minute) for minute in window.planned(spec)]
    try:
        next_after(schedule, moments[0])
    except ScheduleError as never:
        free = replace(spec, start=None, end=None, stops=[])
        return [f"{schedule}: {never}"] if window.planned(free) or "within 5 years" not in str(never) else []
    wrong: list[str] = []
    for moment in moments:
        expected = [each for each in planned if each > moment][:STEPS]
        at, found = moment, list[datetime]()
        while len(found) <= len(expected) and len(found) < STEPS and (following := next_after(schedule, at)) is not None:
            found.append(at := following)
        beyond = found[len(expected):]
        if found[:len(expected)] != expected or any(each < instant(window.last) for each in beyond):
            wrong.append(f"{schedule} after {moment}: {found[:3]} instead of {expected[:3]}")
    return wrong


def compare(pick: random.Random, window: Window, near: int, count: int, korean: bool = False) -> tuple[int, list[str]]:
    cases, wrong = 0, list[str]()
    for number in range(count):
        spec = KINDS[(number + pick.randrange(5)) % 5](pick, window)
        spec = dressed(pick, window, spec, korean) if pick.random() < 0.75 else spec
        moments = [instant(near) + timedelta(seconds=pick.choice([0, -1, pick.randrange(-150_000, 150_000)])) for _ in range(2)]
        wrong += differences(window, spec, moments)
        cases += len(moments)
    return cases, wrong


def test_every_zone_that_changes_its_clocks_has_the_planned_times_of_the_walker() -> None:
    pick = random.Random(20261121)
    zones = zones_with_changes(*YEARS)
    assert len(zones) > 150 and {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca"} <= zones.keys()

    cases, wrong = 0, list[str]()
    for zone, changes in zones.items():
        for change in pick.sample(changes, min(2, len(changes))):
            more, faults = compare(pick, Window(zone, change - 7200, change + 8640), change, count=3)
            cases, wrong = cases + more, wrong + faults

    assert not wrong, "\n".join(wrong[:20])
    assert cases > 2000


@pytest.mark.parametrize("year", ALMANAC)
def test_korean_business_days_are_those_of_the_walker(year: int) -> None:
    pick = random.Random(year)
    cases, wrong = 0, list[str]()
    for day in sorted(ALMANAC[year].split()):
        near = minute_of(datetime.fromisoformat(f"{year}-{day}T00:00+09:00"))
        in_lists = date(2024, 1, 16) < date.fromisoformat(f"{year}-{day}") < date(2027, 12, 10)
        more, faults = compare(pick, Window("Asia/Seoul", near - 7200, near + 8640), near, count=12, korean=in_lists)
        cases, wrong = cases + more, wrong + faults

    assert not wrong, "\n".join(wrong[:20])
    assert cases > 400
