"""Jobs as programs see them: every column, lengths of time as numbers too, the schedule in words; secrets masked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import psycopg

from scheduler.errors import ScheduleError
from scheduler.queries import rest_jobs
from scheduler.queries.dependencies import edges_from
from scheduler.queries.rows import Row, row
from scheduler.queries.schedules import Surroundings
from scheduler.rules.words import schedule_in_words
from scheduler.secrets import Redactor
from scheduler.web.answers import Answer
from scheduler.web.merge_patch import etag
from scheduler.words import language

JOB_FIELDS = (
    "id", "name", "job_type", "status", "schedule", "interval", "interval_seconds", "interval_months", "specific_times",
    "cron_expression", "run_at", "timezone", "days_of_week", "start_at", "end_at", "max_runs", "calendar", "on_holiday",
    "jitter_seconds", "misfire_policy", "misfire_grace", "misfire_grace_seconds", "overlap_policy", "max_instances",
    "market_codes", "parameters", "priority", "timeout_minutes", "timeout_seconds", "max_retries", "important", "owner",
    "description", "tags", "workflow", "workflow_step", "paused_until", "pause_reason", "after", "next_run_at", "last_run_at",
    "last_success_at", "last_failure_at", "last_status", "last_error", "consecutive_failures", "run_count", "occurrence_count",
    "revision", "created_at", "updated_at",
)
GRACE = "SELECT extract(epoch FROM %(text)s::interval)::float8 AS seconds"


def documents(connection: psycopg.Connection[Any], found: Sequence[Row], fields: Collection[str] | None = None) -> list[Row]:
    """Return the documents of rows that list_jobs gave; what was not asked for is not looked up."""
    ids = [each["id"] for each in found]
    edges = edges_from(connection, ids) if _wants(fields, "after") else {}
    revisions = rest_jobs.revisions(connection, ids) if _wants(fields, "revision") else {}
    around = Surroundings(connection) if found and _wants(fields, "schedule") else None
    graces = _graces(connection, {each["misfire_grace"] for each in found}) if _wants(fields, "misfire_grace_seconds") else {}
    mask = Redactor()
    return [_document(each, edges.get(each["id"], []), revisions.get(each["id"], 0), around, graces, mask, fields)
            for each in found]


def one(connection: psycopg.Connection[Any], job: int) -> Row:
    """Return the document of one job. Raises NotFound."""
    found = rest_jobs.in_order(connection, [job])
    if not found:
        rest_jobs.find(connection, str(job))
    return documents(connection, found)[0]


def job_answer(document: Row, status: int = 200) -> Answer:
    """Answer with one job: its ETag, and its address when it was made."""
    headers = {"ETag": etag(document["revision"])}
    if status == 201:
        headers["Location"] = f"/api/v1/jobs/{document['id']}"
    return Answer(document, status, headers)


def _wants(fields: Collection[str] | None, name: str) -> bool:
    return fields is None or name in fields


def _graces(connection: psycopg.Connection[Any], texts: set[str]) -> dict[str, float]:
    """Read each grace once: almost all jobs have the same."""
    return {text: found["seconds"] for text in texts if (found := row(connection, GRACE, {"text": text}))}


def _document(
    job: Row, edges: Sequence[Row], revision: int, around: Surroundings | None, graces: dict[str, float], mask: Redactor,
    fields: Collection[str] | None,
) -> Row:
    more = {
        "schedule": None if around is None else schedule_words(job, around),
        "timeout_seconds": round(job["timeout_minutes"] * 60, 3), "misfire_grace_seconds": graces.get(job["misfire_grace"]),
        "after": [{"job_id": each["depends_on"], "job": each["depends_on_name"], "condition": each["condition"],
                   "outcome": each["outcome"], "met": each["met"]} for each in edges],
        "revision": revision, "parameters": mask.value(job["parameters"]),
        "last_error": None if job["last_error"] is None else mask.text(job["last_error"]),
    }
    return {name: more[name] if name in more else job[name] for name in JOB_FIELDS if _wants(fields, name)}


def schedule_words(job: Row, around: Surroundings) -> str:
    """Say when a job runs, or why nobody knows."""
    try:
        return schedule_in_words(around.schedule_of(job), language())
    except ScheduleError as error:
        return str(error).splitlines()[0]
