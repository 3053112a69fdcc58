"""Days, calendars and periods in a person's words, to be put around the words of a plain schedule. Never fails."""

from __future__ import annotations

import re
from datetime import datetime

from scheduler.errors import ScheduleError
from scheduler.model import Schedule
from scheduler.rules.days import BUSINESS_DAYS, EVERY_DAY, KOREAN, WEEKEND, days_in_words, parse_days
from scheduler.rules.quoting import quoted
from scheduler.rules.zones import open_zone

Words = tuple[str, str]
OWN_CALENDARS = ("kr", "kr-holidays")
EVERY_BUSINESS_DAY = re.compile(r".*\s(1-5|mon-fri)", re.IGNORECASE)


def on_days(plain: Words, text: str | None) -> Words:
    """Say on which days of the week a plain schedule runs."""
    if text is None:
        return plain
    korean, english = plain
    try:
        days = parse_days(text)
    except ScheduleError:
        return f"{korean}, 요일 {quoted(text)}", f"{english}, days {quoted(text)}"
    if days == EVERY_DAY:
        return plain
    days_ko, days_en = days_in_words(days)
    if korean.startswith("매일 "):
        return f"{days_ko} {korean.removeprefix('매일 ')}", f"{days_en} {english.removeprefix('daily ')}"
    if korean.endswith("마다") or korean.startswith("매시 "):
        return f"{days_ko} {korean}", f"{english}, {days_en}"
    return f"{korean}, {days_ko}만", f"{english}, {days_en} only"


def around(schedule: Schedule) -> list[Words]:
    """Say what the calendar and the period do to a schedule, each as a clause."""
    return [clause for clause in (_holidays(schedule), _period(schedule)) if clause is not None]


def clock(moment: datetime, timezone: str) -> str:
    """Show a moment as a clock in a zone does; as it is when that cannot be."""
    try:
        return f"{moment.astimezone(open_zone(timezone)):%Y-%m-%d %H:%M}"
    except (ScheduleError, OverflowError, ValueError):
        return str(moment)


def _holidays(schedule: Schedule) -> Words | None:
    how = schedule.on_holiday
    if how == "run":
        return None
    closed = _closed(schedule, "or" if how == "skip" else "and")
    if closed is None:
        return None
    korean, english = closed
    if how == "skip":
        return f"{korean}은 쉼", f"not on {english}"
    if how == "previous":
        return f"{korean}은 앞 영업일", f"on {english} the previous business day"
    if how == "next":
        return f"{korean}은 다음 영업일", f"on {english} the next business day"
    return f"on_holiday {quoted(how)}", f"on_holiday {quoted(how)}"


def _closed(schedule: Schedule, joining: str) -> Words | None:
    """Name the closed days that a schedule may meet; None when there are none."""
    calendar = schedule.calendar
    if calendar is None:
        return "쉬는 날", "closed days"
    named = [_weekdays(calendar.closed_weekdays & _days(schedule))]
    if calendar.country is not None:
        named.append(("공휴일", "holidays"))
    elif any(is_closed for is_closed, _ in calendar.days.values()):
        named.append(("쉬는 날", "closed days"))
    words = [each for each in named if each is not None]
    if not words:
        return None
    which = "" if calendar.name in OWN_CALENDARS else f"({_printable(calendar.name)})"
    return "·".join(each[0] for each in words) + which, f"{f' {joining} '.join(each[1] for each in words)} {which}".strip()


def _weekdays(days: frozenset[int]) -> Words | None:
    if not days:
        return None
    if days == WEEKEND:
        return "주말", "weekends"
    return f"{'·'.join(KOREAN[day] for day in sorted(days))}요일", days_in_words(days)[1]


def _days(schedule: Schedule) -> frozenset[int]:
    if schedule.days_of_week is not None:
        try:
            return parse_days(schedule.days_of_week)
        except ScheduleError:
            return EVERY_DAY
    is_business = schedule.cron is not None and EVERY_BUSINESS_DAY.fullmatch(schedule.cron.strip())
    return BUSINESS_DAYS if is_business else EVERY_DAY


def _period(schedule: Schedule) -> Words | None:
    korean, english = [], []
    if schedule.start is not None:
        shown = clock(schedule.start, schedule.timezone).removesuffix(" 00:00")
        korean.append(f"{shown}부터")
        english.append(f"from {shown}")
    if schedule.end is not None:
        shown = clock(schedule.end, schedule.timezone)
        korean.append(f"{shown}까지")
        english.append(f"until {shown}")
    return (" ".join(korean), " ".join(english)) if korean else None


def _printable(text: str) -> str:
    return text if text.isprintable() else quoted(text)
