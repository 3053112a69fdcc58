"""Common shapes of cron in a person's words: steps, ranges and lists. Only what is certain; all else stays as it was typed."""

from __future__ import annotations

import re

from scheduler.rules.days import BUSINESS_DAYS, EVERY_DAY, WEEKEND, days_in_words

Words = tuple[str, str]
MOST_TIMES = 8
MOST_MINUTES = 4
MOST_DAYS = 5
PART = re.compile(r"(?:(\d{1,2})(?:-(\d{1,2}))?|\*)(?:/(\d{1,2}))?", re.ASCII)


def shape_in_words(plain: str) -> Words | None:
    """Describe five fields of which days of the week are numbers; None when they are no common shape."""
    fields = plain.split(" ")
    if len(fields) != 5 or fields[3] != "*":
        return None
    minute, hour, day, _, weekday = fields
    if day != "*":
        return _monthly(minute, hour, day) if weekday == "*" else None
    days = _weekdays(weekday)
    if days is None:
        return None
    return _stepped(minute, hour, days) if minute.startswith("*") else _at_minutes(minute, hour, days)


def _stepped(minute: str, hour: str, days: frozenset[int]) -> Words | None:
    """Describe ``*`` and ``*/15``, of whole hours or of some in a row."""
    found, hours = re.fullmatch(r"\*(?:/([2-6]|10|12|15|20|30))?", minute), _in_a_row(hour)
    if found is None or (hours is None and hour != "*"):
        return None
    step = int(found[1] or 1)
    which_ko, which_en = _which(days)
    span_ko = span_en = ""
    if hours is not None:
        first, last = hours
        span_ko = f"{first:02}시 " if first == last else f"{first:02}~{last:02}시 "
        span_en = f" from {first:02}:00 to {last:02}:59"
        which_ko = which_ko or "매일 "
    return (f"{which_ko}{span_ko}{step}분마다", ("every minute" if step == 1 else f"every {step} minutes") + span_en + which_en)


def _at_minutes(minute: str, hour: str, days: frozenset[int]) -> Words | None:
    """Describe what comes at certain minutes of the hour."""
    minutes = _numbers(minute, 59)
    if minutes is None or len(minutes) > MOST_MINUTES:
        return None
    if hour == "*":
        korean, english = ("", "") if days == EVERY_DAY else (f"{each} " for each in days_in_words(days))
        return f"{korean}매시 {_minutes(minutes)[0]}", f"{english}hourly at {_minutes(minutes)[1]}"
    if found := re.fullmatch(r"\*/([2346]|8|12)", hour):
        which_ko, which_en = _which(days)
        return (f"{which_ko}{found[1]}시간마다 {_minutes(minutes)[0]}",
                f"every {found[1]} hours at {_minutes(minutes)[1]}{which_en}")
    korean, english = days_in_words(days)
    hours = _in_a_row(hour)
    if hours is not None and hours[0] != hours[1]:
        return (f"{korean} {hours[0]}~{hours[1]}시 매시 {_minutes(minutes)[0]}",
                f"{english} hourly at {_minutes(minutes)[1]} from {hours[0]} to {hours[1]}")
    listed = _numbers(hour, 23)
    if listed is None or len(listed) * len(minutes) > MOST_TIMES:
        return None
    times = ", ".join(f"{each:02}:{other:02}" for each in listed for other in minutes)
    return f"{korean} {times}", f"{english} at {times}"


def _monthly(minute: str, hour: str, day: str) -> Words | None:
    """Describe one time on some days of each month."""
    days = _numbers(day, 31, 1) if not day.startswith("*") else None
    if days is None or len(days) > MOST_DAYS or not (minute.isdigit() and hour.isdigit()):
        return None
    minutes, hours = _numbers(minute, 59), _numbers(hour, 23)
    if minutes is None or hours is None:
        return None
    at = f"{hours[0]:02}:{minutes[0]:02}"
    return (f"매월 {'·'.join(str(each) for each in days)}일 {at}",
            f"monthly on day{'s' if len(days) > 1 else ''} {_listed([str(each) for each in days])} at {at}")


def _which(days: frozenset[int]) -> Words:
    """Name days before a step in Korean, behind it in English."""
    if days == EVERY_DAY:
        return "", ""
    if days == BUSINESS_DAYS:
        return "평일 ", " on weekdays"
    if days == WEEKEND:
        return "주말 ", " on weekends"
    korean, english = days_in_words(days)
    return f"{korean} ", f", {english}" if " to " in english else f" on {english}"


def _minutes(minutes: tuple[int, ...]) -> Words:
    return "·".join(f"{each:02}" for each in minutes) + "분", _listed([f":{each:02}" for each in minutes])


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _in_a_row(hour: str) -> tuple[int, int] | None:
    """Return the first and the last of hours in a row, of ``8-20`` or ``8``."""
    found = _numbers(hour, 23) if re.fullmatch(r"\d{1,2}(-\d{1,2})?", hour, re.ASCII) else None
    return (found[0], found[-1]) if found else None


def _weekdays(field: str) -> frozenset[int] | None:
    """Return days with Monday as 0, None for what is not certain."""
    if field == "*":
        return EVERY_DAY
    numbers = None if "/" in field or "*" in field else _numbers(field, 7)
    return None if numbers is None else frozenset((each - 1) % 7 for each in numbers)


def _numbers(field: str, highest: int, lowest: int = 0) -> tuple[int, ...] | None:
    """Return the numbers that a field means, None when it cannot be read."""
    numbers: set[int] = set()
    for part in field.split(","):
        found = PART.fullmatch(part)
        if found is None or (found[3] is not None and found[1] is not None and found[2] is None):
            return None
        if found[2] is not None and int(found[1]) >= int(found[2]):
            return None
        first = lowest if found[1] is None else int(found[1])
        last = highest if found[1] is None else int(found[2] or found[1])
        if not lowest <= first <= last <= highest or found[3] in ("0", "00"):
            return None
        numbers.update(range(first, last + 1, int(found[3] or 1)))
    return tuple(sorted(numbers))
