"""The fields of the job form: the texts that a row fills them with, and the columns that come back, each fault at its field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.queries.job_words import PLAN
from scheduler.rules import config_fields as fields
from scheduler.rules.config import DAY, ZONE, Limits, job_fields
from scheduler.rules.days import parse_days
from scheduler.words import say

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS = ("every", "at", "cron", "once", "hand")
SCHEDULE_FIELDS = ("kind", "every", "at", "cron", "run_at", "timezone", "days", "start", "end", "max_runs", "calendar",
                   "on_holiday")
LISTS = ("days", "markets")
REQUIRED = object()
Form = dict[str, Any]
EMPTY: Form = {
    "name": "", "job_type": "", "kind": "every", "every": "1h", "at": "09:00", "cron": "", "run_at": "", "timezone": ZONE,
    "days": [], "start": "", "end": "", "max_runs": "", "calendar": "", "on_holiday": "run", "jitter": "0s", "overlap": "skip",
    "max_instances": "1", "misfire": "run_once", "grace": "1m", "markets": [], "timeout": "30m", "retries": "3", "priority": "0",
    "important": "", "owner": "", "description": "", "tags": "", "after": "", "paused": "",
}


def of_row(job: Mapping[str, Any], edges: Sequence[Mapping[str, Any]] = ()) -> Form:
    """Return the texts of the form for a row of queries.jobs.list_jobs."""
    zone = job["timezone"]
    form = EMPTY | {"kind": _kind(job), "name": job["name"], "job_type": job["job_type"], "timezone": zone}
    if job["interval"] is not None:
        form["every"] = fields.interval_text(job["interval_months"], job["interval_seconds"])
    if job["specific_times"] is not None:
        form["at"] = ", ".join(fields.time_text(each.isoformat()) for each in job["specific_times"] if each is not None)
    form["cron"] = job["cron_expression"] or ""
    for name, column in (("run_at", "run_at"), ("start", "start_at"), ("end", "end_at")):
        form[name] = _local(job[column], zone)
    return form | {
        "days": _listed_days(job["days_of_week"]), "max_runs": _text(job["max_runs"]), "calendar": job["calendar"] or "",
        "on_holiday": job["on_holiday"], "jitter": fields.interval_text(0, job["jitter_seconds"]),
        "overlap": job["overlap_policy"], "max_instances": str(job["max_instances"]), "misfire": job["misfire_policy"],
        "grace": _grace(job["misfire_grace"]),
        "markets": list(job["market_codes"]), "timeout": fields.interval_text(0, round(job["timeout_minutes"] * 60, 6)),
        "retries": str(job["max_retries"]), "priority": str(job["priority"]), "important": "on" if job["important"] else "",
        "owner": job["owner"] or "", "description": job["description"] or "", "tags": ", ".join(job["tags"]),
        "after": "\n".join(edge_text(edge) for edge in edges),
    }


def edge_text(edge: Mapping[str, Any]) -> str:
    """Write what a job waits for as --after takes it."""
    kind = ":failure" if edge["outcome"] == "failure" else ":ever" if edge["condition"] == "ever" else ""
    return f"{edge['depends_on_name']}{kind}"


def of_posted(posted: Mapping[str, Sequence[str]], base: Form) -> Form:
    """Put what was posted over *base*; a form that shows only some fields leaves the others as they are."""
    shown = set(posted.get("shown", [""])[0].split(",")) if posted.get("shown") else set(base)
    form = dict(base)
    for name in shown & set(base):
        given = list(posted.get(name, ()))
        form[name] = given if name in LISTS else (given[-1] if given else "")
    return form


def read(form: Form, limits: Limits) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of a job, parameters and edges aside, and the faults by field."""
    faults: dict[str, str] = {}
    columns: dict[str, Any] = {}
    zone = _zone(form, faults)
    readers = job_fields(limits, zone)

    def take(field: str, column: str, reader: Callable[[Any], Any], empty: Any = None) -> None:
        value = form[field].strip() if isinstance(form[field], str) else form[field]
        try:
            columns[column] = empty if value in ("", []) and empty is not REQUIRED else reader(value)
        except ScheduleError as error:
            faults[field] = str(error)

    def moment(value: str) -> Any:
        return fields.read_moment(value, zone)

    columns["timezone"] = zone
    take("name", "name", lambda value: unicodedata.normalize("NFC", fields.name(value)), REQUIRED)
    take("job_type", "job_type", readers["type"], REQUIRED)
    _read_plan(form, readers, moment, columns, faults)
    take("days", "days_of_week", fields.days)
    take("start", "start_at", moment)
    take("end", "end_at", moment)
    take("max_runs", "max_runs", _whole(1, 1_000_000))
    take("calendar", "calendar", readers["calendar"])
    take("on_holiday", "on_holiday", readers["on_holiday"], "run")
    take("jitter", "jitter_seconds", lambda value: int(fields.duration_seconds(readers["jitter"](value))), 0)
    take("overlap", "overlap_policy", readers["overlap"], "skip")
    take("max_instances", "max_instances", _whole(1, 100), 1)
    take("misfire", "misfire_policy", readers["misfire"], "run_once")
    take("grace", "misfire_grace", lambda value: f"{fields.duration_seconds(readers['grace'](value)):g} seconds", "60 seconds")
    take("markets", "market_codes", readers["markets"], [])
    take("timeout", "timeout_minutes", lambda value: fields.duration_seconds(readers["timeout"](value)) / 60, 30.0)
    take("retries", "max_retries", _whole(0, 100), 3)
    take("priority", "priority", _whole(-1000, 1000), 0)
    columns["important"] = bool(form["important"])
    take("owner", "owner", fields.text)
    take("description", "description", fields.text)
    take("tags", "tags", lambda value: [each.strip() for each in fields.text(value).split(",") if each.strip()], [])
    _check_together(columns, faults)
    return columns, faults


def _read_plan(
    form: Form, readers: Mapping[str, Callable[[Any], Any]], moment: Callable[[str], Any], columns: dict[str, Any],
    faults: dict[str, str],
) -> None:
    """Read the one of five schedules that is chosen; the columns of the others are NULL."""
    columns.update(dict.fromkeys(PLAN))
    kind = form["kind"] if form["kind"] in KINDS else "hand"
    field = "run_at" if kind == "once" else kind
    if kind == "hand":
        return
    try:
        text = form[field].strip()
        if kind == "every":
            columns["interval"] = fields.interval_literal(readers["schedule"]({"every": text})["every"])
        elif kind == "at":
            columns["specific_times"] = fields.times([word.strip() for word in text.split(",") if word.strip()])
        elif kind == "cron":
            columns["cron_expression"] = readers["schedule"]({"cron": text})["cron"]
        else:
            columns["run_at"] = moment(text)
    except ScheduleError as error:
        faults[field] = str(error)


def _check_together(columns: Mapping[str, Any], faults: dict[str, str]) -> None:
    start, end = columns.get("start_at"), columns.get("end_at")
    if start is not None and end is not None and start >= end:
        faults["end"] = say("시작보다 뒤여야 합니다", "it has to be after the start")


def _zone(form: Form, faults: dict[str, str]) -> str:
    from scheduler.rules.zones import open_zone

    try:
        return open_zone(form["timezone"].strip() or ZONE).key
    except ScheduleError as error:
        faults["timezone"] = str(error)
        return ZONE


def _whole(lowest: int, highest: int) -> Callable[[Any], int]:
    check = fields.whole(lowest, highest)

    def read(value: str) -> int:
        digits = value.removeprefix("-")
        return int(check(int(value) if digits.isascii() and digits.isdigit() and len(digits) < 10 else value))

    return read


def _kind(job: Mapping[str, Any]) -> str:
    given = zip(("every", "at", "cron", "once"), PLAN, strict=True)
    return next((kind for kind, column in given if job[column] is not None), "hand")


def _listed_days(text: str | None) -> list[str]:
    if not text:
        return []
    try:
        found = parse_days(text)
    except ScheduleError:
        return []
    return [name for number, name in enumerate(DAYS) if number in found]


def _local(moment: Any, zone: str) -> str:
    """Write a moment as <input type="datetime-local"> takes it."""
    return "" if moment is None else fields.moment_text(moment, zone)[:19].replace(" ", "T", 1)


def _grace(text: str) -> str:
    """Write what PostgreSQL says of a length of time, such as ``1 day 00:01:00``, as people type it."""
    days = re.findall(r"([0-9]+) (mon|day)", text)
    seconds: float = sum(int(amount) * DAY * (30 if unit == "mon" else 1) for amount, unit in days)
    if found := re.search(r"([0-9]+):([0-9]+):([0-9.]+)", text):
        seconds += int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    return fields.interval_text(0, seconds)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
