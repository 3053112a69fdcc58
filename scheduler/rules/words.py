"""A schedule in a person's words. Never fails: a row that cannot be run is shown as it was typed."""

from __future__ import annotations

import re
from collections.abc import Callable

from scheduler.model import Every, Schedule
from scheduler.rules.condition_words import around, clock, on_days
from scheduler.rules.cron_words import shape_in_words
from scheduler.rules.quoting import LONGEST, quoted

UNITS = (
    (604800, "주", "week"), (86400, "일", "day"), (3600, "시간", "hour"), (60, "분", "minute"), (1, "초", "second"),
)
DAYS_KO = "일월화수목금토일"
DAYS_EN = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
DAY_NUMBERS = {"sun": "0", "mon": "1", "tue": "2", "wed": "3", "thu": "4", "fri": "5", "sat": "6"}
Words = tuple[str, str]


def schedule_in_words(schedule: Schedule, language: str) -> str:
    """Describe *schedule* in Korean (``ko``) or English (``en``), with its zone where that is not Seoul's."""
    clauses = [on_days(_describe(schedule), schedule.days_of_week), *around(schedule)]
    text = ", ".join(clause[0 if language == "ko" else 1] for clause in clauses)
    has_clock = (
        schedule.times or schedule.cron is not None or schedule.run_at is not None
        or len(clauses) > 1 or schedule.days_of_week is not None
    )
    return f"{text} ({_as_typed(schedule.timezone)})" if has_clock and schedule.timezone != "Asia/Seoul" else text


def _describe(schedule: Schedule) -> Words:
    if schedule.every is not None:
        return _every(schedule.every)
    if schedule.times:
        short = (text.removesuffix(":00") if text.count(":") == 2 else text for text in schedule.times)
        times = ", ".join(_as_typed(text) for text in short)
        return f"매일 {times}", f"daily at {times}"
    if schedule.cron is not None:
        return _cron(schedule.cron, schedule.days_of_week is None)
    if schedule.run_at is not None:
        moment = clock(schedule.run_at, schedule.timezone)
        return f"{moment} 한 번", f"once at {moment}"
    return "수동 실행", "by hand"


def _every(every: Every) -> Words:
    if not 0 <= every.seconds < 1e12:           # nobody means it; nan fails here too
        return f"{every.seconds:g}초마다", f"every {every.seconds:g} seconds"
    parts = [(every.months, "개월", "month")] if every.months else []
    rest = every.seconds
    for size, korean, english in UNITS:
        # Weeks only when they come out even: '10일마다', not '1주 3일마다'.
        amount = int(rest // size) if size < 604800 or rest % size == 0 else 0
        if rest >= size and amount:
            parts.append((amount, korean, english))
            rest -= amount * size
    if not parts or rest:
        return f"{every.seconds:g}초마다", f"every {every.seconds:g} seconds"
    if len(parts) == 1 and parts[0][0] == 1:
        return f"1{parts[0][1]}마다", f"every {parts[0][2]}"
    english = " ".join(f"{amount} {unit}{'s' if amount > 1 else ''}" for amount, _, unit in parts)
    return " ".join(f"{amount}{unit}" for amount, unit, _ in parts) + "마다", f"every {english}"


def _step(found: re.Match[str]) -> Words:
    return _every(Every(seconds=60 * int(found[1] or 1)))


def _hourly(found: re.Match[str]) -> Words:
    minute = int(found[1])
    return f"매시 {minute:02}분", f"hourly at :{minute:02}"


def _daily(found: re.Match[str]) -> Words:
    at = f"{int(found[2]):02}:{int(found[1]):02}"
    korean, english = _days(found[3])
    return f"{korean} {at}", f"{english} at {at}"


def _monthly(found: re.Match[str]) -> Words:
    day, at = int(found[3]), f"{int(found[2]):02}:{int(found[1]):02}"
    return f"매월 {day}일 {at}", f"monthly on day {day} at {at}"


def _days(field: str) -> Words:
    if field == "*":
        return "매일", "daily"
    if field == "1-5":
        return "평일(월~금)", "Monday to Friday"
    return f"매주 {DAYS_KO[int(field)]}요일", DAYS_EN[int(field)]


MINUTE, HOUR, DAYS = r"([0-5]?[0-9])", r"(1?[0-9]|2[0-3])", r"(\*|1-5|[0-7])"
FORMS: tuple[tuple[str, Callable[[re.Match[str]], Words]], ...] = (
    (r"\*(?:/([2-6]|10|12|15|20|30))? \* \* \* \*", _step),
    (rf"{MINUTE} \* \* \* \*", _hourly),
    (rf"{MINUTE} {HOUR} \* \* {DAYS}", _daily),
    (rf"{MINUTE} {HOUR} ([1-9]|[12][0-9]|3[01]) \* \*", _monthly),
)
NAMED = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
}


def _cron(text: str, may_name_days: bool) -> Words:
    plain = " ".join(text.lower().split())
    plain = re.sub("|".join(DAY_NUMBERS), lambda found: DAY_NUMBERS[found[0]], NAMED.get(plain, plain))
    for form, describe in FORMS:
        if found := re.fullmatch(form, plain, re.ASCII):
            return describe(found)
    # Days of its own and those of the column beside it hold together; no one phrase says so.
    shape = shape_in_words(plain) if may_name_days or plain.endswith(" * * *") else None
    if shape is not None:
        return shape
    return f"cron: {_as_typed(text)}", f"cron: {_as_typed(text)}"


def _as_typed(text: str) -> str:
    return text if text.isprintable() and len(text) <= LONGEST else quoted(text)
