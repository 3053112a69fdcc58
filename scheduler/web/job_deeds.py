"""Making and changing jobs, each with its line in the audit log, for whoever has a transaction of ``place.changing``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.queries import backfill as backfills
from scheduler.queries import rest_jobs
from scheduler.queries.dependencies import set_edges
from scheduler.queries.job_copies import duplicate as copy_job
from scheduler.queries.jobs import database_now, insert_job, update_jobs
from scheduler.queries.rows import Row, row
from scheduler.web.audit import note
from scheduler.web.inputs import refused
from scheduler.web.job_columns import all_columns, check, columns_of, edges_of, plain
from scheduler.web.job_view import one
from scheduler.web.merge_patch import changed, matches, merged
from scheduler.web.models import JobFields, JobNew, JobPatch, Reschedule
from scheduler.words import say

Connection = psycopg.Connection[Any]

RESCHEDULE = """
SELECT id FROM schedule_reschedule(
    %(job)s::bigint, every => %(interval)s::interval, at => %(specific_times)s::time[], cron => %(cron_expression)s::text,
    run_at => %(run_at)s::timestamptz, timezone => %(timezone)s::text, days => %(days_of_week)s::text,
    starts => %(start_at)s::timestamptz, ends => %(end_at)s::timestamptz, runs => %(max_runs)s::integer,
    calendar => %(calendar)s::text, on_holiday => %(on_holiday)s::text)
"""
RESCHEDULED = ("interval", "specific_times", "cron_expression", "run_at", "timezone", "days_of_week", "start_at", "end_at",
               "max_runs", "calendar", "on_holiday")


def add(connection: Connection, request: Request, body: JobNew) -> int:
    """Make a job. Returns its number."""
    values = {name: value for name, value in columns_of(body).items() if value is not None}
    check(connection, values, {})
    edges = edges_of(connection, body.after)
    number = insert_job(connection, values)
    if edges:
        set_edges(connection, number, edges)
    note(connection, request, "job.add", f"job:{number}", values["name"], after=plain({**values, **_after(body)}))
    return number


def edit(connection: Connection, request: Request, job: int, body: JobPatch, condition: str | None = None) -> None:
    """Change what *body* gives, as a merge patch. Raises Refused (412) unless *condition* names the present revision."""
    present = _locked(connection, job, body, condition)
    values = columns_of(body)
    if "parameters" in values:
        values["parameters"] = merged(present["parameters"], values["parameters"] or {}) if values["parameters"] else {}
    _save(connection, request, present, body, values)


def replace(connection: Connection, request: Request, job: int, body: JobNew, condition: str | None = None) -> None:
    """Let a job be as *body* says and nothing else. Raises Refused (412) as edit does."""
    present = _locked(connection, job, body, condition)
    given = body.model_copy(update={"after": body.after or []})        # counts as said from here on
    _save(connection, request, present, given, all_columns(columns_of(body)))


def _locked(connection: Connection, job: int, body: JobFields | Reschedule, condition: str | None) -> Row:
    """Keep others away and return the row as it is."""
    has_edges = isinstance(body, JobNew) or "after" in body.model_fields_set
    rest_jobs.lock(connection, job, with_edges=has_edges)
    demand(connection, job, condition)
    return rest_jobs.in_order(connection, [job])[0]


def demand(connection: Connection, job: int, condition: str | None) -> None:
    """Refuse when *condition*, an If-Match, does not name the present revision of *job*. Raises Refused (412)."""
    revision = rest_jobs.revisions(connection, [job]).get(job, 0)
    if condition is not None and not matches(condition, revision):
        raise changed(plain(one(connection, job)), revision)


def _save(connection: Connection, request: Request, present: Row, body: JobFields, values: Row) -> None:
    job = present["id"]
    check(connection, values, present)
    if "after" in body.model_fields_set:
        set_edges(connection, job, edges_of(connection, body.after))
    if values:
        update_jobs(connection, values, [job])
    before = plain({name: present[name] for name in values if name in present})
    note(connection, request, "job.edit", f"job:{job}", values.get("name") or present["name"], before,
         plain({**values, **_after(body)}))


def _after(body: JobFields) -> Row:
    if "after" not in body.model_fields_set:
        return {}
    return {"after": [each if isinstance(each, str) else each.model_dump() for each in body.after or ()]}


def reschedule(connection: Connection, request: Request, job: int, body: Reschedule, condition: str | None = None) -> None:
    """Change when a job runs; a kind of schedule that is given takes the place of the former one."""
    present = _locked(connection, job, body, condition)
    values = columns_of(body)
    check(connection, values, present)
    row(connection, RESCHEDULE, {**dict.fromkeys(RESCHEDULED), **values, "job": job})
    before = plain({name: present[name] for name in values})
    note(connection, request, "job.reschedule", f"job:{job}", present["name"], before, plain(values))


def duplicate(connection: Connection, request: Request, job: int, name: str | None, paused: bool) -> int:
    """Make a copy of a job. Returns its number."""
    rest_jobs.lock(connection, job, with_edges=True)
    made = copy_job(connection, job, name, paused=paused)
    note(connection, request, "job.duplicate", f"job:{made['id']}", made["name"], after={"copy_of": job})
    return int(made["id"])


def backfill(
    connection: Connection, request: Request, job: int, first: datetime, until: datetime | None, *, dry_run: bool
) -> Row:
    """Queue an execution for each planned time of a past period that has none.

    Returns  planned, known (which have one already) and executions
    """
    found, now = rest_jobs.in_order(connection, [job])[0], database_now(connection)
    until = until or now
    if until > now or first > until:
        words = say("from과 to는 지난 시각이고 from이 앞이어야 합니다", "from and to lie in the past, from before to")
        raise refused("to", words, "body")
    planned = backfills.planned_between(connection, found, first, until)
    known = backfills.known_times(connection, job, planned)
    wanted = [each for each in planned if each not in known]
    queued = [] if dry_run or not wanted else backfills.backfill(connection, found, wanted)
    if not dry_run:
        note(connection, request, "job.backfill", f"job:{job}", found["name"],
             after={"from": first.isoformat(), "to": until.isoformat(), "executions": len(queued)})
    return {"job_id": job, "dry_run": dry_run, "planned": planned, "known": sorted(known), "executions": queued}
