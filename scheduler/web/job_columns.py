"""From the body of a request to the columns of a job's row, and what can be refused before the database is asked."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from scheduler.errors import NotFound, ParameterError, ScheduleError
from scheduler.queries.config import JOB_COLUMNS
from scheduler.queries.dependencies import Edge
from scheduler.queries.rest_jobs import find
from scheduler.queries.rows import Row
from scheduler.rules import durations
from scheduler.rules.cron import parse_cron
from scheduler.rules.zones import open_zone
from scheduler.web.answers import as_text
from scheduler.web.inputs import refused
from scheduler.web.models import After, JobFields, ScheduleFields
from scheduler.web.powers import fitting
from scheduler.words import say

ZONE = "Asia/Seoul"
SPELLED = ("interval", "jitter_seconds", "misfire_grace", "timeout_minutes")
STATE = ("status", "paused_until", "pause_reason")


def columns_of(body: ScheduleFields) -> Row:
    """Return the columns that *body* gives; None sets one back to what it is without being said."""
    given = body.model_fields_set
    values = {name: getattr(body, name) for name in ("name", "status", *JOB_COLUMNS) if name in given and name not in SPELLED}
    if isinstance(values.get("name"), str):
        values["name"] = unicodedata.normalize("NFC", values["name"])
    if given & {"interval", "interval_seconds", "interval_months"}:
        values["interval"] = _interval(body)
    return values | (_lengths(body) if isinstance(body, JobFields) else {})


def _interval(body: ScheduleFields) -> str | None:
    if body.interval is not None:
        return durations.interval_literal(body.interval)
    months, seconds = body.interval_months or 0, body.interval_seconds or 0
    return durations.literal(months, seconds) if months or seconds else None


def _lengths(body: JobFields) -> Row:
    given, found = body.model_fields_set, Row()
    if given & {"jitter", "jitter_seconds"}:
        jitter = body.jitter_seconds if body.jitter is None else durations.seconds_of(body.jitter)
        found["jitter_seconds"] = None if jitter is None else round(jitter)
    if given & {"misfire_grace", "misfire_grace_seconds"}:
        grace = body.misfire_grace_seconds if body.misfire_grace is None else durations.seconds_of(body.misfire_grace)
        found["misfire_grace"] = None if grace is None else durations.literal(0, grace)
    if given & {"timeout", "timeout_seconds", "timeout_minutes"}:
        seconds = body.timeout_seconds if body.timeout is None else durations.seconds_of(body.timeout)
        found["timeout_minutes"] = body.timeout_minutes if seconds is None else seconds / 60
    return found


def all_columns(values: Mapping[str, Any]) -> Row:
    """Return *values* with everything else set back; whether the job is paused stays as it is unless it is said."""
    state = {name: value for name, value in values.items() if name not in STATE or value is not None}
    return {**dict.fromkeys(name for name in JOB_COLUMNS if name not in STATE), **state}


def check(connection: psycopg.Connection[Any], values: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Refuse what would be saved and never run: wrong zone or cron, a moment that is over, parameters that do not fit.

    present  the row as it is, empty for a new one
    """
    zone = values.get("timezone") or present.get("timezone") or ZONE
    try:
        clock = open_zone(zone)
    except ScheduleError as error:
        raise refused("timezone", str(error), "body") from None
    if values.get("cron_expression"):
        try:
            parse_cron(values["cron_expression"], clock)
        except ScheduleError as error:
            raise refused("cron_expression", str(error), "body") from None
    if values.get("run_at") is not None and values["run_at"] != present.get("run_at"):
        _refuse_past(values["run_at"])
    if "parameters" in values or "job_type" in values:
        parameters = values.get("parameters", present.get("parameters")) or {}
        try:
            fitting(connection, values.get("job_type") or present["job_type"], parameters)
        except ParameterError as error:
            raise refused("parameters", str(error), "body") from None


def _refuse_past(moment: datetime) -> None:
    if moment <= datetime.now(UTC):
        shown = moment.isoformat()
        raise refused("run_at", say(f"run_at {shown}: 이미 지났습니다", f"run_at {shown} is over already"), "body")


def edges_of(connection: psycopg.Connection[Any], after: Sequence[str | After] | None) -> list[Edge]:
    """Return the jobs that a body waits for. Raises Refused (422) for one that is not there."""
    found: dict[int, Edge] = {}
    for each in after or ():
        wanted = After(job=each) if isinstance(each, str) else each
        text = str(wanted.job)
        try:
            number = find(connection, text if text.isascii() and text.isdigit() else f"name:{text}")
        except NotFound as error:
            raise refused("after", str(error).splitlines()[0], "body") from None
        found[number] = Edge(number, wanted.condition, wanted.outcome)
    return list(found.values())


def plain(values: Mapping[str, Any]) -> Any:
    """Return *values* as JSON holds them."""
    return json.loads(as_text(dict(values)))
