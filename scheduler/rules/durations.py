"""Lengths of time as any door may write them: ``30m``, ``1h30m``, ISO 8601 (``PT30M``, ``P1M``), or as PostgreSQL shows them."""

from __future__ import annotations

import re

from scheduler.errors import ScheduleError
from scheduler.rules import config_fields
from scheduler.rules.intervals import parse_every
from scheduler.rules.quoting import quoted
from scheduler.words import say

ISO = re.compile(
    r"P(?=[0-9T])(?:(?P<years>[0-9]{1,4})Y)?(?:(?P<months>[0-9]{1,5})M)?(?:(?P<weeks>[0-9]{1,5})W)?(?:(?P<days>[0-9]{1,5})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,7})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,10}(?:\.[0-9]{1,6})?)S)?)?")
CLOCK = re.compile(r"(?P<rest>.*?)\s*(?P<hours>[0-9]{1,7}):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9](?:\.[0-9]{1,6})?))?")
SIZES = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def parts_of(text: str) -> tuple[int, float]:
    """Read a length of time as whole months and seconds. Raises ScheduleError."""
    written = text.strip()
    if iso := ISO.fullmatch(written):
        found = iso.groupdict(default="0")
        months = int(found["years"]) * 12 + int(found["months"])
        return months, sum(float(found[unit]) * size for unit, size in SIZES.items())
    if clock := CLOCK.fullmatch(written):
        months, seconds = config_fields.interval_parts(clock["rest"]) if clock["rest"] else (0, 0.0)
        return months, seconds + int(clock["hours"]) * 3600 + int(clock["minutes"]) * 60 + float(clock["seconds"] or 0)
    if config_fields.FRACTION.fullmatch(written) is None:
        parse_every("1s" if re.fullmatch(r"0+\s*[a-z]", written) else written)
    return (0, 0.0) if re.fullmatch(r"0+\s*[a-z]", written) else config_fields.interval_parts(written)


def literal(months: int, seconds: float) -> str:
    """Write a length of time as PostgreSQL reads it."""
    return " ".join([f"{months} months"] * bool(months) + [f"{seconds:.6f}".rstrip("0").rstrip(".") + " seconds"])


def interval_literal(text: str) -> str:
    """Read the interval of a job as PostgreSQL takes it. Raises ScheduleError, also for no time at all."""
    months, seconds = parts_of(text)
    if not months and not seconds:
        raise ScheduleError(say(f"{quoted(text)}은(는) 주기가 아닙니다. 30m, 1h, PT30M처럼 쓰세요",
                                f"{quoted(text)} is not an interval; write 30m, 1h or PT30M"))
    return literal(months, seconds)


def seconds_of(text: str) -> float:
    """Read a length of time that every month has. Raises ScheduleError."""
    months, seconds = parts_of(text)
    if months:
        raise ScheduleError(say(f"{quoted(text)}: 달은 쓸 수 없습니다", f"{quoted(text)}: months have no fixed length here"))
    return seconds
