"""A schedule in a person's words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model import Every, Schedule
from scheduler.rules.calendars import Calendar
from scheduler.rules.quoting import quoted
from scheduler.rules.words import schedule_in_words
from tests.rules.makers import at
from tests.rules.words_table import GOLDEN


def test_the_table_is_not_smaller_than_it_was() -> None:
    assert len(GOLDEN) >= 60 and len({(korean, english) for _, korean, english in GOLDEN}) >= 55


@pytest.mark.parametrize(("schedule", "korean", "english"), GOLDEN)
def test_both_languages(schedule: Schedule, korean: str, english: str) -> None:
    assert (schedule_in_words(schedule, "ko"), schedule_in_words(schedule, "en")) == (korean, english)


@given(
    st.builds(
        Schedule,
        every=st.none() | st.builds(Every, st.integers(-5, 5000), st.floats()),
        times=st.lists(st.text(max_size=10), max_size=2).map(tuple),
        cron=st.none() | st.text(max_size=20),
        run_at=st.none() | st.datetimes(timezones=st.just(at("2026-01-01T00:00").tzinfo)),
        timezone=st.text(max_size=10),
        days_of_week=st.none() | st.text(max_size=10) | st.just("mon-fri"),
        start=st.none() | st.datetimes(timezones=st.just(UTC)),
        end=st.none() | st.datetimes() | st.just(datetime.max.replace(tzinfo=UTC)),
        calendar=st.none() | st.builds(Calendar, st.text(max_size=5), st.frozensets(st.integers(0, 6))),
        on_holiday=st.sampled_from(["run", "skip", "previous", "next"]) | st.text(max_size=5),
    ),
    st.sampled_from(["ko", "en"]),
)
def test_a_row_that_cannot_be_run_is_described_all_the_same(schedule: Schedule, language: str) -> None:
    words = schedule_in_words(schedule, language)
    assert words and words.isprintable()


@given(st.text(max_size=500))
def test_quoted_text_is_short_and_printable(text: str) -> None:
    assert quoted(text).isprintable() and len(quoted(text)) <= 82
