"""`/api/v1/jobs/{job}/…`: run, pause, resume, reschedule, copy, run the past; what comes, what came, and why it did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scheduler.queries import rest_executions, rest_jobs, revisions
from scheduler.queries.forecast import Upcoming, upcoming
from scheduler.queries.rows import Row
from scheduler.rules import durations
from scheduler.web import deeds, job_deeds
from scheduler.web.answers import Answer
from scheduler.web.execution_waiting import Wait, accepted, shown
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import Moment, refused
from scheduler.web.job_address import JobAddress
from scheduler.web.job_view import job_answer, one
from scheduler.web.merge_patch import IfMatch
from scheduler.web.models import Backfill, Duplicate, Pause, Reschedule, Resume, Run
from scheduler.web.paging import PageAsked, page_of
from scheduler.web.place import place_of
from scheduler.web.powers import fitting
from scheduler.web.rights import admin, operator, viewer
from scheduler.words import language, say

router = APIRouter(route_class=OnceRoute, tags=["jobs"])
MOST_STATS = 10_000


@router.post("/api/v1/jobs/{job:job}/run", dependencies=[operator], status_code=202)
async def run_job(request: Request, job: JobAddress, how: Run | None = None, wait: Wait = 0) -> Answer:
    """Queue an execution now, or after a delay; the schedule stays as it is."""
    return await accepted(request, await run_in_threadpool(_run, request, job, how or Run()), wait)


def _run(request: Request, job: str, how: Run) -> int:
    delay = None if how.delay is None else timedelta(seconds=durations.seconds_of(how.delay))
    if delay is not None and how.markets is not None:
        raise refused("markets", say("delay와 함께 쓸 수 없습니다", "it does not go with delay"), "body")
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        parameters = None
        if how.parameters is not None:
            found = rest_jobs.in_order(connection, [number])[0]
            parameters = {**found["parameters"], **how.parameters}
            fitting(connection, found["job_type"], parameters)
        return deeds.run(connection, request, number, parameters, how.markets, delay)


@router.post("/api/v1/jobs/{job:job}/pause", dependencies=[operator])
def pause_job(request: Request, job: JobAddress, how: Pause | None = None) -> Answer:
    """Pause a job, until a moment if one is given; what runs goes on to its end."""
    how = how or Pause()
    until = how.until
    if how.duration is not None:
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=durations.seconds_of(how.duration))
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        deeds.pause(connection, request, number, until, how.reason)
        return job_answer(one(connection, number))


@router.post("/api/v1/jobs/{job:job}/resume", dependencies=[operator])
def resume_job(request: Request, job: JobAddress, how: Resume | None = None) -> Answer:
    """Let a job go on; with run_missed one execution makes up for what the pause has cost."""
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        found = deeds.resume(connection, request, number, how is not None and how.run_missed)
        document = one(connection, number) | {"missed_at": found["missed_at"], "execution_id": found["execution_id"]}
        return job_answer(document)


@router.post("/api/v1/jobs/{job:job}/reschedule", dependencies=[admin])
def reschedule_job(request: Request, job: JobAddress, body: Reschedule, if_match: IfMatch = None) -> Answer:
    """Change when a job runs; a kind of schedule that is given takes the place of the former one. Takes If-Match."""
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        job_deeds.reschedule(connection, request, number, body, if_match)
        return job_answer(one(connection, number))


@router.post("/api/v1/jobs/{job:job}/duplicate", dependencies=[admin], status_code=201)
def duplicate_job(request: Request, job: JobAddress, how: Duplicate | None = None) -> Answer:
    """Make a job like this one, paused unless told otherwise."""
    how = how or Duplicate()
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        return job_answer(one(connection, job_deeds.duplicate(connection, request, number, how.name, how.paused)), 201)


@router.post("/api/v1/jobs/{job:job}/backfill", dependencies=[operator], status_code=202)
def backfill_job(request: Request, job: JobAddress, period: Backfill) -> Answer:
    """Queue an execution for each planned time of a past period that has none yet, below the job's own priority."""
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        return Answer(job_deeds.backfill(connection, request, number, period.from_, period.to, dry_run=period.dry_run), 202)


@router.get("/api/v1/jobs/{job:job}/next", dependencies=[viewer])
def next_of_job(
    request: Request, job: JobAddress, count: Annotated[int, Query(ge=1, le=1000, description="몇 번 / How many that run")] = 10,
    start: Annotated[Moment | None, Query(alias="from", description="이 시각부터 / From this moment")] = None,
) -> Answer:
    """Return the coming times, also those that do not run, with the reason."""
    with place_of(request).reading() as connection:
        number = rest_jobs.find(connection, job)
        first = None if start is None else start - timedelta(microseconds=1)
        return Answer({"items": [coming(each) for each in upcoming(connection, number, count, start=first)]})


def coming(each: Upcoming) -> Row:
    """Return one coming time as programs see it."""
    reason = each.reason
    return {
        "job_id": each.job_id, "name": each.name, "planned_at": each.planned_at, "run_at": each.run_at, "timezone": each.timezone,
        "reason": reason and reason.kind, "words": reason and (reason.ko if language() == "ko" else reason.en),
        "waits_for": list(each.waits_for),
    }


@router.get("/api/v1/jobs/{job:job}/stats", dependencies=[viewer])
def stats_of_job(request: Request, job: JobAddress, days: Annotated[int, Query(ge=1, le=90)] = 30) -> Answer:
    """Return success rates, durations and how the days went (Korean days, the latest 10,000 executions at most)."""
    with place_of(request).reading() as connection:
        number = rest_jobs.find(connection, job)
        health, listed = rest_jobs.stats(connection, number, days, MOST_STATS)
    return Answer({**shown(health), "days": listed})


@router.get("/api/v1/jobs/{job:job}/executions", dependencies=[viewer])
def executions_of_job(request: Request, job: JobAddress, asked: PageAsked) -> Answer:
    """List the executions of a job, those made last first; more filters are at /api/v1/executions?job_id=."""
    with place_of(request).reading() as connection:
        given: dict[str, Any] = {"job_id": rest_jobs.find(connection, job)}
        found = rest_executions.list_page(connection, given, False, asked.after("-id", (int,)), asked.limit + 1)
        total = rest_executions.count(connection, given) if asked.counts else None
    return page_of(request, asked, found.rows, "-id", lambda each: (each["id"],), shown=shown, total=total)


@router.get("/api/v1/jobs/{job:job}/why", dependencies=[viewer])
def why_job(
    request: Request, job: JobAddress,
    at: Annotated[Moment | None, Query(description="없으면 지금 / None: now")] = None,
) -> Answer:
    """Say why a job did not run at a moment, or does not now; the answer is the first item."""
    with place_of(request).reading() as connection:
        found = revisions.why(connection, str(rest_jobs.find(connection, job, gone=True)), at or datetime.now(UTC))
    return Answer({"items": [{**each, "words": each[language()]} for each in found]})
