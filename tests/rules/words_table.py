"""Schedules and what they are called in Korean and in English."""

from datetime import date
from typing import Any

from scheduler.model import Every, Schedule
from scheduler.rules.calendars import Calendar
from tests.rules.makers import at

WEEKEND = frozenset({5, 6})
KR = Calendar("kr", WEEKEND, country="KR")
HOLIDAYS = Calendar("kr-holidays", country="KR")
COURIER = Calendar("courier", frozenset({6}), {date(2026, 8, 14): (True, "택배 없는 날")})
SUNDAYS = Calendar("shop", frozenset({6}))


def times(*texts: str, **more: Any) -> Schedule:
    return Schedule(times=texts, **_columns(more))


def every(seconds: float, **more: Any) -> Schedule:
    return Schedule(every=Every(seconds=seconds), **_columns(more))


def _columns(more: dict[str, Any]) -> dict[str, Any]:
    names = {"days": "days_of_week", "on": "on_holiday", "zone": "timezone"}
    found = {names.get(name, name): value for name, value in more.items()}
    return found | {name: at(found[name], "Asia/Seoul") for name in ("start", "end") if name in found}


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
    (Schedule(cron="*/15 9-18 * * mon-fri"), "평일 09~18시 15분마다", "every 15 minutes from 09:00 to 18:59 on weekdays"),
    (Schedule(cron="*/7 * * * *"), "cron: */7 * * * *", "cron: */7 * * * *"),
    (
        Schedule(run_at=at("2026-12-24T18:00", "Asia/Seoul")),
        "2026-12-24 18:00 한 번", "once at 2026-12-24 18:00",
    ),
    (Schedule(), "수동 실행", "by hand"),
    # days of the week
    (times("09:00", days="mon-fri"), "평일(월~금) 09:00", "Monday to Friday at 09:00"),
    (times("09:00", "18:00", days="월-금"), "평일(월~금) 09:00, 18:00", "Monday to Friday at 09:00, 18:00"),
    (times("10:00", days="sat,sun"), "주말(토·일) 10:00", "Saturdays and Sundays at 10:00"),
    (times("09:00", days="mon"), "매주 월요일 09:00", "Mondays at 09:00"),
    (times("09:00", days="mon,thu"), "매주 월·목요일 09:00", "Mondays and Thursdays at 09:00"),
    (times("09:00", days="1,3,5"), "매주 월·수·금요일 09:00", "Mondays, Wednesdays and Fridays at 09:00"),
    (times("09:00", days="mon-sat"), "매주 월~토요일 09:00", "Monday to Saturday at 09:00"),
    (times("09:00", days="0-6"), "매일 09:00", "daily at 09:00"),
    (times("09:00", days="funday"), "매일 09:00, 요일 'funday'", "daily at 09:00, days 'funday'"),
    (every(1800, days="mon-fri"), "평일(월~금) 30분마다", "every 30 minutes, Monday to Friday"),
    (every(3600, days="sun"), "매주 일요일 1시간마다", "every hour, Sundays"),
    (Schedule(cron="0 9 * * *", days_of_week="mon-fri"), "평일(월~금) 09:00", "Monday to Friday at 09:00"),
    (Schedule(cron="5 * * * *", days_of_week="sat"), "매주 토요일 매시 05분", "hourly at :05, Saturdays"),
    (Schedule(cron="*/15 * * * *", days_of_week="mon-fri"), "평일(월~금) 15분마다", "every 15 minutes, Monday to Friday"),
    (
        Schedule(cron="0 9-17 * * *", days_of_week="tue"),
        "매주 화요일 9~17시 매시 00분", "Tuesdays hourly at :00 from 9 to 17",
    ),
    (Schedule(cron="0 0 1 * *", days_of_week="mon-fri"), "매월 1일 00:00, 평일(월~금)만",
     "monthly on day 1 at 00:00, Monday to Friday only"),
    # calendars
    (times("09:00", days="mon-fri", calendar=KR, on="next"), "평일(월~금) 09:00, 공휴일은 다음 영업일",
     "Monday to Friday at 09:00, on holidays the next business day"),
    (times("09:00", days="mon-fri", calendar=KR, on="previous"), "평일(월~금) 09:00, 공휴일은 앞 영업일",
     "Monday to Friday at 09:00, on holidays the previous business day"),
    (times("09:00", days="mon-fri", calendar=KR, on="skip"), "평일(월~금) 09:00, 공휴일은 쉼",
     "Monday to Friday at 09:00, not on holidays"),
    (times("09:00", days="mon-fri", calendar=KR, on="run"), "평일(월~금) 09:00", "Monday to Friday at 09:00"),
    (times("09:00", calendar=KR, on="skip"), "매일 09:00, 주말·공휴일은 쉼", "daily at 09:00, not on weekends or holidays"),
    (times("09:00", calendar=KR, on="next"), "매일 09:00, 주말·공휴일은 다음 영업일",
     "daily at 09:00, on weekends and holidays the next business day"),
    (times("09:00", days="mon-sat", calendar=KR, on="skip"), "매주 월~토요일 09:00, 토요일·공휴일은 쉼",
     "Monday to Saturday at 09:00, not on Saturdays or holidays"),
    (times("09:00", calendar=HOLIDAYS, on="skip"), "매일 09:00, 공휴일은 쉼", "daily at 09:00, not on holidays"),
    (times("09:00", calendar=COURIER, on="skip"), "매일 09:00, 일요일·쉬는 날(courier)은 쉼",
     "daily at 09:00, not on Sundays or closed days (courier)"),
    (times("09:00", calendar=SUNDAYS, on="skip"), "매일 09:00, 일요일(shop)은 쉼", "daily at 09:00, not on Sundays (shop)"),
    (times("09:00", days="mon", calendar=SUNDAYS, on="skip"), "매주 월요일 09:00", "Mondays at 09:00"),
    (times("09:00", on="skip"), "매일 09:00, 쉬는 날은 쉼", "daily at 09:00, not on closed days"),
    (times("09:00", calendar=KR, on="maybe"), "매일 09:00, on_holiday 'maybe'", "daily at 09:00, on_holiday 'maybe'"),
    (every(1800, calendar=KR, on="skip"), "30분마다, 주말·공휴일은 쉼", "every 30 minutes, not on weekends or holidays"),
    (every(1800, days="mon-fri", calendar=KR, on="skip"), "평일(월~금) 30분마다, 공휴일은 쉼",
     "every 30 minutes, Monday to Friday, not on holidays"),
    (Schedule(cron="0 9 * * 1-5", calendar=KR, on_holiday="next"), "평일(월~금) 09:00, 공휴일은 다음 영업일",
     "Monday to Friday at 09:00, on holidays the next business day"),
    (Schedule(cron="*/15 9-18 * * mon-fri", calendar=KR, on_holiday="skip"), "평일 09~18시 15분마다, 공휴일은 쉼",
     "every 15 minutes from 09:00 to 18:59 on weekdays, not on holidays"),
    (Schedule(cron="0 10 25 * *", calendar=KR, on_holiday="previous"), "매월 25일 10:00, 주말·공휴일은 앞 영업일",
     "monthly on day 25 at 10:00, on weekends and holidays the previous business day"),
    (Schedule(run_at=at("2026-12-25T09:00", "Asia/Seoul"), calendar=KR, on_holiday="next"),
     "2026-12-25 09:00 한 번, 주말·공휴일은 다음 영업일",
     "once at 2026-12-25 09:00, on weekends and holidays the next business day"),
    # periods
    (times("09:00", start="2026-12-01T00:00"), "매일 09:00, 2026-12-01부터", "daily at 09:00, from 2026-12-01"),
    (times("09:00", start="2026-12-01T08:30"), "매일 09:00, 2026-12-01 08:30부터", "daily at 09:00, from 2026-12-01 08:30"),
    (times("09:00", end="2026-12-31T18:00"), "매일 09:00, 2026-12-31 18:00까지", "daily at 09:00, until 2026-12-31 18:00"),
    (times("09:00", start="2026-12-01T00:00", end="2026-12-31T18:00"), "매일 09:00, 2026-12-01부터 2026-12-31 18:00까지",
     "daily at 09:00, from 2026-12-01 until 2026-12-31 18:00"),
    (every(600, start="2026-11-27T00:00", end="2026-11-30T23:59"), "10분마다, 2026-11-27부터 2026-11-30 23:59까지",
     "every 10 minutes, from 2026-11-27 until 2026-11-30 23:59"),
    (times("09:00", days="mon-fri", calendar=KR, on="next", end="2026-12-31T18:00"),
     "평일(월~금) 09:00, 공휴일은 다음 영업일, 2026-12-31 18:00까지",
     "Monday to Friday at 09:00, on holidays the next business day, until 2026-12-31 18:00"),
    # zones
    (times("09:00", days="mon-fri", zone="America/New_York"), "평일(월~금) 09:00 (America/New_York)",
     "Monday to Friday at 09:00 (America/New_York)"),
    (every(1800, days="mon-fri", zone="UTC"), "평일(월~금) 30분마다 (UTC)", "every 30 minutes, Monday to Friday (UTC)"),
    (every(1800, zone="UTC"), "30분마다", "every 30 minutes"),
    (every(1800, zone="UTC", end="2026-12-31T18:00"), "30분마다, 2026-12-31 09:00까지 (UTC)",
     "every 30 minutes, until 2026-12-31 09:00 (UTC)"),
    (times("09:00", end="2026-12-31T18:00", zone="Mars/Base"), "매일 09:00, 2026-12-31 09:00:00+00:00까지 (Mars/Base)",
     "daily at 09:00, until 2026-12-31 09:00:00+00:00 (Mars/Base)"),
]
