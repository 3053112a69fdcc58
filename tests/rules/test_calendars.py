"""Open and closed days, and what is inherited; overlays that concern a job; jitter."""

from datetime import date, timedelta

import pytest

from scheduler.rules.calendars import Calendar, calendars_from
from scheduler.rules.jitter import jitter
from scheduler.rules.overlays import Overlay, overlays_of
from scheduler.words import set_language
from tests.rules.makers import at

ROWS = [("kr", None, "KR", "sat,sun"), ("kr-holidays", "kr", None, "")]
CHRISTMAS_EVE = date(2026, 12, 24)


def test_a_day_is_closed_for_its_name_or_its_weekday() -> None:
    kr = calendars_from(ROWS, [])["kr"]
    closed = {day: kr.closed(date.fromisoformat(day)) for day in ("2026-12-24", "2026-12-25", "2026-12-26", "2026-05-25")}
    assert closed == {
        "2026-12-24": None, "2026-12-25": "Christmas Day", "2026-12-26": "Saturday",
        "2026-05-25": "Alternative holiday for Buddha's Birthday",
    }
    set_language("ko")
    assert (kr.closed(date(2026, 5, 25)), kr.closed(date(2026, 12, 26))) == ("부처님오신날 대체 휴일", "토요일")


def test_a_holiday_on_a_sunday_is_called_by_its_name() -> None:
    assert calendars_from(ROWS, [])["kr"].closed(date(2026, 3, 1)) == "Independence Movement Day"


def test_a_calendar_inherits_country_and_days_but_not_weekdays() -> None:
    days = [("kr", CHRISTMAS_EVE, True, "임시공휴일"), ("kr", date(2026, 12, 25), False, "특근"),
            ("kr-holidays", CHRISTMAS_EVE, False, "엶")]
    made = calendars_from(ROWS, days)
    assert [made["kr"].is_open(date(2026, 12, day)) for day in (24, 25, 26)] == [False, True, False]
    assert [made["kr-holidays"].is_open(date(2026, 12, day)) for day in (24, 25, 26)] == [True, True, True]
    assert not made["kr-holidays"].is_open(date(2026, 10, 9))
    assert made["kr"].closed(CHRISTMAS_EVE) == "임시공휴일"


def test_an_own_day_opens_a_weekend() -> None:
    made = calendars_from(ROWS, [("kr", date(2026, 11, 21), False, "블랙프라이데이 준비")])
    assert made["kr"].is_open(date(2026, 11, 21)) and not made["kr"].is_open(date(2026, 11, 22))


def test_bases_that_go_in_a_circle_or_are_missing_end_quietly() -> None:
    made = calendars_from([("a", "b", None, ""), ("b", "a", "KR", "sun"), ("c", "gone", None, "")], [])
    assert made["a"].country == "KR" and made["c"].country is None


def test_equal_rows_give_the_very_same_calendar() -> None:
    first = calendars_from(ROWS, [("kr-holidays", CHRISTMAS_EVE, True, "x")])
    again = calendars_from([list(row) for row in reversed(ROWS)], [["kr-holidays", CHRISTMAS_EVE, True, "x"]])
    other = calendars_from(ROWS, [("kr-holidays", CHRISTMAS_EVE, True, "y")])
    assert first["kr"] is again["kr"] is other["kr"]
    assert first["kr-holidays"] is again["kr-holidays"]
    assert first["kr-holidays"] != other["kr-holidays"] and Calendar("kr") != Calendar("kr")


def row(name: str, **filters: list[str]) -> tuple[object, ...]:
    empty: list[str] = []
    return (name, at("2026-11-27T00:00", "Asia/Seoul"), at("2026-11-28T00:00", "Asia/Seoul"), "multiply", 4.0,
            filters.get("types", empty), filters.get("markets", empty), filters.get("tags", empty))


@pytest.mark.parametrize(("filters", "concerned"), [
    ({}, True), ({"types": ["orders"]}, True), ({"types": ["stock"]}, False), ({"types": ["stock", "orders"]}, True),
    ({"markets": ["naver"]}, True), ({"markets": ["11st"]}, False), ({"tags": ["sale"]}, True), ({"tags": ["x"]}, False),
    ({"types": ["orders"], "markets": ["11st"]}, False), ({"types": ["orders"], "markets": ["naver"], "tags": ["sale"]}, True),
])
def test_filters_are_joined_by_and_and_empty_ones_mean_all(filters: dict[str, list[str]], concerned: bool) -> None:
    found = overlays_of([row("sale", **filters)], "orders", ["naver", "coupang"], ["sale", "night"])
    assert [each.name for each in found] == (["sale"] if concerned else [])


def test_a_job_without_markets_is_no_job_of_that_market() -> None:
    assert overlays_of([row("sale", markets=["naver"])], "orders", None, None) == ()


def test_overlays_are_equal_whatever_the_order_and_zone_of_their_rows() -> None:
    rows = [row("b"), row("a")]
    found = overlays_of(rows, "orders", [], [])
    assert found == overlays_of(reversed(rows), "orders", [], []) and hash(found)
    assert found[0] == Overlay("a", at("2026-11-26T15:00"), at("2026-11-27T15:00"), "multiply", 4.0)


def test_jitter_is_the_same_everywhere_and_within_its_bounds() -> None:
    planned = at("2026-11-21T09:00", "Asia/Seoul")
    assert jitter(7, planned, 3600) == timedelta(seconds=JITTER_OF_JOB_7)
    assert jitter(7, planned.astimezone(), 3600) == jitter(7, planned, 3600)
    assert jitter(7, planned, 0) == timedelta()
    delays = {jitter(job, planned, 10) // timedelta(seconds=1) for job in range(500)}
    assert delays == set(range(11))


def test_jitter_spreads_evenly_over_jobs_and_over_days() -> None:
    planned = at("2026-11-21T09:00", "Asia/Seoul")
    for delays in (
        [jitter(job, planned, 59) for job in range(6000)],
        [jitter(1, planned + timedelta(days=day), 59) for day in range(6000)],
    ):
        counts = [delays.count(timedelta(seconds=second)) for second in range(60)]
        assert min(counts) > 55 and max(counts) < 150


JITTER_OF_JOB_7 = 1122
