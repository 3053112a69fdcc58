"""Configuration as code: from a file's document to entries, and from the rows of the database to the same entries.

An entry is what the file says of one job, calendar or overlay: plain values in one spelling, nothing that equals its
default. Two entries are the same thing exactly when they are equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduler.rules import config_fields as fields
from scheduler.rules.quoting import quoted
from scheduler.rules.zones import open_zone

Entry = dict[str, Any]
VERSION = 1
ZONE = "Asia/Seoul"
DAY = 86400
CALENDAR = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DATE = re.compile(r"(20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")
KINDS = ("calendars", "overlays", "jobs")
BUILT_IN: dict[str, Entry] = {
    "kr": {"country": "KR",
           "description": "한국 영업일: 토·일요일과 공휴일은 쉼 / Korean business days: closed on weekends and public holidays"},
    "kr-holidays": {"base": "kr", "closed_weekdays": "",
                    "description": "한국 공휴일만 쉼, 토·일요일은 엶 / Closed on Korean public holidays only, open on weekends"},
}
SCHEDULES = ("every", "at", "cron", "run_at")
DEFAULTS: Entry = {
    "timezone": ZONE, "on_holiday": "run", "jitter": "0s", "misfire": "run_once", "grace": "1m", "overlap": "skip",
    "max_instances": 1, "markets": [], "parameters": {}, "priority": 0, "timeout": "30m", "retries": 3, "important": False,
    "tags": [], "paused": False, "after": [], "schedule": {}, "description": "", "owner": "",
}
OVERLAY_DEFAULTS: Entry = {"types": [], "markets": [], "tags": [], "reason": "", "enabled": True}
CALENDAR_DEFAULTS: Entry = {"closed_weekdays": "sat,sun", "description": "", "closed": {}, "open": {}}


@dataclass(frozen=True, slots=True)
class Limits:
    """The shortest and the longest interval that this house allows to be written, in seconds."""

    shortest: float = 300
    longest: float = 31 * DAY


ANY_INTERVAL = Limits(1, 36525 * DAY)
"""For a file that is held against a database afterwards: what stands there already may stay."""


@dataclass(slots=True)
class Config:
    """What a file says, or the database: entries by name."""

    calendars: dict[str, Entry] = field(default_factory=dict)
    overlays: dict[str, Entry] = field(default_factory=dict)
    jobs: dict[str, Entry] = field(default_factory=dict)


def shortest_form(entry: Mapping[str, Any], defaults: Mapping[str, Any], order: tuple[str, ...]) -> Entry:
    """Leave out what is not said or equals its default, and put the rest into order."""
    return {
        name: entry[name] for name in order
        if entry.get(name) is not None and (name not in defaults or entry[name] != defaults[name])
    }


def job_fields(limits: Limits, zone: str) -> dict[str, fields.Reader]:
    """Return the reader of each field of a job, in the order in which they are written."""
    def moment(value: Any) -> str:
        return fields.moment_text(fields.read_moment(value, zone), zone)

    def cron(value: Any) -> str:
        from scheduler.rules.cron import parse_cron

        parse_cron(fields.text(value), open_zone(zone))
        return str(value)

    def schedule(value: Any) -> Entry:
        given = fields.mapping(value)
        if len(given) != 1 or next(iter(given)) not in SCHEDULES:
            fields.refuse(f"{', '.join(SCHEDULES)} 중 하나만 쓰세요", f"write exactly one of {', '.join(SCHEDULES)}")
        kind, told = next(iter(given.items()))
        readers = {"every": fields.every(limits.shortest, limits.longest), "at": fields.times, "cron": cron, "run_at": moment}
        return {kind: readers[kind](told)}

    def paused(value: Any) -> Any:
        if isinstance(value, bool):
            return value
        given = fields.mapping(value)
        if not given or set(given) - {"until", "reason"}:
            fields.refuse("true 또는 until, reason을 쓰세요", "write true, or until and reason")
        readers = {"until": moment, "reason": _at_most(500)}
        return {name: readers[name](given[name]) for name in ("until", "reason") if name in given}

    return {
        "type": fields.matching(fields.JOB_TYPE, "글자, 숫자와 _ . : -만 쓰세요 (100자까지)",
                                "use letters, digits and _ . : - (at most 100)"),
        "description": fields.text, "owner": fields.text, "schedule": schedule,
        "timezone": lambda value: open_zone(fields.text(value)).key,
        "days": fields.days, "start": moment, "end": moment, "max_runs": fields.whole(1, 1_000_000),
        "calendar": _calendar_name(), "on_holiday": fields.one_of("run", "skip", "previous", "next"),
        "jitter": fields.duration(0, 3600, whole_seconds=True), "misfire": fields.one_of("run_once", "skip", "run_all"),
        "grace": fields.duration(0, 31 * DAY), "overlap": fields.one_of("skip", "queue_one", "cancel_running", "allow"),
        "max_instances": fields.whole(1, 100), "markets": fields.texts(_market(), once=True), "parameters": fields.mapping,
        "priority": fields.whole(-1000, 1000), "timeout": fields.duration(0.001, 7 * DAY), "retries": fields.whole(0, 100),
        "important": fields.yes_or_no, "tags": fields.texts(), "paused": paused, "after": fields.after,
    }


def overlay_fields() -> dict[str, fields.Reader]:
    """Return the reader of each field of an overlay."""
    def moment(value: Any) -> str:
        return fields.moment_text(fields.read_moment(value, ZONE), ZONE)

    return {
        "start": moment, "end": moment, "action": fields.one_of("multiply", "stop"), "factor": fields.number(0.01, 100),
        "types": fields.texts(), "markets": fields.texts(_market()), "tags": fields.texts(), "reason": fields.text,
        "enabled": fields.yes_or_no,
    }


def calendar_fields() -> dict[str, fields.Reader]:
    """Return the reader of each field of a calendar; closed and open name its own days."""
    return {
        "base": _calendar_name(), "country": fields.one_of("KR"), "closed_weekdays": fields.weekdays, "description": fields.text,
        "closed": _named_days, "open": _named_days,
    }


def _market() -> fields.Reader:
    return fields.matching(fields.MARKET, "coupang, naver, 11st처럼 쓰세요", "write a market code such as coupang, naver or 11st")


def _calendar_name() -> fields.Reader:
    return fields.matching(CALENDAR, "영어 소문자, 숫자, -, _만 쓰세요", "use small letters, digits, - and _")


def _at_most(length: int) -> fields.Reader:
    def read(value: Any) -> str:
        if len(fields.text(value)) > length:
            fields.refuse(f"{length}자까지 쓸 수 있습니다", f"at most {length} characters")
        return str(value)

    return read


def _named_days(value: Any) -> dict[str, str]:
    from datetime import date

    found = fields.mapping(value)
    for day, name in found.items():
        try:
            date.fromisoformat(day if DATE.fullmatch(day) else "")
        except ValueError:
            fields.refuse(f"{quoted(day)}은(는) 날짜가 아닙니다. 2026-12-24처럼 쓰세요",
                          f"{quoted(day)} is not a day; write 2026-12-24")
        if not 1 <= len(fields.text(name)) <= 100:
            fields.refuse(f"{day}: 이름은 1에서 100자입니다", f"{day}: its name has 1 to 100 characters")
    return dict(sorted(found.items()))


JOB_ORDER = tuple(job_fields(Limits(), ZONE))
OVERLAY_ORDER = tuple(overlay_fields())
CALENDAR_ORDER = tuple(calendar_fields())


def calendar_defaults(name: str) -> Entry:
    """Return what a calendar is when the file does not say it; the built-in ones have values of their own."""
    return {**CALENDAR_DEFAULTS, **BUILT_IN.get(name, {})}


def job_entry(entry: Mapping[str, Any]) -> Entry:
    """Bring a job's fields to their shortest form; kr is the calendar where nothing else is said of holidays."""
    assumed = {"calendar": "kr"} if entry.get("on_holiday", "run") != "run" else {}
    return shortest_form(entry, {**DEFAULTS, **assumed}, JOB_ORDER)
