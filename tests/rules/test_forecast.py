"""What is to come and why some of it is not: always the times that next_after gives, with the reasons between them."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler.errors import ScheduleError
from scheduler.model import Schedule
from scheduler.rules.calendars import calendars_from
from scheduler.rules.forecast import Foreseen, forecast
from scheduler.rules.overlays import Overlay
from scheduler.rules.reasons import paused
from scheduler.rules.schedule import next_after
from tests.rules.makers import at, every
from tests.rules.test_table import KINDS, dressed, schedule_of
from tests.rules.walker import Window, instant

KR = calendars_from([("kr", None, "KR", "sat,sun")], [])["kr"]
SEOUL = "Asia/Seoul"
FRIDAY = at("2026-11-20T12:00", SEOUL)


def kr(on_holiday: str, *times: str, **more: object) -> Schedule:
    return Schedule(times=times or ("09:00",), calendar=KR, on_holiday=on_holiday, **more)  # type: ignore[arg-type]


def lines(found: list[Foreseen]) -> list[str]:
    """Write each as 'planned → run kind'."""
    return [
        f"{clock(each.planned_at)} → {clock(each.run_at)} {each.reason.kind if each.reason else ''}".strip() for each in found
    ]


def clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(ZoneInfo(SEOUL)):%m-%d %H:%M}" if moment else "-"


def test_closed_days_are_named_between_the_times_that_run() -> None:
    found = forecast(kr("skip"), at("2026-12-23T12:00", SEOUL), count=2)
    assert lines(found) == [
        "12-24 09:00 → 12-24 09:00", "12-25 09:00 → - holiday", "12-26 09:00 → - day_off", "12-27 09:00 → - day_off",
        "12-28 09:00 → 12-28 09:00",
    ]
    reason = found[1].reason
    assert reason is not None and (reason.ko, reason.en) == ("쉬는 날: 기독탄신일", "closed: Christmas Day")


def test_a_dense_schedule_names_a_closed_day_once() -> None:
    schedule = replace(every(seconds=300), calendar=KR, on_holiday="skip")
    found = forecast(schedule, at("2026-11-20T23:50", SEOUL), count=2)
    assert lines(found) == [
        "11-20 23:55 → 11-20 23:55", "11-21 00:00 → - day_off", "11-22 00:00 → - day_off", "11-23 00:00 → 11-23 00:00",
    ]


def test_times_that_fall_together_run_once_and_say_so() -> None:
    found = forecast(kr("next"), FRIDAY, count=1)
    assert lines(found) == ["11-21 09:00 → - moved", "11-22 09:00 → - moved", "11-23 09:00 → 11-23 09:00"]
    assert found[0].reason is not None and found[0].reason.en == "Saturday: one with the run of Mon 11-23 09:00"


def test_a_moved_time_names_its_target() -> None:
    found = forecast(kr("next", days_of_week="sat"), FRIDAY, count=1)
    assert lines(found) == ["11-21 09:00 → 11-23 09:00 moved"]
    assert found[0].reason is not None and found[0].reason.ko == "토요일: 11-23(월) 09:00로 옮김"
    assert lines(forecast(kr("next", days_of_week="sat"), at("2026-11-22T12:00", SEOUL), count=1)) == [
        "11-21 09:00 → 11-23 09:00 moved",
    ]


def test_a_time_moved_to_the_day_before_comes_from_beyond_the_look_ahead() -> None:
    schedule = kr("previous", days_of_week="sun")
    assert lines(forecast(schedule, at("2026-11-19T12:00", SEOUL), until=at("2026-11-20T23:00", SEOUL))) == [
        "11-22 09:00 → 11-20 09:00 moved",
    ]
    assert lines(forecast(schedule, FRIDAY, count=1)) == ["11-22 09:00 → - moved", "11-29 09:00 → 11-27 09:00 moved"]


def test_a_stop_is_named_once_a_day() -> None:
    stop = Overlay("재고 조사", at("2026-11-21T10:00", SEOUL), at("2026-11-23T10:00", SEOUL), "stop")
    found = forecast(replace(every(seconds=3600), overlays=(stop,)), at("2026-11-21T08:30", SEOUL), count=3)
    assert lines(found) == [
        "11-21 09:00 → 11-21 09:00", "11-21 10:00 → - overlay", "11-22 00:00 → - overlay", "11-23 00:00 → - overlay",
        "11-23 10:00 → 11-23 10:00", "11-23 11:00 → 11-23 11:00",
    ]
    assert found[1].reason is not None and found[1].reason.en == "stopped by the overlay '재고 조사'"


def test_the_end_is_named_once() -> None:
    schedule = Schedule(times=("09:00",), end=at("2026-11-22T12:00", SEOUL))
    for count, until in ((9, None), (None, at("2026-11-30T00:00", SEOUL))):
        assert lines(forecast(schedule, FRIDAY, count=count, until=until)) == [
            "11-21 09:00 → 11-21 09:00", "11-22 09:00 → 11-22 09:00", "11-23 09:00 → - ended",
        ]
    assert len(forecast(schedule, FRIDAY, until=at("2026-11-22T12:00", SEOUL))) == 2


def test_what_max_runs_no_longer_allows_is_named_once() -> None:
    daily = Schedule(times=("09:00",))
    assert lines(forecast(daily, FRIDAY, count=9, remaining=1)) == ["11-21 09:00 → 11-21 09:00", "11-22 09:00 → - max_runs"]
    assert lines(forecast(daily, FRIDAY, count=9, remaining=0)) == ["11-21 09:00 → - max_runs"]
    assert lines(forecast(daily, FRIDAY, count=1, remaining=1)) == ["11-21 09:00 → 11-21 09:00"]


def test_a_single_moment_moves_or_is_stopped() -> None:
    once = Schedule(run_at=at("2026-11-21T09:00", SEOUL))
    stop = Overlay("x", FRIDAY, at("2026-11-22T00:00", SEOUL), "stop")
    assert lines(forecast(once, FRIDAY, count=5)) == ["11-21 09:00 → 11-21 09:00"]
    assert lines(forecast(replace(once, overlays=(stop,)), FRIDAY, count=5)) == ["11-21 09:00 → - overlay"]
    assert lines(forecast(replace(once, calendar=KR, on_holiday="previous"), at("2026-11-19T00:00", SEOUL), count=5)) == [
        "11-21 09:00 → 11-20 09:00 moved",
    ]


def test_by_hand_nothing_is_to_come_and_a_look_without_end_is_a_programming_error() -> None:
    assert forecast(Schedule(), FRIDAY, count=5) == []
    with pytest.raises(ValueError, match="count or an end"):
        forecast(Schedule(), FRIDAY)


def test_a_pause_says_until_when_and_why() -> None:
    reason = paused(FRIDAY, "재고 조사", SEOUL)
    assert (reason.kind, reason.ko, reason.en) == (
        "paused", "2026-11-20 12:00까지 정지됨: 재고 조사", "paused until 2026-11-20 12:00: 재고 조사",
    )
    assert paused(None, None, SEOUL).en == "paused"


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Nuuk"])
@pytest.mark.parametrize("seed", range(4))
def test_the_times_that_run_are_those_of_next_after(zone: str, seed: int) -> None:
    pick = random.Random(f"{zone}{seed}")
    for number in range(40):
        first = 28_500_000 + pick.randrange(1_900_000)
        window = Window(zone, first, first + 60)
        window.last += 15_780
        spec = dressed(pick, window, KINDS[number % 5](pick, window), korean=True)
        schedule, start = schedule_of(spec, zone), instant(window.first + pick.randrange(5000))
        until, remaining = start + timedelta(days=9), pick.choice([None, None, 3, 30])
        try:
            found = forecast(schedule, start, until=until, remaining=remaining)
        except ScheduleError:
            continue
        check(schedule, found, start, until, remaining)
        count = pick.randrange(1, 30)
        running = [each.run_at for each in forecast(schedule, start, count=count) if each.run_at]
        assert sorted(running) == chain(schedule, start, None, count), schedule


def chain(schedule: Schedule, start: datetime, until: datetime | None, count: int | None) -> list[datetime]:
    found: list[datetime] = []
    while count is None or len(found) < count:
        following = next_after(schedule, found[-1] if found else start)
        if following is None or (until is not None and following > until):
            break
        found.append(following)
    return found


def check(schedule: Schedule, found: list[Foreseen], start: datetime, until: datetime, remaining: int | None) -> None:
    expected = chain(schedule, start, until, remaining)
    assert sorted(each.run_at for each in found if each.run_at) == expected, schedule
    planned = [each.planned_at for each in found]
    assert planned == sorted(set(planned))
    assert all((each.reason is None) == (each.run_at == each.planned_at) for each in found if each.run_at)
    silent = [each for each in found if each.run_at is None]
    assert all(each.reason is not None and each.planned_at > start and each.planned_at <= until for each in silent)
    days: set[tuple[date, object]] = set()
    for each in silent:
        key = (each.planned_at.astimezone(ZoneInfo(schedule.timezone)).date(), each.reason)
        assert key not in days, (schedule, each)
        days.add(key)
