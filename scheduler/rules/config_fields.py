"""The fields of a job in a configuration file: what each may hold, brought to one spelling so that two can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from scheduler.errors import ScheduleError
from scheduler.rules.intervals import parse_every
from scheduler.rules.quoting import quoted
from scheduler.rules.zones import open_zone
from scheduler.words import say

Reader = Callable[[Any], Any]
SECONDS_OF = (("d", 86400), ("h", 3600), ("m", 60))
LITERAL_PART = re.compile(r"([0-9]+) (second|minute|hour|day|week|month)s?")
FRACTION = re.compile(r"([0-9]{1,7}\.[0-9]{1,6})s")
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
JOB_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
MARKET = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


def refuse(korean: str, english: str) -> NoReturn:
    """Raise the fault of one value, in both languages' choice."""
    raise ScheduleError(say(korean, english))


def text(value: Any) -> str:
    """Take a text as it is. Raises ScheduleError for anything else."""
    if not isinstance(value, str):
        shown = quoted(str(value))
        refuse(f"{shown}은(는) 글이 아닙니다. 따옴표로 묶으세요", f"{shown} is not a text; put it into quotes")
    if "\x00" in value:
        refuse("NUL 글자를 쓸 수 없습니다", "a text cannot hold the character NUL")
    return value


def name(value: Any) -> str:
    """Take the name of a job as it is: another form of its letters would be another job. Raises ScheduleError."""
    found = text(value)
    if not found.strip() or len(found) > 200 or CONTROL.search(found):
        refuse("이름은 1에서 200자이고 제어 문자가 없어야 합니다", "a name has 1 to 200 characters and no control characters")
    if found.isascii() and found.isdigit():
        refuse(f"이름 {found}은(는) 숫자라서 번호로 읽힙니다", f"the name {found} is a number and would be taken for an id")
    return found


def matching(pattern: re.Pattern[str], korean: str, english: str) -> Reader:
    """Make the reader of texts that fit *pattern*; the two wordings say what fits."""

    def read(value: Any) -> str:
        if pattern.fullmatch(text(value)) is None:
            refuse(f"{quoted(value)}: {korean}", f"{quoted(value)}: {english}")
        return str(value)

    return read


def one_of(*allowed: str) -> Reader:
    """Make the reader of one of several words."""

    def read(value: Any) -> str:
        if value not in allowed:
            listed = ", ".join(allowed)
            refuse(f"{quoted(str(value))}: {listed} 중 하나를 쓰세요", f"{quoted(str(value))}: write one of {listed}")
        return str(value)

    return read


def whole(lowest: int, highest: int) -> Reader:
    """Make the reader of a whole number between two bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            shown = quoted(str(value))
            refuse(f"{shown}: {lowest}에서 {highest} 사이의 정수를 쓰세요",
                   f"{shown}: write a whole number from {lowest} to {highest}")
        return value

    return read


def number(lowest: float, highest: float) -> Reader:
    """Make the reader of a number between two bounds."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not lowest <= value <= highest:
            shown = quoted(str(value))
            refuse(f"{shown}: {lowest:g}에서 {highest:g} 사이의 수를 쓰세요",
                   f"{shown}: write a number from {lowest:g} to {highest:g}")
        return int(value) if float(value).is_integer() else value

    return read


def yes_or_no(value: Any) -> bool:
    """Take true or false. Raises ScheduleError for yes, no, on and off: they are texts."""
    if not isinstance(value, bool):
        refuse(f"{quoted(str(value))}: true 또는 false를 쓰세요", f"{quoted(str(value))}: write true or false")
    return value


def texts(each: Reader = text, *, once: bool = False) -> Reader:
    """Make the reader of a list of texts; one alone counts as a list of one. once: none may stand in it twice."""

    def read(value: Any) -> list[str]:
        found = [each(item) for item in (value if isinstance(value, list) else [value])]
        if once and len(set(found)) < len(found):
            refuse("같은 것이 두 번 있습니다", "something stands in it twice")
        return found

    return read


def mapping(value: Any) -> dict[str, Any]:
    """Take a mapping as it is. Raises ScheduleError."""
    if not isinstance(value, dict):
        refuse("이름: 값의 모음이어야 합니다", "write a mapping of names to values")
    return value


def interval_parts(written: str) -> tuple[int, float]:
    """Read an interval as whole months and seconds. Raises ScheduleError."""
    if found := FRACTION.fullmatch(written):
        return 0, float(found[1])
    months, seconds = 0, 0
    for amount, unit in LITERAL_PART.findall(parse_every(written)):
        if unit == "month":
            months += int(amount)
        else:
            seconds += int(amount) * UNIT_SECONDS[unit]
    return months, seconds


def interval_text(months: int, seconds: float) -> str:
    """Write an interval as people type it: ``30m``, ``1mo``, ``1d12h``, ``90.5s``."""
    parts = [f"{months}mo"] if months else []
    if not float(seconds).is_integer():
        return "".join(parts) + f"{round(seconds, 6):.6f}".rstrip("0") + "s"
    rest = int(seconds)
    for unit, size in SECONDS_OF:
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    if rest or not parts:
        parts.append(f"{rest}s")
    return "".join(parts)


def interval_literal(written: str) -> str:
    """Return the interval as PostgreSQL reads it."""
    return f"{written[:-1]} seconds" if FRACTION.fullmatch(written) else parse_every(written)


def every(lowest: float, highest: float) -> Reader:
    """Make the reader of a job's interval between two numbers of seconds."""

    def read(value: Any) -> str:
        months, seconds = interval_parts(text(value))
        # A month counts as 30 days here, as PostgreSQL compares intervals.
        if not lowest <= months * 30 * 86400 + seconds <= highest:
            least, most = interval_text(0, lowest), interval_text(0, highest)
            refuse(f"주기 {quoted(value)}: {least}에서 {most} 사이여야 합니다",
                   f"interval {quoted(value)} is not between {least} and {most}")
        return interval_text(months, seconds)

    return read


def duration(lowest: float, highest: float, *, whole_seconds: bool = False) -> Reader:
    """Make the reader of a length of time between two numbers of seconds; ``0s`` is one."""

    def read(value: Any) -> str:
        seconds = duration_seconds(value)
        if not lowest <= seconds <= highest:
            least, most = interval_text(0, lowest), interval_text(0, highest)
            refuse(f"{quoted(value)}: {least}에서 {most} 사이여야 합니다", f"{quoted(value)} is not between {least} and {most}")
        if whole_seconds and not float(seconds).is_integer():
            refuse(f"{quoted(value)}: 초보다 작은 단위는 쓸 수 없습니다", f"{quoted(value)}: write whole seconds")
        return interval_text(0, seconds)

    return read


def duration_seconds(value: Any) -> float:
    """Return the seconds of ``90s``, ``30m`` or ``1h30m``. Raises ScheduleError for months and bare numbers."""
    if isinstance(value, (int, float)):
        refuse(f"{value}: 단위를 쓰세요 (90s, 30m, 1h)", f"{value}: say the unit, as in 90s, 30m or 1h")
    if re.fullmatch(r"0+\s*[a-z]?", text(value)):
        return 0
    months, seconds = interval_parts(value)
    if months:
        refuse(f"{quoted(value)}: 달은 쓸 수 없습니다", f"{quoted(value)}: months have no fixed length here")
    return seconds


def times(value: Any) -> list[str]:
    """Read times of day, one or a list, and write them as ``09:00``. Raises ScheduleError."""
    from scheduler.rules.schedule import read_time

    found = [read_time(text(item)) for item in (value if isinstance(value, list) else [value])]
    if not 1 <= len(found) <= 288:
        refuse("시각은 1개에서 288개까지 쓸 수 있습니다", "write 1 to 288 times of day")
    return [time_text(each.isoformat()) for each in found]


def time_text(iso: str) -> str:
    """Return a time of day without seconds that are none."""
    return iso.removesuffix(":00") if len(iso) == 8 else iso


def days(value: Any) -> str:
    """Read days of the week, a text or a list. Raises ScheduleError."""
    from scheduler.rules.days import parse_days

    written = ",".join(str(item) for item in (value if isinstance(value, list) else [value]))
    parse_days(written)
    return written


def read_moment(value: Any, zone: str) -> datetime:
    """Read a moment; without an offset it is what a clock in *zone* shows. Raises ScheduleError."""
    try:
        found = datetime.fromisoformat(text(value).strip())
    except ValueError:
        refuse(f"{quoted(value)}은(는) 시각이 아닙니다. 2026-12-31 09:00처럼 쓰세요",
               f"{quoted(value)} is not a moment; write 2026-12-31 09:00")
    found = found if found.tzinfo else found.replace(tzinfo=open_zone(zone))
    if not 2000 <= found.year < 2200:
        refuse(f"{quoted(value)}: 2000년에서 2199년 사이여야 합니다", f"{quoted(value)} is not between the years 2000 and 2199")
    return found.astimezone(UTC)


def moment_text(moment: datetime, zone: str) -> str:
    """Write a moment as a clock in *zone* shows it, with the offset where that alone would mean another moment."""
    try:
        local = moment.astimezone(open_zone(zone))
    except ScheduleError:
        return moment.astimezone(UTC).isoformat(sep=" ")
    bare = local.replace(tzinfo=None, fold=0)
    plain = bare.replace(tzinfo=local.tzinfo).astimezone(UTC) == moment
    written = bare.isoformat(sep=" ") if plain else local.isoformat(sep=" ")
    return written[:11] + time_text(written[11:]) if plain else written


def after(value: Any) -> list[Any]:
    """Read what a job waits for: names, or mappings of job, condition and outcome. Raises ScheduleError."""
    found = [_edge(item) for item in (value if isinstance(value, list) else [value])]
    names = [edge_parts(edge)[0] for edge in found]
    if len(set(names)) < len(names):
        refuse("같은 작업이 두 번 있습니다", "a job stands in it twice")
    return sorted(found, key=lambda edge: edge_parts(edge)[0])


def _edge(item: Any) -> Any:
    if isinstance(item, str):
        return name(item)
    given = mapping(item)
    unknown = set(given) - {"job", "condition", "outcome"}
    if unknown or "job" not in given:
        refuse("job, condition, outcome을 쓰세요", "write job, and if need be condition and outcome")
    condition = one_of("since_last_run", "ever")(given.get("condition", "since_last_run"))
    outcome = one_of("success", "failure")(given.get("outcome", "success"))
    if (condition, outcome) == ("ever", "failure"):
        refuse("ever는 success에만 쓸 수 있습니다", "ever goes with success only")
    return edge(name(given["job"]), condition, outcome)


def edge(job: str, condition: str, outcome: str) -> Any:
    """Write one thing a job waits for, in its shortest form."""
    more = {} if condition == "since_last_run" else {"condition": condition}
    more |= {} if outcome == "success" else {"outcome": outcome}
    return {"job": job, **more} if more else job


def edge_parts(written: Any) -> tuple[str, str, str]:
    """Return job, condition and outcome of what edge() wrote."""
    if isinstance(written, str):
        return written, "since_last_run", "success"
    return written["job"], written.get("condition", "since_last_run"), written.get("outcome", "success")


def weekdays(value: Any) -> str:
    """Read the closed weekdays of a calendar: ``sat,sun``, a list, or ``''``. Raises ScheduleError."""
    listed: Sequence[Any] = value if isinstance(value, list) else text(value).split(",") if value else []
    order = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    found = [one_of(*order)(item) for item in listed]
    return ",".join(sorted(set(found), key=order.index))
