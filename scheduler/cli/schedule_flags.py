"""What is typed about a job, turned into the columns of its row, and checked as far as one can without a daemon."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop
from scheduler.errors import ParameterError, ScheduleError
from scheduler.words import say

SCHEDULE_COLUMNS = ("interval", "specific_times", "cron_expression", "run_at")
ON_HOLIDAY = ("run", "skip", "previous", "next")
OVERLAP = ("skip", "queue_one", "cancel_running", "allow")
NONE = "none"


def schedule_columns(
    *, every: str | None, at: list[str] | None, cron: str | None, run_at: str | None, delay: str | None,
    by_hand: bool, timezone: str | None, now: datetime,
) -> dict[str, Any]:
    """Return the schedule's columns out of the flags, those not meant as NULL; nothing when no flag was given.

    Raises  ScheduleError when a text cannot be read; Stop (usage) for two schedules at once
    """
    given = [flag for flag, value in (
        ("--every", every), ("--at", at), ("--cron", cron), ("--run-at", run_at), ("--delay", delay), ("--by-hand", by_hand),
    ) if value]
    if len(given) > 1:
        raise Stop(exit_codes.USAGE, say(f"{', '.join(given)} 중 하나만 쓰세요", f"use only one of {', '.join(given)}"))
    if not given:
        return {}
    columns: dict[str, Any] = dict.fromkeys(SCHEDULE_COLUMNS)
    if every:
        columns["interval"] = _interval(every)
    if at:
        columns["specific_times"] = _times(at)
    if cron:
        columns["cron_expression"] = _cron(cron, timezone)
    if run_at:
        columns["run_at"] = read_moment(run_at, timezone)
    if delay:
        columns["run_at"] = (now + timedelta(seconds=seconds(delay))).replace(microsecond=0)
    return columns


def _interval(text: str) -> str:
    from scheduler.rules.intervals import parse_every

    return parse_every(text)


def _times(texts: list[str]) -> list[str]:
    from scheduler.rules.schedule import read_time

    return [read_time(word.strip()).isoformat() for text in texts for word in text.split(",") if word.strip()]


def _cron(text: str, timezone: str | None) -> str:
    from scheduler.rules.cron import parse_cron
    from scheduler.rules.zones import open_zone

    parse_cron(text, open_zone(timezone or "Asia/Seoul"))
    return text


def read_moment(text: str, timezone: str | None) -> datetime:
    """Read a moment of the years 2000 to 2200; one without a zone is meant in *timezone*. Raises ScheduleError."""
    from scheduler.rules.bounds import check_moment
    from scheduler.rules.zones import open_zone

    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ScheduleError(say(
            f"'{text}'은(는) 시각이 아닙니다. 2026-12-31 09:00처럼 쓰세요", f"'{text}' is not a moment; write 2026-12-31 09:00"
        )) from None
    zone: ZoneInfo = open_zone(timezone or "Asia/Seoul")
    return check_moment(moment if moment.tzinfo else moment.replace(tzinfo=zone), text)


def read_past(text: str, now: datetime) -> datetime:
    """Read how long before *now* (24h), or a moment, Korean where it names no zone. Raises Stop (usage), ScheduleError."""
    return read_moment(text, None) if "-" in text else now - timedelta(seconds=seconds(text))


def rule_columns(
    *, on: str | None, start: str | None, until: str | None, max_runs: str | None, calendar: str | None,
    holidays: str | None, jitter: str | None, overlap: str | None, max_instances: str | None, grace: str | None,
    timezone: str | None,
) -> dict[str, Any]:
    """Return the columns of the rules that were given; ``none`` sets a column back to what it is without the flag.

    Raises  ScheduleError when a text cannot be read; Stop (usage) for a number or a word that cannot be meant
    """
    readers: dict[str, tuple[str | None, Callable[[str], Any], Any]] = {
        "days_of_week": (on, _days, None),
        "start_at": (start, lambda text: read_moment(text, timezone), None),
        "end_at": (until, lambda text: _last_moment(text, timezone), None),
        "max_runs": (max_runs, lambda text: _number("--max-runs", text, 1, 1_000_000), None),
        "calendar": (calendar, str, None),
        "on_holiday": (holidays, lambda text: _word("--holidays", text, ON_HOLIDAY), "run"),
        "jitter_seconds": (jitter, lambda text: _number("--jitter", f"{seconds(text):.0f}", 0, 3600), 0),
        "overlap_policy": (overlap, lambda text: _word("--overlap", text, OVERLAP), "skip"),
        "max_instances": (max_instances, lambda text: _number("--max-instances", text, 1, 100), 1),
        "misfire_grace": (grace, lambda text: f"{seconds(text):g} seconds", "1 minute"),
    }
    columns = {
        column: without if text.strip().lower() == NONE else read(text.strip())
        for column, (text, read, without) in readers.items() if text is not None
    }
    if "calendar" in columns and columns["calendar"] is None:
        columns.setdefault("on_holiday", "run")         # whatever else it says would bring a calendar back
    return columns


def _days(text: str) -> str:
    from scheduler.rules.days import parse_days

    parse_days(text)
    return text


def _last_moment(text: str, timezone: str | None) -> datetime:
    moment = read_moment(text, timezone)
    is_date = len(text) <= len("2026-12-31")
    return moment + timedelta(days=1, seconds=-1) if is_date else moment


def _number(flag: str, text: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise Stop(exit_codes.USAGE, f"{flag} {text}: " + say(
            f"{lowest}에서 {highest} 사이의 수를 쓰세요", f"write a number from {lowest} to {highest}"))
    return int(text)


def _word(flag: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise Stop(exit_codes.USAGE, f"{flag} {text}: {' | '.join(allowed)}")
    return text


def seconds(text: str) -> float:
    """Read a length of time such as 90s, 30m or 1d, up to a hundred years. Raises Stop (usage)."""
    from scheduler.handler import duration_seconds
    from scheduler.rules.bounds import LONGEST_DAYS, LONGEST_SECONDS

    try:
        found = duration_seconds(float(text) if text.replace(".", "", 1).isdigit() else text)
    except ValueError:
        raise Stop(exit_codes.USAGE, say(
            f"'{text}'은(는) 시간이 아닙니다. 90s, 30m, 1h, 1d처럼 쓰세요",
            f"'{text}' is not a duration; write 90s, 30m, 1h or 1d",
        )) from None
    if not found <= LONGEST_SECONDS:
        raise Stop(exit_codes.USAGE, say(
            f"'{text}'은(는) 너무 깁니다. {LONGEST_DAYS}d(100년)까지 쓸 수 있습니다",
            f"'{text}' is too long; write at most {LONGEST_DAYS}d (100 years)"))
    return found


def plain_columns(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the flags that need no thought, those that were given."""
    columns = {name: value for name, value in flags.items() if value is not None}
    if "name" in columns:
        columns["name"] = unicodedata.normalize("NFC", columns["name"])
    if "timeout_minutes" in columns:
        columns["timeout_minutes"] = seconds(columns["timeout_minutes"]) / 60
    for text in ("owner", "description"):
        if columns.get(text) == NONE:
            columns[text] = None
    for listed in ("market_codes", "tags"):
        if listed in columns:
            words = [word for text in columns[listed] for word in (part.strip() for part in text.split(",")) if word]
            columns[listed] = [] if words == [NONE] else words
    return columns


def parameters_of(pairs: list[str] | None, document: str | None) -> dict[str, Any] | None:
    """Read --param k=v and --params-json; None when neither was given. A value that is JSON counts as JSON.

    Raises  ParameterError
    """
    if not pairs and document is None:
        return None
    parameters: dict[str, Any] = {} if document is None else _read_document(document)
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ParameterError(say(f"'{pair}': 이름=값으로 쓰세요", f"'{pair}': write name=value"))
        parameters[name.strip()] = _value(value)
    return parameters


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_document(source: str) -> dict[str, Any]:
    try:
        if source == "-":
            text = sys.stdin.read()
        else:
            text = source if source.lstrip().startswith("{") else Path(source).read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise ParameterError(say(
            f"--params-json {source}을(를) 읽을 수 없습니다: {error}", f"--params-json {source} cannot be read: {error}"
        )) from None
    if not isinstance(document, dict):
        raise ParameterError(say("--params-json은 JSON 객체여야 합니다", "--params-json must hold a JSON object"))
    return document
