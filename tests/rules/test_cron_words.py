"""Common shapes of cron in words; every shape that has words has exactly the moments that the words say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import ScheduleError
from scheduler.model import Schedule
from scheduler.rules.cron import parse_cron
from scheduler.rules.words import schedule_in_words

GOLDEN = [
    ("*/30 8-20 * * mon-fri", "평일 08~20시 30분마다", "every 30 minutes from 08:00 to 20:59 on weekdays"),
    ("*/30 8-20 * * *", "매일 08~20시 30분마다", "every 30 minutes from 08:00 to 20:59"),
    ("*/10 9 * * sat,sun", "주말 09시 10분마다", "every 10 minutes from 09:00 to 09:59 on weekends"),
    ("* 9-17 * * 1-6", "매주 월~토요일 09~17시 1분마다", "every minute from 09:00 to 17:59, Monday to Saturday"),
    ("*/15 * * * 1-5", "평일 15분마다", "every 15 minutes on weekdays"),
    ("*/5 * * * MON,THU", "매주 월·목요일 5분마다", "every 5 minutes on Mondays and Thursdays"),
    ("0,30 * * * *", "매시 00·30분", "hourly at :00 and :30"),
    ("10 * * * mon-fri", "평일(월~금) 매시 10분", "Monday to Friday hourly at :10"),
    ("0,30 9-17 * * 1-5", "평일(월~금) 9~17시 매시 00·30분", "Monday to Friday hourly at :00 and :30 from 9 to 17"),
    ("5 */2 * * *", "2시간마다 05분", "every 2 hours at :05"),
    ("0 */6 * * 1-5", "평일 6시간마다 00분", "every 6 hours at :00 on weekdays"),
    ("0 9,13,18 * * *", "매일 09:00, 13:00, 18:00", "daily at 09:00, 13:00, 18:00"),
    ("30 9,18 * * mon,wed,fri", "매주 월·수·금요일 09:30, 18:30", "Mondays, Wednesdays and Fridays at 09:30, 18:30"),
    ("0 9-18/3 * * *", "매일 09:00, 12:00, 15:00, 18:00", "daily at 09:00, 12:00, 15:00, 18:00"),
    ("0 10 * * 6,7", "주말(토·일) 10:00", "Saturdays and Sundays at 10:00"),
    ("0 10 * * 1-7", "매일 10:00", "daily at 10:00"),
    ("0 9 1,15 * *", "매월 1·15일 09:00", "monthly on days 1 and 15 at 09:00"),
]
RAW = (
    "*/7 8-20 * * *", "*/45 * * * *", "5/15 * * * *", "*/30 8,12,18 * * *", "0 9-9 * * *", "0 20-8 * * *",
    "0 9 * 1 *", "0 9 1 * mon", "0 9 * * */2",
    "0 9 L * *", "0 9 * * 5-1", "0 9 * * mon#1", "0 */5-20 * * *", "0 */2/3 * * *", "0 0-9,11-20 * * *", "61 * * * *",
    "0 9-18/0 * * *", "1,2,3,4,5 * * * *", "0 24 * * *", "0 9 * * 8", "0 9 0 * *", "٣ 9,10 * * *",
)


@pytest.mark.parametrize(("cron", "korean", "english"), GOLDEN)
def test_both_languages(cron: str, korean: str, english: str) -> None:
    both = (schedule_in_words(Schedule(cron=cron), "ko"), schedule_in_words(Schedule(cron=cron), "en"))
    assert both == (korean, english)


@pytest.mark.parametrize("cron", RAW)
def test_what_is_not_certain_stays_as_it_was_typed(cron: str) -> None:
    assert schedule_in_words(Schedule(cron=cron), "ko") == schedule_in_words(Schedule(cron=cron), "en") == f"cron: {cron}"


def test_days_of_the_column_go_with_a_shape_that_has_none() -> None:
    shape = Schedule(cron="*/30 8-20 * * *", days_of_week="mon-fri")
    assert schedule_in_words(shape, "ko") == "평일(월~금) 08~20시 30분마다"
    assert schedule_in_words(shape, "en") == "Monday to Friday every 30 minutes from 08:00 to 20:59"
    both = Schedule(cron="*/30 8-20 * * mon-fri", days_of_week="mon")
    assert schedule_in_words(both, "ko").startswith("cron: */30 8-20 * * mon-fri")
    assert schedule_in_words(Schedule(cron="*/30 8-20 * * 1-5", timezone="UTC"), "en").endswith("on weekdays (UTC)")


LIST = st.lists(st.integers(0, 23), min_size=1, max_size=4).map(lambda found: ",".join(map(str, found)))
HOURS = LIST | st.builds("{}-{}/{}".format, st.integers(0, 23), st.integers(0, 23), st.integers(1, 6)) | st.just("*/4")


@given(LIST, HOURS, st.sampled_from(["*", "1-5", "0", "6,7", "mon-sat", "5-7"]))
def test_times_in_the_words_are_those_of_the_clock(minutes: str, hours: str, days: str) -> None:
    cron = f"{minutes} {hours} * * {days}"
    try:
        found = parse_cron(cron, ZoneInfo("UTC"))
    except ScheduleError:
        return
    said = re.findall(r"\d\d:\d\d", schedule_in_words(Schedule(cron=cron), "en"))
    if not said or schedule_in_words(Schedule(cron=cron), "en").startswith("cron: "):
        return
    moments = [datetime(2026, 11, 15, 23, 59, 59, tzinfo=UTC)]
    while moments[-1] < moments[0] + timedelta(days=14):
        following = found.after(moments[-1])
        assert following is not None
        moments.append(following)
    assert sorted({f"{each:%H:%M}" for each in moments[1:]}) == sorted(set(said))
    assert all(first < second for first, second in pairwise(moments))
