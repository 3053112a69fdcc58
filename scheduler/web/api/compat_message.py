"""`/api/scheduler` and `/api/workflow/execute`: the status and the execution of workflows, in camelCase.

Their words: pending is queued, completed is success; failed is failed, timed_out or lost. Completed and failed count the last
24 hours.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scheduler.errors import NotFound
from scheduler.queries.executions import execution
from scheduler.queries.jobs import find_job, list_jobs
from scheduler.queries.rows import Row, row
from scheduler.queries.workflow_runs import look
from scheduler.queries.workflows import find_workflow, steps_of
from scheduler.rules.workflows import NOT_RUN
from scheduler.web import deeds
from scheduler.web.answers import Answer
from scheduler.web.execution_waiting import LOOK_SECONDS, shown
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import Moment, Responses, Short, refused, seconds_of
from scheduler.web.place import place_of
from scheduler.web.rights import operator, viewer
from scheduler.words import say

router = APIRouter(tags=["compat"], route_class=OnceRoute)
TEST_SECONDS = 60.0
STATUS = """
SELECT status.*, (SELECT count(*) FROM schedule_jobs WHERE NOT hidden) AS total,
       coming.id, coming.name, coming.workflow, coming.at, coming.is_once
  FROM schedule_status() AS status
  LEFT JOIN LATERAL (
       SELECT id, name, workflow, next_run_at AS at, run_at IS NOT NULL AS is_once FROM schedule_jobs
        WHERE status = 'active' AND next_run_at IS NOT NULL ORDER BY next_run_at LIMIT 1) AS coming ON true
"""
NEWEST = "SELECT coalesce(max(id), 0) AS id FROM job_executions"
TESTED: Responses = {200: {"description": "With test: the result", "content": {"application/json": {
    "schema": {"type": "object"}}}}}
WORDS = {"queued": "pending", "running": "running", "success": "completed", "skipped": "completed", NOT_RUN: "completed"}


class NextJob(BaseModel):
    """The one whose turn comes first."""

    id: str
    workflowName: str
    scheduledTime: str
    type: Literal["immediate", "delayed", "scheduled", "recurring"]


class SchedulerStatus(BaseModel):
    """The whole at a glance."""

    isRunning: bool
    totalJobs: int
    pendingJobs: int
    runningJobs: int
    completedJobs: int
    failedJobs: int
    nextJob: NextJob | None = None


class Execute(BaseModel):
    """Which workflow, or which job, and when."""

    model_config = ConfigDict(extra="forbid")

    workflowId: Short | Annotated[int, Field(ge=1, le=2**63 - 1)] = Field(
        description="워크플로우나 작업의 이름 또는 번호 / Name or number of a workflow or a job", examples=["아침 수집"])
    mode: Literal["immediate", "delayed", "scheduled"] = "immediate"
    delay: Short | None = Field(default=None, description="90s, 10m, 2h, 1d", examples=["10m"])
    scheduledTime: Moment | None = None
    test: bool = Field(default=False, description="결과를 기다립니다 (60초까지) / Wait for the result, up to 60 s")


@router.get("/api/scheduler", dependencies=[viewer], response_model=SchedulerStatus)
def scheduler_status(request: Request) -> Answer:
    """Return the status; ``nextJob`` is absent when nothing is planned."""
    with place_of(request).reading() as connection:
        found = row(connection, STATUS) or {}
    status: dict[str, Any] = {
        "isRunning": found["nodes_alive"] > 0, "totalJobs": found["total"], "pendingJobs": found["queued"],
        "runningJobs": found["running"], "completedJobs": found["succeeded_24h"], "failedJobs": found["failed_24h"],
    }
    if found["id"] is not None:
        status["nextJob"] = {
            "id": str(found["id"]), "workflowName": found["workflow"] or found["name"], "scheduledTime": found["at"],
            "type": "scheduled" if found["is_once"] else "recurring",
        }
    return Answer(status)


@router.post("/api/workflow/execute", dependencies=[operator], status_code=202, responses=TESTED)
async def execute_workflow(request: Request, wanted: Execute) -> Answer:
    """Run a workflow, or a job: now, after a delay, or at a moment. A workflow's later steps follow its first ones.

    With test it runs now, and the answer (200) is the result.
    """
    started = await run_in_threadpool(_start, request, wanted)
    if not wanted.test:
        return Answer(_shown(started, "pending"), 202, {"Location": f"/api/v1/executions/{started['executions'][0]}"})
    until = time.monotonic() + TEST_SECONDS
    while True:
        found, is_over = await run_in_threadpool(_look, request, started)
        if is_over or time.monotonic() > until:
            return Answer(_result(started, found, is_over))
        await asyncio.sleep(LOOK_SECONDS)


def _start(request: Request, wanted: Execute) -> Row:
    delay = _delay(wanted)
    with place_of(request).changing(request) as connection:
        workflow, jobs = _what(connection, str(wanted.workflowId))
        newest = row(connection, NEWEST) or {"id": 0}
        executions = [deeds.run(connection, request, job, delay=delay) for job in jobs]
        return {"workflow": workflow, "executions": executions, "above": newest["id"], "mode": wanted.mode,
                "job": list_jobs(connection, ids=jobs[:1])[0], "made": datetime.now(UTC), "at": datetime.now(UTC) + (
                    delay or timedelta())}


def _delay(wanted: Execute) -> timedelta | None:
    given = {"immediate": (False, False), "delayed": (True, False), "scheduled": (False, True)}[wanted.mode]
    if given != (wanted.delay is not None, wanted.scheduledTime is not None):
        raise refused("mode", say("delayed에는 delay, scheduled에는 scheduledTime만 씁니다",
                                  "delay belongs to delayed, scheduledTime to scheduled"), "body")
    if wanted.test and wanted.mode != "immediate":
        raise refused("test", say("test는 immediate에만 씁니다", "test belongs to immediate"), "body")
    if wanted.delay is not None:
        return timedelta(seconds=seconds_of(wanted.delay, "delay"))
    if wanted.scheduledTime is not None:
        return max(wanted.scheduledTime - datetime.now(UTC), timedelta())
    return None


def _what(connection: psycopg.Connection[Any], text: str) -> tuple[Row | None, list[int]]:
    """Return the workflow and the jobs of its first steps; else no workflow and the one job of that name or number."""
    try:
        workflow = find_workflow(connection, text)
    except NotFound:
        return None, [find_job(connection, text)]
    first = [step["job_id"] for step in steps_of(connection, workflow["name"]) if not step["follows"]]
    if not first or None in first:
        raise NotFound(say("첫 단계의 작업이 없습니다", "the job of a first step is gone"))
    return workflow, first


def _look(request: Request, started: Row) -> tuple[list[Row], bool]:
    with place_of(request).reading() as connection:
        if started["workflow"] is not None:
            return look(connection, started["workflow"]["name"], started["above"])
        found = execution(connection, started["executions"][0])
        kept = ("status", "duration_ms", "result", "error_message", "skip_reason", "attempt")
        step = {"step": found["job_name"], "execution_id": found["id"], **{name: found[name] for name in kept}}
        return [step], found["finished_at"] is not None


def _shown(started: Row, status: str) -> Row:
    workflow, job = started["workflow"], started["job"]
    return {
        "id": str(started["executions"][0]), "executionIds": [str(each) for each in started["executions"]],
        "workflowId": str((workflow or job)["id"]), "workflowName": (workflow or job)["name"], "type": started["mode"],
        "status": status, "scheduledTime": started["at"], "createdAt": started["made"],
    }


def _result(started: Row, found: list[Row], is_over: bool) -> Row:
    failed = next((each for each in found if each["status"] not in WORDS), None)
    status = "running" if not is_over else "failed" if failed else "completed"
    result = {**_shown(started, status), "steps": [shown(each) for each in found]}
    if is_over:
        result["completedAt"] = datetime.now(UTC)
    if is_over and failed:
        result["error"] = shown(failed)["error_message"] or failed["status"]
    return result
