"""From a schedule and a moment to planned times: intervals, months, times of day, one moment, and what is due."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.model import Every, Schedule
from scheduler.rules.schedule import COUNTED_AT_MOST, compile_schedule, next_after, occurrences, read_time
from tests.rules.makers import at, coming, every, minutes, shown

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["Asia/Seoul", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"])


def times(*texts: str, zone: str = "Asia/Seoul") -> Schedule:
    return Schedule(times=texts, timezone=zone)


# --- intervals ---


def test_an_interval_counts_from_its_anchor() -> None:
    schedule = every(seconds=1800, anchor="2026-11-21T09:07")
    assert shown(coming(schedule, at("2026-11-21T09:07", "Asia/Seoul"), 3)) == [
        "Sat 11-21 09:37", "Sat 11-21 10:07", "Sat 11-21 10:37",
    ]


def test_before_the_anchor_the_first_planned_time_is_one_interval_after_it() -> None:
    schedule = every(seconds=300, anchor="2026-11-21T09:00")
    assert next_after(schedule, at("2020-01-01T00:00")) == at("2026-11-21T09:05", "Asia/Seoul")


@given(MOMENTS, st.integers(1_000_000, 40 * 86_400_000_000), MOMENTS)
def test_an_interval_never_drifts(anchor: datetime, microseconds: int, moment: datetime) -> None:
    step = timedelta(microseconds=microseconds)
    schedule = Schedule(every=Every(seconds=step.total_seconds()), anchor=anchor)

    found = next_after(schedule, moment)

    assert found is not None and found > moment and found - step <= max(moment, anchor)
    assert (found - anchor) % step == timedelta() and found > anchor


def test_intervals_follow_real_time_through_both_changes_of_the_clocks() -> None:
    for day in ("2026-03-08", "2026-11-01"):
        found = coming(every(seconds=1800, anchor=f"{day}T00:00", zone="America/New_York"), at(f"{day}T04:00"), 20)
        assert {after - before for before, after in pairwise(found)} == {minutes(30)}


def test_months_from_the_last_of_january_never_drift() -> None:
    found = coming(every(months=1, anchor="2026-01-31T09:00"), at("2026-01-31T09:00", "Asia/Seoul"), 13)
    assert [f"{each.astimezone(ZoneInfo('Asia/Seoul')):%m-%d %H:%M}" for each in found] == [
        "02-28 09:00", "03-31 09:00", "04-30 09:00", "05-31 09:00", "06-30 09:00", "07-31 09:00", "08-31 09:00",
        "09-30 09:00", "10-31 09:00", "11-30 09:00", "12-31 09:00", "01-31 09:00", "02-28 09:00",
    ]


def test_months_keep_the_wall_clock_and_their_rest_is_added_each_time() -> None:
    berlin = every(months=1, anchor="2026-02-15T09:00", zone="Europe/Berlin")
    assert next_after(berlin, at("2026-04-01T00:00")) == at("2026-04-15T07:00")

    with_rest = every(months=1, seconds=86400, anchor="2026-01-31T09:00")
    assert shown(coming(with_rest, at("2026-01-31T09:00", "Asia/Seoul"), 3)) == [
        "Sun 03-01 09:00", "Thu 04-02 09:00", "Sun 05-03 09:00",
    ]


@given(MOMENTS, st.integers(1, 30), st.sampled_from([0.0, 3600.0, 200_000.0]), ZONES, MOMENTS)
def test_the_number_of_a_month_is_found_at_once(
    anchor: datetime, months: int, rest: float, zone: str, moment: datetime
) -> None:
    schedule = Schedule(every=Every(months, rest), anchor=anchor, timezone=zone)
    trigger: Any = compile_schedule(schedule)

    number = trigger.number_after(moment)

    assert trigger.at(number) > moment
    assert number == 1 or trigger.at(number - 1) <= moment


# --- times of day ---


def test_times_of_day_follow_seoul_time() -> None:
    found = coming(times("18:00:00", "09:00:00"), at("2026-11-21T00:00"), 3)
    assert found == [at("2026-11-21T09:00"), at("2026-11-22T00:00"), at("2026-11-22T09:00")]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/New_York", "2026-03-07", ["Sat 03-07 02:30", "Sun 03-08 03:00", "Mon 03-09 02:30"]),
        ("America/New_York", "2026-10-31", ["Sat 10-31 02:30", "Sun 11-01 02:30", "Mon 11-02 02:30"]),
        ("Europe/Berlin", "2026-03-28", ["Sat 03-28 02:30", "Sun 03-29 03:00", "Mon 03-30 02:30"]),
        ("Europe/Berlin", "2026-10-24", ["Sat 10-24 02:30", "Sun 10-25 02:30", "Mon 10-26 02:30"]),
    ],
)
def test_a_time_of_day_comes_once_every_day_of_the_year(zone: str, day: str, expected: list[str]) -> None:
    assert shown(coming(times("02:30", zone=zone), at(f"{day}T00:00", zone), 3), zone) == expected


def test_a_repeated_time_is_the_first_of_the_two() -> None:
    found = coming(times("01:30", zone="America/New_York"), at("2026-11-01T00:00", "America/New_York"), 2)
    assert found == [at("2026-11-01T05:30"), at("2026-11-02T06:30")]


def test_two_times_that_fall_on_one_instant_come_once() -> None:
    found = coming(times("02:15", "02:45", "03:00", zone="Europe/Berlin"), at("2026-03-29T00:00"), 2)
    assert found == [at("2026-03-29T01:00"), at("2026-03-30T00:15")]


def test_a_midnight_that_does_not_exist_comes_when_the_day_begins() -> None:
    assert next_after(times("00:00", zone="Africa/Cairo"), at("2026-04-23T12:00")) == at("2026-04-23T22:00")


@given(
    st.lists(st.times(), min_size=1, max_size=5), ZONES,
    st.sampled_from(["2026-03-08", "2026-03-29", "2026-10-04", "2026-10-25", "2026-11-01", "2026-06-01"]),
    st.integers(-86_400, 86_400),
)
def test_times_of_day_are_those_that_a_look_at_each_day_gives(listed: list[Any], zone: str, day: str, off: int) -> None:
    moment = at(f"{day}T00:00") + timedelta(seconds=off)
    days = [datetime.fromisoformat(day) + timedelta(days=number) for number in range(-4, 5)]
    schedule = times(*(each.isoformat() for each in listed), zone=zone)

    expected = min(
        instant for each in listed for date in days
        if (instant := when_first_shown(datetime.combine(date, each), zone)) > moment
    )

    assert next_after(schedule, moment) == expected


def when_first_shown(local: datetime, zone: str) -> datetime:
    """Find by halving when a clock first shows at least *local*; good while it steps back once in two days."""
    low, high = (local.replace(tzinfo=UTC) + timedelta(hours=hours) for hours in (-16, 16))
    back = [low + minutes(15 * number) for number in range(128)]
    for start, end in pairwise(back):
        if show(end, zone) >= local:
            low, high = start, end
            break
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if show(middle, zone) >= local else (middle, high)
    return high


def show(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


# --- one moment, no moment ---


def test_one_moment_comes_once() -> None:
    schedule = Schedule(run_at=at("2026-12-24T18:00", "Asia/Seoul"))
    assert next_after(schedule, at("2026-12-01T00:00")) == at("2026-12-24T09:00")
    assert next_after(schedule, at("2026-12-24T09:00")) is None


def test_without_a_schedule_a_job_runs_by_hand_only() -> None:
    assert compile_schedule(Schedule()) is None
    assert next_after(Schedule(), at("2026-01-01T00:00")) is None


def test_the_last_years_of_the_calendar_end_quietly() -> None:
    for schedule in (every(seconds=60), every(months=1), times("09:00"), Schedule(cron="0 9 * * *")):
        assert next_after(schedule, datetime.max.replace(tzinfo=UTC)) is None


def test_a_moment_without_a_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        next_after(times("09:00"), datetime(2026, 1, 1))


# --- what is refused ---

ANCHOR = at("2026-01-01T00:00")


@pytest.mark.parametrize(
    "poisoned",
    [
        Schedule(every=Every(seconds=0), anchor=ANCHOR),
        Schedule(every=Every(seconds=-60), anchor=ANCHOR),
        Schedule(every=Every(months=-1), anchor=ANCHOR),
        Schedule(every=Every(months=1, seconds=-86400), anchor=ANCHOR),
        Schedule(every=Every(seconds=1e-9), anchor=ANCHOR),
        Schedule(every=Every(seconds=1e300), anchor=ANCHOR),
        Schedule(every=Every(seconds=float("nan")), anchor=ANCHOR),
        Schedule(every=Every(seconds=float("inf")), anchor=ANCHOR),
        Schedule(every=Every(months=10**9), anchor=ANCHOR),
        Schedule(every=Every(seconds=60)),
        Schedule(every=Every(seconds=60), anchor=datetime(2026, 1, 1)),
        Schedule(every=Every(seconds=60), anchor=datetime.max.replace(tzinfo=UTC)),
        Schedule(run_at=datetime(2026, 1, 1)),
        Schedule(run_at=datetime.max.replace(tzinfo=UTC)),
        Schedule(times=("24:00:00",)),
        Schedule(times=("9:00",)),
        Schedule(times=("09:00", "")),
        Schedule(times=("０９:00",)),
        Schedule(times=("09:00\n",)),
        Schedule(times=("09:00",), cron="0 9 * * *"),
        Schedule(run_at=ANCHOR, every=Every(seconds=60), anchor=ANCHOR),
        Schedule(cron=""),
        Schedule(times=("09:00",), timezone="Mars/Olympus"),
        Schedule(timezone=""),
        Schedule(timezone="EST"),
        Schedule(timezone="localtime"),
        Schedule(timezone="Asia/"),
        Schedule(timezone="../etc/passwd"),
        Schedule(timezone="/etc/passwd"),
        Schedule(timezone="Asia/Seoul\x00"),
        Schedule(timezone="a/" * 5000),
    ],
    ids=str,
)
def test_a_poisoned_row_is_a_schedule_error_that_can_be_read(poisoned: Schedule) -> None:
    with pytest.raises(ScheduleError) as refused:
        next_after(poisoned, ANCHOR)

    assert str(refused.value).isprintable() and len(str(refused.value)) < 250


@given(
    st.builds(
        Schedule,
        every=st.none() | st.builds(Every, st.integers(-50, 5000), st.floats()),
        times=st.lists(st.text(max_size=10) | st.times().map(str), max_size=3).map(tuple),
        cron=st.none() | st.text(max_size=20),
        run_at=st.none() | st.datetimes(timezones=st.none() | st.just(UTC)),
        timezone=st.text(max_size=20) | ZONES,
        anchor=st.none() | st.datetimes(timezones=st.none() | st.just(UTC)),
    ),
    MOMENTS,
)
def test_no_row_raises_anything_but_a_schedule_error(schedule: Schedule, moment: datetime) -> None:
    try:
        found = next_after(schedule, moment)
    except ScheduleError:
        return
    assert found is None or found > moment


def test_midnight_is_not_twenty_four_o_clock() -> None:
    with pytest.raises(ScheduleError, match=r"midnight is 00:00"):
        read_time("24:00")


# --- what is due ---


def test_what_is_due_begins_with_the_promised_time_even_if_the_schedule_would_not_name_it() -> None:
    due = occurrences(times("09:00"), at("2026-11-20T03:33"), at("2026-11-22T00:00"), cap=10)

    assert due.times == (at("2026-11-20T03:33"), at("2026-11-21T00:00"), at("2026-11-22T00:00"))
    assert (due.latest, due.before_latest, due.count) == (at("2026-11-22T00:00"), at("2026-11-21T00:00"), 3)


def test_one_planned_time_that_is_due_stands_alone() -> None:
    daily = (times("09:00"), Schedule(cron="0 9 * * *"))
    for schedule in (every(seconds=300), *daily, Schedule(run_at=ANCHOR), Schedule()):
        due = occurrences(schedule, ANCHOR, ANCHOR + minutes(1), cap=5)
        assert (due.times, due.latest, due.count, due.before_latest) == ((ANCHOR,), ANCHOR, 1, None)


def test_a_million_missed_intervals_take_milliseconds() -> None:
    schedule = every(seconds=5, anchor="2026-01-01T00:00", zone="UTC")
    started = time.perf_counter()

    due = occurrences(schedule, ANCHOR + timedelta(seconds=5), ANCHOR + timedelta(seconds=5_000_000), cap=100)

    assert (due.count, len(due.times), due.capped) == (1_000_000, 100, False)
    assert due.latest == ANCHOR + timedelta(seconds=5_000_000)
    assert time.perf_counter() - started < 0.05


def test_counting_a_cron_gives_up_but_still_finds_the_latest() -> None:
    started = time.perf_counter()

    due = occurrences(Schedule(cron="* * * * *"), at("2010-01-01T00:00"), at("2026-01-01T00:00"), cap=3)

    assert (due.count, due.capped, len(due.times)) == (COUNTED_AT_MOST, True, 3)
    assert (due.latest, due.before_latest) == (at("2026-01-01T00:00"), at("2025-12-31T23:59"))
    assert time.perf_counter() - started < 3


@given(
    st.sampled_from([
        every(seconds=1700), every(seconds=86400), every(months=1), times("02:30", "14:00", zone="Europe/Berlin"),
        Schedule(cron="0 */5 * * *", timezone="America/New_York"),
    ]),
    st.datetimes(datetime(2026, 2, 20), datetime(2026, 4, 1), timezones=st.just(UTC)),
    st.integers(0, 40 * 24),
    st.integers(1, 20),
)
def test_what_is_due_is_what_stepping_would_gather(schedule: Schedule, first: datetime, hours: int, cap: int) -> None:
    until = first + timedelta(hours=hours)
    stepped = [first]
    while (found := next_after(schedule, stepped[-1])) is not None and found <= until:
        stepped.append(found)

    due = occurrences(schedule, first, until, cap)

    assert due.times == tuple(stepped[:cap])
    assert (due.count, due.latest) == (len(stepped), stepped[-1])
    assert due.before_latest == (stepped[-2] if len(stepped) > 1 else None)
