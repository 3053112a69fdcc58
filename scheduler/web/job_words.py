"""One job in words, for its pages: its schedule, its settings, its coming times with their day and why they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduler.queries.job_words import PLAN
from scheduler.queries.schedules import Surroundings
from scheduler.rules.days import ENGLISH, KOREAN
from scheduler.rules.reasons import Reason
from scheduler.rules.zones import local_time, open_zone
from scheduler.secrets import Redactor
from scheduler.web.field_words import stored_words
from scheduler.web.zone_words import zone_mark
from scheduler.words import say

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Coming:
    """A coming time as a page shows it.

    runs     whether it runs
    holiday  the name of the public holiday that day is
    reason   why it moves or does not run
    zone     the mark of a zone that is not Seoul's
    """

    moment: datetime
    day: str
    text: str
    runs: bool
    holiday: str
    reason: str
    waits_for: tuple[str, ...] = ()
    zone: str = ""


def raw_schedule(job: Row) -> str:
    """Return the schedule as the row holds it."""
    column = next((name for name in PLAN if job[name] is not None), None)
    if column is None:
        return ""
    value = job[column]
    if column == "specific_times":
        return f"{column} = {', '.join(f'{each:%H:%M}' for each in value if each is not None)}"
    return f"{column} = {value.isoformat(' ', 'minutes') if isinstance(value, datetime) else value}"


def coming_times(listed: Iterable[Any], zone: str, around: Surroundings) -> list[Coming]:
    """Return times of queries.forecast or rules.forecast as a page shows them."""
    clock, calendar = open_zone(zone), around.calendars.get("kr")
    found = []
    for each in listed:
        moment = each.run_at or each.planned_at
        local = local_time(moment, clock)
        holiday = calendar.words(local.date()) if calendar is not None and calendar.is_holiday(local.date()) else None
        found.append(Coming(
            moment, f"{local:%m-%d} ({weekday(local)})", f"{local:%H:%M}" if not local.second else f"{local:%H:%M:%S}",
            each.run_at is not None, say(*holiday) if holiday else "", reason_words(each.reason),
            tuple(getattr(each, "waits_for", ())), zone_mark(moment, zone),
        ))
    return found


def weekday(local: datetime) -> str:
    """Return the short name of the day of the week."""
    return say(KOREAN[local.weekday()], ENGLISH[local.weekday()][:3])


def reason_words(reason: Reason | None) -> str:
    """Say why a time moves or does not run."""
    return "" if reason is None else say(reason.ko, reason.en)


def choices(words: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Return values with their words in the language of the request."""
    return [(value, say(*both)) for value, both in words.items()]


def column_words(column: str) -> str:
    """Name a column in the language of the request; one that is unknown keeps its name."""
    found = COLUMNS.get(column)
    return say(*found) if found else column


COLUMNS = {
    "name": ("이름", "Name"), "job_type": ("작업 유형", "Job type"), "status": ("상태", "State"),
    "interval": ("간격", "Interval"), "specific_times": ("특정 시각", "Times of day"),
    "cron_expression": ("cron", "cron"), "run_at": ("한 번", "Once at"), "timezone": ("시간대", "Time zone"),
    "days_of_week": ("요일", "Days"), "start_at": ("시작", "From"), "end_at": ("끝", "Until"),
    "max_runs": ("최대 횟수", "Runs at most"), "calendar": ("달력", "Calendar"),
    "on_holiday": ("쉬는 날이면", "On closed days"), "jitter_seconds": ("시작 분산", "Jitter"),
    "misfire_policy": ("놓친 실행", "Missed times"), "misfire_grace": ("늦음 허용", "Grace"),
    "overlap_policy": ("겹칠 때", "On overlap"), "max_instances": ("동시 실행", "At once"),
    "market_codes": ("마켓", "Markets"), "parameters": ("매개변수", "Parameters"), "priority": ("우선순위", "Priority"),
    "timeout_minutes": ("제한 시간(분)", "Timeout (min)"), "max_retries": ("재시도", "Retries"),
    "important": ("중요", "Important"), "owner": ("담당자", "Owner"), "description": ("설명", "Description"),
    "tags": ("태그", "Tags"), "paused_until": ("멈춤 끝", "Paused until"),
    "pause_reason": ("멈춘 이유", "Pause reason"), "depends_on": ("선행 작업", "Waits for"),
    "workflow": ("워크플로우", "Workflow"), "workflow_step": ("단계", "Step"),
}
FIELDS = {
    "every": "interval", "at": "specific_times", "cron": "cron_expression", "days": "days_of_week", "start": "start_at",
    "end": "end_at", "jitter": "jitter_seconds", "overlap": "overlap_policy", "misfire": "misfire_policy",
    "grace": "misfire_grace", "markets": "market_codes", "timeout": "timeout_minutes", "retries": "max_retries",
    "after": "depends_on",
}


def field_words(name: str) -> str:
    """Name a field of the form."""
    return column_words(FIELDS.get(name, name.removeprefix("p.")))


def value_words(value: Any, name: str = "") -> str:
    """Show a value of a row or of a revision, secrets masked."""
    value = Redactor().value(value, name)
    if value is None or value in ("", [], {}):
        return "–"
    words = stored_words(name, value)
    if words is not None:
        return words
    if isinstance(value, list):
        return ", ".join(_edge(each) if isinstance(each, dict) else str(each) for each in value)
    if isinstance(value, bool):
        return say("예", "yes") if value else say("아니요", "no")
    if isinstance(value, dict):
        from scheduler.web.schema_form import as_json

        return as_json(value)
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)


def _edge(edge: Mapping[str, Any]) -> str:
    kind = ":failure" if edge.get("outcome") == "failure" else ":ever" if edge.get("condition") == "ever" else ""
    return f"{edge.get('job')}{kind}"
