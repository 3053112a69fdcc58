"""`/scheduler/workflows`: several steps with one schedule: the list, and one with its steps, run, pause and what came of them."""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from scheduler.cli.execution_words import trigger_words
from scheduler.errors import ScheduleError
from scheduler.queries import workflows as queries
from scheduler.queries.rows import Row, rows
from scheduler.rules.config import ZONE
from scheduler.rules.config_fields import moment_text
from scheduler.rules.days import days_in_words, parse_days
from scheduler.secrets import Redactor
from scheduler.web.audit import note
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import operator, viewer
from scheduler.words import say

Connection = psycopg.Connection[Any]
router = APIRouter(include_in_schema=False)
# Of each step the newest few by the index of its job; a workflow has few steps.
LATEST = """
SELECT run.id, run.job_id, run.step, run.status, run.trigger, run.scheduled_for, run.attempt, run.started_at, run.duration_ms,
       run.error_message
  FROM schedule_jobs AS job
 CROSS JOIN LATERAL (
       SELECT each.id, each.job_id, job.workflow_step AS step, each.status, each.trigger, each.scheduled_for, each.attempt,
              each.started_at, each.duration_ms, left(each.error_message, 200) AS error_message
         FROM job_executions AS each
        WHERE each.job_id = job.id
        ORDER BY each.scheduled_for DESC, each.attempt DESC
        LIMIT 20) AS run
 WHERE job.workflow = %(name)s
 ORDER BY run.id DESC
 LIMIT 60
"""


@router.get("/scheduler/workflows", dependencies=[viewer])
def list_(request: Request) -> Response:
    """Show all workflows."""
    with place_of(request).reading() as connection:
        found = queries.list_workflows(connection)
    return page(request, "job_workflows.html", workflows=[{**each, "words": schedule_words(each)} for each in found])


@router.get("/scheduler/workflows/{workflow_id:int}", dependencies=[viewer])
def show(request: Request, workflow_id: int) -> Response:
    """Show one workflow with its steps and their latest runs."""
    with place_of(request).reading() as connection:
        found = queries.find_workflow(connection, str(workflow_id))
        steps = queries.steps_of(connection, found["name"])
        latest = rows(connection, LATEST, {"name": found["name"]})
    steps = [{**each, "parameters": Redactor().value(each["parameters"])} for each in steps]
    return page(request, "job_workflow.html", workflow=found, words=schedule_words(found), steps=steps, latest=latest,
                trigger_words=trigger_words)


@router.post("/scheduler/workflows/{workflow_id:int}/run", dependencies=[operator])
def run(request: Request, workflow_id: int) -> Response:
    """Queue the first steps; the others follow as they end."""
    with place_of(request).changing(request) as connection:
        found = queries.find_workflow(connection, str(workflow_id))
        _, queued = queries.run(connection, found["name"])
        _note(connection, request, found, "run", {"executions": [each["execution_id"] for each in queued]})
    return _back(workflow_id)


@router.post("/scheduler/workflows/{workflow_id:int}/pause", dependencies=[operator])
def pause(request: Request, workflow_id: int) -> Response:
    """Pause a workflow with all its jobs."""
    return _set(request, workflow_id, "paused", "pause")


@router.post("/scheduler/workflows/{workflow_id:int}/resume", dependencies=[operator])
def resume(request: Request, workflow_id: int) -> Response:
    """Let a workflow go on."""
    return _set(request, workflow_id, "active", "resume")


@router.post("/scheduler/workflows/{workflow_id:int}/cancel", dependencies=[operator])
def cancel(request: Request, workflow_id: int) -> Response:
    """End what waits and what runs; a recurring schedule goes on."""
    with place_of(request).changing(request) as connection:
        found = queries.find_workflow(connection, str(workflow_id))
        _note(connection, request, found, "cancel", queries.cancel(connection, found["name"]))
    return _back(workflow_id)


def _set(request: Request, workflow_id: int, status: str, deed: str) -> Response:
    with place_of(request).changing(request) as connection:
        found = queries.find_workflow(connection, str(workflow_id))
        queries.set_status(connection, found["name"], status)
        _note(connection, request, found, deed, {"status": status})
    return _back(workflow_id)


def _note(connection: Connection, request: Request, workflow: Row, deed: str, after: Any) -> None:
    note(connection, request, f"workflow.{deed}", f"workflow:{workflow['id']}", workflow["name"], after=after)


def _back(workflow_id: int) -> Response:
    return RedirectResponse(f"/scheduler/workflows/{workflow_id}", 303)


def schedule_words(workflow: Row) -> str:
    """Say when a workflow runs."""
    schedule = workflow["schedule"]
    mode = schedule.get("mode", "immediate")
    if mode == "immediate":
        return say("저장할 때 한 번", "once, when saved")
    if mode in ("delayed", "scheduled"):
        at = "–" if workflow["run_at"] is None else moment_text(workflow["run_at"], ZONE)[:16]
        return say(f"{at} 한 번", f"once at {at}")
    parts = [_days(schedule), ", ".join(_listed(schedule.get("at")))]
    if schedule.get("until"):
        parts.append(say(f"({schedule['until']}까지)", f"until {schedule['until']}"))
    if schedule.get("max_runs"):
        parts.append(say(f"({schedule['max_runs']}번)", f"({schedule['max_runs']} times)"))
    zone = schedule.get("timezone", ZONE)
    return " ".join(part for part in [*parts, "" if zone == ZONE else f"({zone})"] if part)


def _days(schedule: Row) -> str:
    if schedule.get("every") == "monthly":
        day = str(schedule.get("day", ""))
        if day in ("31", "last"):
            return say("매월 말일", "on the last day of each month")
        return say(f"매월 {day}일", f"monthly on day {day}")
    days = ",".join(_listed(schedule.get("days")))
    try:
        return say(*days_in_words(parse_days(days))) if days else say("매일", "daily")
    except ScheduleError:
        return days


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else str(value).split(",")
