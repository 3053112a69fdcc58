"""A schedule in a person's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model import Every, Schedule
from scheduler.rules.quoting import quoted
from scheduler.rules.words import schedule_in_words
from tests.rules.makers import at

GOLDEN = [
    (Schedule(every=Every(seconds=1800)), "30분마다", "every 30 minutes"),
    (Schedule(every=Every(seconds=60)), "1분마다", "every minute"),
    (Schedule(every=Every(seconds=3600)), "1시간마다", "every hour"),
    (Schedule(every=Every(seconds=5400)), "1시간 30분마다", "every 1 hour 30 minutes"),
    (Schedule(every=Every(seconds=90)), "1분 30초마다", "every 1 minute 30 seconds"),
    (Schedule(every=Every(seconds=86400)), "1일마다", "every day"),
    (Schedule(every=Every(seconds=10 * 86400)), "10일마다", "every 10 days"),
    (Schedule(every=Every(seconds=14 * 86400)), "2주마다", "every 2 weeks"),
    (Schedule(every=Every(months=1)), "1개월마다", "every month"),
    (Schedule(every=Every(months=3, seconds=86400)), "3개월 1일마다", "every 3 months 1 day"),
    (Schedule(every=Every(seconds=0.5)), "0.5초마다", "every 0.5 seconds"),
    (Schedule(times=("09:00:00", "18:00:00")), "매일 09:00, 18:00", "daily at 09:00, 18:00"),
    (Schedule(times=("00:00", "09:00:30")), "매일 00:00, 09:00:30", "daily at 00:00, 09:00:30"),
    (Schedule(times=("09:00",), timezone="UTC"), "매일 09:00 (UTC)", "daily at 09:00 (UTC)"),
    (Schedule(cron="* * * * *"), "1분마다", "every minute"),
    (Schedule(cron="0 * * * *"), "매시 00분", "hourly at :00"),
    (Schedule(cron="0 9 * * *"), "매일 09:00", "daily at 09:00"),
    (Schedule(cron="0 0 * * 0"), "매주 일요일 00:00", "Sundays at 00:00"),
    (Schedule(cron="0 0 1 * *"), "매월 1일 00:00", "monthly on day 1 at 00:00"),
    (Schedule(cron="*/15 * * * *"), "15분마다", "every 15 minutes"),
    (Schedule(cron="0 9-17 * * 1-5"), "평일(월~금) 9~17시 매시 00분", "Monday to Friday hourly at :00 from 9 to 17"),
    (Schedule(cron="30 6 * * MON"), "매주 월요일 06:30", "Mondays at 06:30"),
    (Schedule(cron="@weekly"), "매주 일요일 00:00", "Sundays at 00:00"),
    (Schedule(cron="*/15 9-18 * * mon-fri"), "cron: */15 9-18 * * mon-fri", "cron: */15 9-18 * * mon-fri"),
    (Schedule(cron="*/7 * * * *"), "cron: */7 * * * *", "cron: */7 * * * *"),
    (
        Schedule(run_at=at("2026-12-24T18:00", "Asia/Seoul")),
        "2026-12-24 18:00 한 번", "once at 2026-12-24 18:00",
    ),
    (Schedule(), "수동 실행", "by hand"),
]


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
    ),
    st.sampled_from(["ko", "en"]),
)
def test_a_row_that_cannot_be_run_is_described_all_the_same(schedule: Schedule, language: str) -> None:
    words = schedule_in_words(schedule, language)
    assert words and words.isprintable()


@given(st.text(max_size=500))
def test_quoted_text_is_short_and_printable(text: str) -> None:
    assert quoted(text).isprintable() and len(quoted(text)) <= 82
