"""Intervals as people type them on the command line, turned into a literal that PostgreSQL reads as they meant it."""

from __future__ import annotations

import re

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.words import say

UNITS = {
    "second": "s sec secs second seconds 초",
    "minute": "m min mins minute minutes 분",
    "hour": "h hr hrs hour hours 시간",
    "day": "d day days 일",
    "week": "w week weeks 주",
    "month": "mo mon month months 개월 달",
}
UNIT_OF = {word: unit for unit, words in UNITS.items() for word in words.split()}
PART = re.compile(r"([0-9]{1,7})\s*([a-z가-힣]+)\s*")


def parse_every(text: str) -> str:
    """Turn ``30m``, ``1h30m``, ``1d``, ``1w``, ``1mo``, ``90s`` or ``1 month`` into a PostgreSQL interval literal.

    Raises  ScheduleError for anything else, zero included, and for ``1M``: PostgreSQL takes it for one minute
    """
    if re.search(r"[0-9]\s*M\b", text):
        raise ScheduleError(say(
            f"주기 {quoted(text)}: 'M'은 분인지 달인지 알 수 없습니다. 30m(분) 또는 1mo(달)로 쓰세요",
            f"interval {quoted(text)}: 'M' may be minutes or months; write 30m or 1mo",
        ))
    amounts: dict[str, int] = {}
    rest = text.strip().lower()
    while found := PART.match(rest):
        unit = UNIT_OF.get(found[2])
        if unit is None or unit in amounts:
            raise _refused(text)
        amounts[unit] = int(found[1])
        rest = rest[found.end():]
    if rest or not any(amounts.values()):
        raise _refused(text)
    return " ".join(f"{amount} {unit}{'s' if amount > 1 else ''}" for unit, amount in amounts.items() if amount)


def _refused(text: str) -> ScheduleError:
    return ScheduleError(say(
        f"{quoted(text)}은(는) 주기가 아닙니다. 30m, 1h, 1d, 1w, 1mo, 90s처럼 쓰세요",
        f"{quoted(text)} is not an interval; write 30m, 1h, 1d, 1w, 1mo or 90s",
    ))
