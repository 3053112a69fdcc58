"""Windows leave no hole, whatever the moments are, and never ask a market for more than it accepts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from handlers.windows import refresh_start, start_of, windows

NOON = datetime(2026, 3, 9, 12, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(microseconds=1), timedelta(days=40))


@given(start=moments, span=spans)
def test_windows_cover_the_span_without_hole_or_overlap(start: datetime, span: timedelta) -> None:
    cut = windows(start, start + span)

    assert cut[0].start <= start < cut[0].start + MINUTE
    assert cut[-1].end == start + span
    assert all(one.end == other.start for one, other in itertools.pairwise(cut))
    assert all(window.start < window.end for window in cut)


@given(start=moments, span=spans)
def test_no_window_is_wider_than_24_hours_even_in_whole_minutes(start: datetime, span: timedelta) -> None:
    for window in windows(start, start + span):
        end = window.end if window.end.second == window.end.microsecond == 0 else window.end + MINUTE
        assert end.replace(second=0, microsecond=0) - window.start <= DAY


@given(start=moments, span=spans)
def test_a_whole_day_is_a_korean_day(start: datetime, span: timedelta) -> None:
    for window in windows(start, start + span):
        if window.whole_days:
            local = window.start.astimezone(ZoneInfo("Asia/Seoul"))
            assert (local.hour, local.minute, window.end - window.start) == (0, 0, DAY)


def test_a_span_that_has_no_length_yields_no_window() -> None:
    minute = NOON.replace(second=0)

    assert windows(minute, minute) == []
    assert windows(NOON, NOON - MINUTE) == []


def test_days_count_only_until_there_is_a_watermark() -> None:
    assert start_of(None, NOON, 3, 10 * MINUTE) == NOON - 3 * DAY
    assert start_of(NOON - 9 * DAY, NOON, 3, 10 * MINUTE) == NOON - 9 * DAY - 10 * MINUTE
    assert start_of(NOON - MINUTE, NOON, 3, 10 * MINUTE) == NOON - 11 * MINUTE


def test_a_watermark_ahead_of_the_clock_is_not_believed() -> None:
    assert start_of(NOON + 5 * MINUTE, NOON, 1, 10 * MINUTE) == NOON - 10 * MINUTE


def test_open_orders_are_read_again_up_to_a_limit() -> None:
    assert refresh_start(None, NOON, 7) is None
    assert refresh_start(NOON - DAY, NOON, 0) is None
    assert refresh_start(NOON - DAY, NOON, 7) == NOON - DAY
    assert refresh_start(NOON - 30 * DAY, NOON, 7) == NOON - 7 * DAY
