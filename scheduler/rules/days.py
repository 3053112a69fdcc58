"""Days of the week as people type them: ``mon-fri``, ``sat,sun``, ``1-5`` (0 and 7 are Sunday), ``월-금``."""

from __future__ import annotations

import re
from functools import lru_cache

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.words import say

KOREAN = "월화수목금토일"
ENGLISH = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONGEST_TEXT = 80
EVERY_DAY = frozenset(range(7))
BUSINESS_DAYS = frozenset(range(5))
WEEKEND = frozenset({5, 6})
NUMBER_OF = {
    **{name.lower(): number for number, name in enumerate(ENGLISH)},
    **{name[:3].lower(): number for number, name in enumerate(ENGLISH)},
    **{name: number for number, name in enumerate(KOREAN)},
    **{f"{name}요일": number for number, name in enumerate(KOREAN)},
    **{str(number): (number - 1) % 7 for number in range(8)},
}
NAMED = {"평일": BUSINESS_DAYS, "주말": WEEKEND, "weekdays": BUSINESS_DAYS, "weekend": WEEKEND, "매일": EVERY_DAY, "*": EVERY_DAY}


@lru_cache(maxsize=1024)
def parse_days(text: str) -> frozenset[int]:
    """Read days of the week; 0 is Monday. A range may go over the weekend: ``fri-mon``.

    Raises  ScheduleError when the text cannot be read or names no day
    """
    if len(text) > LONGEST_TEXT:
        raise _refused(text)
    found: set[int] = set()
    for part in text.lower().split(","):
        found |= _part(part.strip(), text)
    return frozenset(found)


def days_in_words(days: frozenset[int]) -> tuple[str, str]:
    """Describe a set of days in Korean and in English."""
    if days == EVERY_DAY:
        return "매일", "daily"
    if days == BUSINESS_DAYS:
        return "평일(월~금)", "Monday to Friday"
    if days == WEEKEND:
        return "주말(토·일)", "Saturdays and Sundays"
    listed = sorted(days)
    if len(listed) > 2 and listed[-1] - listed[0] == len(listed) - 1:
        return f"매주 {KOREAN[listed[0]]}~{KOREAN[listed[-1]]}요일", f"{ENGLISH[listed[0]]} to {ENGLISH[listed[-1]]}"
    english = [f"{ENGLISH[day]}s" for day in listed]
    joined = " and ".join([", ".join(english[:-1]), english[-1]] if len(english) > 1 else english)
    return f"매주 {'·'.join(KOREAN[day] for day in listed)}요일", joined


def _part(part: str, text: str) -> frozenset[int]:
    if part in NAMED:
        return NAMED[part]
    ends = re.split(r"\s*[-~]\s*", part)
    if len(ends) > 2 or any(end not in NUMBER_OF for end in ends):
        raise _refused(text)
    if ends == ["0", "7"]:
        return EVERY_DAY                # both are Sunday, but nobody who writes 0-7 means Sundays alone
    first, last = NUMBER_OF[ends[0]], NUMBER_OF[ends[-1]]
    return frozenset((first + number) % 7 for number in range((last - first) % 7 + 1))


def _refused(text: str) -> ScheduleError:
    return ScheduleError(say(
        f"요일 {quoted(text)}을(를) 읽을 수 없습니다. mon-fri, sat,sun 또는 월-금처럼 쓰세요",
        f"days of the week {quoted(text)} cannot be read; write mon-fri, sat,sun or 1-5 (0 and 7 are Sunday)",
    ))
