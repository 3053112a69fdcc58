"""Days of the week as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.rules.days import days_in_words, parse_days
from scheduler.words import set_language


@pytest.mark.parametrize(("text", "days"), [
    ("mon-fri", {0, 1, 2, 3, 4}), ("Mon-Fri", {0, 1, 2, 3, 4}), ("월-금", {0, 1, 2, 3, 4}), ("월~금", {0, 1, 2, 3, 4}),
    ("1-5", {0, 1, 2, 3, 4}), ("평일", {0, 1, 2, 3, 4}), ("weekdays", {0, 1, 2, 3, 4}), ("sat,sun", {5, 6}),
    ("토, 일", {5, 6}), ("주말", {5, 6}), ("6,0", {5, 6}), ("6,7", {5, 6}), ("0", {6}), ("7", {6}), ("1", {0}),
    ("fri-mon", {4, 5, 6, 0}), ("5-1", {4, 5, 6, 0}), ("0-6", set(range(7))), ("1-7", set(range(7))),
    ("0-7", set(range(7))), ("sun-sat", set(range(7))), ("wed", {2}), ("Wednesday", {2}), ("수요일", {2}),
    ("mon-wed,fri", {0, 1, 2, 4}), ("mon - wed , fri", {0, 1, 2, 4}), ("mon-mon", {0}), ("*", set(range(7))),
])
def test_days_are_read_as_they_are_meant(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", [
    "", " ", ",", "mon,", "8", "-1", "mon-", "-fri", "mon-tue-wed", "funday", "월금", "mon fri", "x" * 200,
])
def test_other_text_is_refused_in_both_languages(text: str) -> None:
    for language, word in (("en", "days of the week"), ("ko", "요일")):
        set_language(language)
        with pytest.raises(ScheduleError, match=word) as refused:
            parse_days(text)
        assert "mon-fri" in str(refused.value) and len(str(refused.value)) < 250


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        assert parse_days(text) <= set(range(7))
    except ScheduleError as refused:
        assert str(refused).isprintable()


@pytest.mark.parametrize(("text", "korean", "english"), [
    ("0-6", "매일", "daily"), ("1-5", "평일(월~금)", "Monday to Friday"), ("0,6", "주말(토·일)", "Saturdays and Sundays"),
    ("mon", "매주 월요일", "Mondays"), ("mon,wed", "매주 월·수요일", "Mondays and Wednesdays"),
    ("mon,wed,sun", "매주 월·수·일요일", "Mondays, Wednesdays and Sundays"), ("mon-sat", "매주 월~토요일", "Monday to Saturday"),
])
def test_days_are_said_in_words(text: str, korean: str, english: str) -> None:
    assert days_in_words(parse_days(text)) == (korean, english)
