"""Days, calendars, periods and overlays around a schedule: plain examples, what is refused, and how long a search takes."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.model import Every, Schedule
from scheduler.rules.calendars import Calendar, calendars_from
from scheduler.rules.cron import CronText
from scheduler.rules.overlays import Overlay
from scheduler.rules.schedule import compile_schedule, next_after, occurrences
from scheduler.rules.trigger import Interval, TimesOfDay
from tests.rules.makers import at, coming, every, shown

SEOUL = "Asia/Seoul"
KR = calendars_from([("kr", None, "KR", "sat,sun")], [])["kr"]
NEVER_OPEN = Calendar("closed", frozenset(range(7)))
FRIDAY = at("2026-11-20T12:00", SEOUL)


def daily(*texts: str, **more: object) -> Schedule:
    return Schedule(times=texts or ("09:00",), **more)  # type: ignore[arg-type]


def stop(start: str, end: str) -> Overlay:
    return Overlay("stop", at(start, SEOUL), at(end, SEOUL), "stop")


def pace(factor: float, start: str = "2026-11-21T00:00", end: str = "2026-11-21T02:00") -> Overlay:
    return Overlay("sale", at(start, SEOUL), at(end, SEOUL), "multiply", factor)


# --- the plain paths stay ---


def test_a_plain_schedule_stays_a_plain_trigger() -> None:
    assert type(compile_schedule(every(seconds=300))) is Interval
    assert type(compile_schedule(daily(calendar=KR))) is TimesOfDay
    assert type(compile_schedule(Schedule(cron="0 9 * * *"))) is CronText


# --- days and calendars ---


def test_days_of_the_week_are_local_days() -> None:
    found = coming(daily("00:30", days_of_week="mon"), FRIDAY, 2)
    assert shown(found) == ["Mon 11-23 00:30", "Mon 11-30 00:30"]
    assert found[0] == at("2026-11-22T15:30")


def test_closed_days_are_left_out() -> None:
    assert shown(coming(daily(calendar=KR, on_holiday="skip"), at("2026-12-23T12:00", SEOUL), 3)) == [
        "Thu 12-24 09:00", "Mon 12-28 09:00", "Tue 12-29 09:00",
    ]


def test_the_day_of_settlement_moves_over_the_whole_of_a_holiday() -> None:
    monthly = Schedule(cron="0 10 25 * *", calendar=KR, on_holiday="next")
    assert shown(coming(monthly, at("2026-09-01T00:00"), 3)) == ["Mon 09-28 10:00", "Mon 10-26 10:00", "Wed 11-25 10:00"]
    before = Schedule(cron="0 10 25 * *", calendar=KR, on_holiday="previous")
    assert shown(coming(before, at("2026-09-01T00:00"), 3)) == ["Wed 09-23 10:00", "Fri 10-23 10:00", "Wed 11-25 10:00"]


def test_times_that_fall_together_come_once() -> None:
    found = coming(daily("09:00", "18:00", calendar=KR, on_holiday="next"), FRIDAY, 4)
    assert shown(found) == ["Fri 11-20 18:00", "Mon 11-23 09:00", "Mon 11-23 18:00", "Tue 11-24 09:00"]


def test_only_the_named_days_are_moved() -> None:
    assert shown(coming(daily(days_of_week="sat", calendar=KR, on_holiday="next"), FRIDAY, 2)) == [
        "Mon 11-23 09:00", "Mon 11-30 09:00",
    ]


def test_a_day_that_was_opened_runs_as_usual() -> None:
    opened = Calendar("kr", KR.closed_weekdays, {date(2026, 11, 21): (False, "특근")}, "KR")
    assert shown(coming(daily(calendar=opened, on_holiday="skip"), FRIDAY, 2)) == ["Sat 11-21 09:00", "Mon 11-23 09:00"]


def test_a_calendar_that_is_open_on_named_days_only_is_used_however_far_away_they_are() -> None:
    sales = Calendar("sales", frozenset(range(7)), {date(2039, 11, 11): (False, "11.11")})
    schedule = daily(calendar=sales, on_holiday="skip")
    assert shown(coming(schedule, at("2036-01-01T00:00"), 2)) == ["Fri 11-11 09:00"]


def test_a_moved_time_keeps_its_wall_clock_over_a_change_of_the_clocks() -> None:
    sundays = Calendar("x", frozenset({6}))
    berlin = daily("02:30", calendar=sundays, on_holiday="next", timezone="Europe/Berlin", days_of_week="sun")
    assert shown(coming(berlin, at("2026-03-28T12:00"), 2), "Europe/Berlin") == ["Mon 03-30 02:30", "Mon 04-06 02:30"]


def test_one_moment_on_a_closed_day_moves() -> None:
    christmas = Schedule(run_at=at("2026-12-25T09:00", SEOUL), calendar=KR, on_holiday="next")
    assert shown(coming(christmas, FRIDAY, 2)) == ["Mon 12-28 09:00"]


# --- periods and overlays ---


def test_both_ends_belong_to_the_period() -> None:
    schedule = every(seconds=3600)
    kept = Schedule(
        every=schedule.every, anchor=schedule.anchor, start=at("2026-11-21T09:00", SEOUL), end=at("2026-11-21T11:00", SEOUL)
    )
    assert shown(coming(kept, FRIDAY, 9)) == ["Sat 11-21 09:00", "Sat 11-21 10:00", "Sat 11-21 11:00"]


def test_a_time_moved_before_the_beginning_is_dropped() -> None:
    schedule = daily(calendar=KR, on_holiday="previous", days_of_week="sat", start=at("2026-11-21T00:00", SEOUL))
    assert shown(coming(schedule, FRIDAY - timedelta(7), 1)) == ["Fri 11-27 09:00"]


def test_a_stop_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    schedule = Schedule(every=Every(seconds=3600), anchor=at("2026-01-01T00:00"),
                        overlays=(stop("2026-11-20T13:00", "2026-11-20T15:00"),))
    assert shown(coming(schedule, FRIDAY, 2)) == ["Fri 11-20 15:00", "Fri 11-20 16:00"]


def test_a_sale_makes_an_interval_faster_from_the_same_anchor_and_is_over_by_itself() -> None:
    schedule = Schedule(every=Every(seconds=3600), anchor=at("2026-11-20T00:10", SEOUL), overlays=(pace(4.0),))
    assert shown(coming(schedule, at("2026-11-20T23:00", SEOUL), 10)) == [
        "Fri 11-20 23:10", "Sat 11-21 00:10", "Sat 11-21 00:25", "Sat 11-21 00:40", "Sat 11-21 00:55", "Sat 11-21 01:10",
        "Sat 11-21 01:25", "Sat 11-21 01:40", "Sat 11-21 01:55", "Sat 11-21 02:10",
    ]


@pytest.mark.parametrize(("seconds", "overlays", "step"), [
    (3600, (pace(100.0),), 60), (3600, (pace(2.0), pace(3.0)), 600), (3600, (pace(2.0), pace(0.5)), 3600),
    (30, (pace(10.0),), 30), (1800, (pace(0.5),), 3600),
])
def test_factors_multiply_and_never_go_below_a_minute(seconds: float, overlays: tuple[Overlay, ...], step: int) -> None:
    schedule = Schedule(every=Every(seconds=seconds), anchor=at("2026-11-01T00:00", SEOUL), overlays=overlays)
    first, second = coming(schedule, at("2026-11-21T00:00", SEOUL), 2)
    assert second - first == timedelta(seconds=step)


def test_a_sale_leaves_fixed_times_alone() -> None:
    assert coming(daily(overlays=(pace(4.0),)), FRIDAY, 5) == coming(daily(), FRIDAY, 5)


# --- what is refused, what never comes ---


@pytest.mark.parametrize("never", [
    daily(days_of_week="sat", calendar=KR, on_holiday="skip"),
    Schedule(cron="* * * * *", days_of_week="sat", calendar=KR, on_holiday="skip"),
    Schedule(cron="0 9 * * 6", days_of_week="mon-fri"),
    *(daily(calendar=NEVER_OPEN, on_holiday=how) for how in ("skip", "previous", "next")),
    Schedule(cron="*/5 * * * *", calendar=NEVER_OPEN, on_holiday="next"),
    Schedule(every=Every(seconds=604800), anchor=FRIDAY, days_of_week="mon"),
    Schedule(run_at=at("2026-12-25T09:00", SEOUL), calendar=KR, on_holiday="skip"),
], ids=str)
def test_a_schedule_that_never_comes_is_refused_at_once(never: Schedule) -> None:
    KR.is_open(date(2026, 1, 1))
    started = time.process_time()
    with pytest.raises(ScheduleError, match="no planned time fits"):
        next_after(never, FRIDAY)
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(("schedule", "fault"), [
    (every(seconds=60), "moves fixed times"), (daily(), "is not run"),
])
def test_what_cannot_be_is_refused_with_a_reason(schedule: Schedule, fault: str) -> None:
    calendar = KR if schedule.every else None
    poisoned = Schedule(every=schedule.every, times=schedule.times, anchor=schedule.anchor, calendar=calendar, on_holiday="next")
    with pytest.raises(ScheduleError, match=fault):
        next_after(poisoned, FRIDAY)


@given(
    st.builds(
        Schedule,
        every=st.none() | st.builds(Every, st.integers(0, 3), st.floats(0, 1e8)),
        times=st.lists(st.times().map(str), max_size=2).map(tuple),
        cron=st.none() | st.sampled_from(["*/7 * * * *", "0 9 29 2 *", "30 2 * * 0"]),
        anchor=st.just(FRIDAY),
        timezone=st.sampled_from([SEOUL, "America/New_York"]),
        days_of_week=st.none() | st.text(max_size=5) | st.sampled_from(["mon-fri", "sat", "0-6"]),
        start=st.none() | st.datetimes(timezones=st.none() | st.just(UTC)),
        end=st.none() | st.datetimes(timezones=st.just(UTC)),
        calendar=st.sampled_from([None, KR, NEVER_OPEN]),
        on_holiday=st.sampled_from(["run", "skip", "previous", "next", "", "maybe"]),
        overlays=st.lists(st.builds(
            Overlay, st.just("x"), *[st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
                                     | st.datetimes(timezones=st.just(UTC))] * 2,
            st.sampled_from(["stop", "multiply", "?"]), st.none() | st.floats(),
        ), max_size=2).map(tuple),
    ),
    st.datetimes(timezones=st.just(UTC)),
)
def test_no_row_raises_anything_but_a_schedule_error(schedule: Schedule, moment: datetime) -> None:
    try:
        found = next_after(schedule, moment)
    except ScheduleError as refused:
        assert str(refused).isprintable()
        return
    assert found is None or found > moment


def test_a_dense_schedule_jumps_over_a_closure_of_years() -> None:
    years = (stop("2026-11-20T00:00", "2031-01-01T00:00"),)
    dense = (Schedule(every=Every(seconds=1), anchor=at("2026-01-01T00:00"), overlays=years),
             Schedule(cron="* * * * *", overlays=years))
    closed = Calendar("long", frozenset(), {date(2026, 11, 20) + timedelta(day): (True, "x") for day in range(365)})
    started = time.process_time()
    for schedule in dense:
        assert next_after(schedule, FRIDAY) == at("2031-01-01T00:00", SEOUL)
    for how in ("skip", "next"):
        found = next_after(Schedule(cron="* * * * *", calendar=closed, on_holiday=how), FRIDAY)
        assert found == at("2027-11-20T00:00", SEOUL)
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize("schedule", [
    daily("09:00", "18:00", calendar=KR, on_holiday="next"),
    Schedule(every=Every(seconds=7200), anchor=at("2026-01-01T00:00"), calendar=KR, on_holiday="skip"),
    Schedule(every=Every(seconds=7200), anchor=at("2026-01-01T00:00"),
             overlays=(pace(4.0), stop("2026-12-01T00:00", "2026-12-09T00:00"))),
    Schedule(cron="0 */6 * * *", days_of_week="mon,wed", end=at("2026-12-20T00:00")),
    Schedule(every=Every(seconds=7200), anchor=at("2026-01-01T00:00"), start=at("2026-11-01T00:00"), end=at("2026-12-09T00:00")),
    Schedule(every=Every(seconds=7200), anchor=at("2026-01-01T00:00"), start=at("2026-12-01T00:00")),
])
def test_what_is_due_is_what_stepping_would_gather(schedule: Schedule) -> None:
    first, until = at("2026-11-20T00:00", SEOUL), at("2026-12-30T00:00", SEOUL)
    stepped = [first]
    while (found := next_after(schedule, stepped[-1])) is not None and found <= until:
        stepped.append(found)

    due = occurrences(schedule, first, until, 10)

    assert (due.times, due.count, due.latest, due.before_latest) == (tuple(stepped[:10]), len(stepped), stepped[-1], stepped[-2])


def test_a_million_missed_intervals_of_a_period_are_counted_at_once() -> None:
    start, end = at("2026-01-01T00:00"), at("2026-01-12T13:46:40")
    schedule = Schedule(every=Every(seconds=1), anchor=start, start=start, end=end)
    due = occurrences(schedule, start + timedelta(seconds=1), end + timedelta(days=9), 3)
    assert (due.count, due.latest, due.capped) == (1_000_000, end, False)
    late = occurrences(schedule, end + timedelta(days=1), end + timedelta(days=9), 3)
    assert (late.count, late.latest) == (1, end + timedelta(days=1))


def test_counting_a_dense_schedule_with_closed_days_gives_up_but_finds_the_latest() -> None:
    schedule = Schedule(every=Every(seconds=5), anchor=at("2026-01-01T00:00"), calendar=KR, on_holiday="skip")
    due = occurrences(schedule, FRIDAY, at("2027-11-20T12:00", SEOUL), 3)
    assert due.capped and due.latest == at("2027-11-19T23:59:55", SEOUL) and due.before_latest == at("2027-11-19T23:59:50", SEOUL)
