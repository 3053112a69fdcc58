"""Intervals as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.rules.intervals import parse_every


@pytest.mark.parametrize(
    ("typed", "literal"),
    [
        ("30m", "30 minutes"), ("1h", "1 hour"), ("1d", "1 day"), ("1w", "1 week"), ("1mo", "1 month"),
        ("1month", "1 month"), ("1 month", "1 month"), ("3 Months", "3 months"), ("90s", "90 seconds"),
        ("1h30m", "1 hour 30 minutes"), (" 5 min ", "5 minutes"), ("30분", "30 minutes"), ("1개월", "1 month"),
        ("1시간 30분", "1 hour 30 minutes"), ("1h0m", "1 hour"),
    ],
)
def test_what_people_mean(typed: str, literal: str) -> None:
    assert parse_every(typed) == literal


@pytest.mark.parametrize(
    "typed", ["30", "", "0m", "-5m", "30 banana", "1.5h", "1e9y", "３０m", "30m 5", "1m1m", "1y", "m"]
)
def test_anything_else_is_refused_with_the_forms_to_use(typed: str) -> None:
    with pytest.raises(ScheduleError, match="write 30m, 1h, 1d, 1w, 1mo or 90s"):
        parse_every(typed)


@pytest.mark.parametrize("typed", ["1M", "1 M", "2h 1M"])
def test_a_capital_m_is_ambiguous(typed: str) -> None:
    with pytest.raises(ScheduleError, match="minutes or months"):
        parse_every(typed)


@given(st.text(max_size=100) | st.text("0123456789smhdwMo 분달", max_size=12))
def test_any_text_gives_a_plain_literal_or_is_refused(typed: str) -> None:
    try:
        literal = parse_every(typed)
    except ScheduleError as error:
        assert str(error).isprintable()
    else:
        assert literal.isascii() and literal.replace(" ", "").isalnum()
