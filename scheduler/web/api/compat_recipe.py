"""`/scheduler/jobs…` as programs written for an APScheduler service ask: their paths, their shapes.

A job is named by its own name, or by its number. The lists themselves answer from the pages' addresses: whoever does not ask
for HTML gets ``json_jobs`` and ``json_job``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import psycopg
from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from scheduler.queries.jobs import list_jobs
from scheduler.queries.rows import Row, row
from scheduler.rules.cron import parse_cron
from scheduler.rules.zones import open_zone
from scheduler.web import deeds
from scheduler.web.answers import Answer
from scheduler.web.audit import note
from scheduler.web.idempotency import Handler, OnceRoute
from scheduler.web.inputs import LARGEST, LARGEST_SECONDS, NO_NUL, Responses, refused
from scheduler.web.place import place_of
from scheduler.web.rights import admin, operator
from scheduler.words import say


class RecipeRefusal(Exception):
    """A refusal in the shape that those programs know: ``{"detail": …}``."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class RecipeRoute(OnceRoute):
    """A route that refuses in that shape."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def asked(request: Request) -> Response:
            try:
                return await handler(request)
            except RecipeRefusal as refusal:
                return _refusal(refusal)

        return asked


router = APIRouter(tags=["compat"], route_class=RecipeRoute)
Job = Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL, description="작업의 이름 또는 번호 / Its name or number",
                          examples=["cleanup_sessions"])]
FIND = "SELECT id FROM schedule_jobs WHERE id = %(id)s OR name = %(name)s ORDER BY id = %(id)s DESC NULLS LAST LIMIT 1"
RESCHEDULE = """
SELECT * FROM schedule_reschedule(%(job)s::bigint, every => %(every)s::interval, cron => %(cron)s::text,
                                  run_at => %(run_at)s::timestamptz)
"""
MADE_BY_RECIPES = frozenset({"recipe", "service"})
VARY = {"Vary": "Accept"}
MISSING: Responses = {404: {"description": "Job not found", "content": {"application/json": {
    "schema": {"type": "object", "properties": {"detail": {"type": "string"}}}, "example": {"detail": "Job not found"}}}}}
INVALID: Responses = {**MISSING, 400: {"description": "Invalid job type, or the request cannot be read", "content": {
    "application/json": {"schema": {"type": "object", "properties": {"detail": {"type": "string"}}},
                         "example": {"detail": "Invalid job type"}},
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}
Seconds = Annotated[int, Field(ge=0, le=LARGEST_SECONDS)]


class JobInfo(BaseModel):
    """A job in few words."""

    id: str = Field(examples=["cleanup_sessions"])
    name: str = Field(examples=["Cleanup Expired Sessions"])
    next_run_time: datetime | None
    trigger: str = Field(examples=["interval[1:00:00]"])


class Message(BaseModel):
    """What was done."""

    message: str = Field(examples=["Job cleanup_sessions paused"])


class AddJobRequest(BaseModel):
    """Another schedule: an interval, a crontab line, or one moment."""

    job_id: str | None = None
    job_type: str = Field(description="interval, cron, date", examples=["interval"])
    hours: Seconds | None = None
    minutes: Seconds | None = None
    seconds: Seconds | None = None
    cron_expression: str | None = Field(default=None, max_length=200, examples=["0 9 * * *"])
    run_date: datetime | None = None


def json_jobs(request: Request) -> Answer:
    """List the jobs that have something before them."""
    with place_of(request).reading() as connection:
        found = [each for each in list_jobs(connection) if each["status"] != "completed"]
    return Answer([_info(each) for each in found], headers=VARY)


def json_job(request: Request, job_id: str) -> Answer:
    """Return one job, or 404 in their shape."""
    try:
        with place_of(request).reading() as connection:
            return Answer(_info(list_jobs(connection, ids=[_find(connection, job_id)])[0]), headers=VARY)
    except RecipeRefusal as refusal:
        return _refusal(refusal, VARY)


@router.post("/scheduler/jobs/{job_id}/pause", dependencies=[operator], response_model=Message, responses=MISSING)
def pause_job(request: Request, job_id: Job) -> Answer:
    """Pause a job."""
    return _do(request, job_id, deeds.pause, "paused")


@router.post("/scheduler/jobs/{job_id}/resume", dependencies=[operator], response_model=Message, responses=MISSING)
def resume_job(request: Request, job_id: Job) -> Answer:
    """Resume a job."""
    return _do(request, job_id, deeds.resume, "resumed")


@router.post("/scheduler/jobs/{job_id}/run", dependencies=[operator], response_model=Message, responses=MISSING)
def run_job_now(request: Request, job_id: Job) -> Answer:
    """Run a job at once."""
    with place_of(request).changing(request) as connection:
        number = deeds.run(connection, request, _find(connection, job_id))
    answer = _done(job_id, "triggered")
    answer.headers["Location"] = f"/api/v1/executions/{number}"
    return answer


@router.delete("/scheduler/jobs/{job_id}", dependencies=[admin], response_model=Message, responses=MISSING)
def remove_job(request: Request, job_id: Job) -> Answer:
    """Remove a job; its history stays."""
    return _do(request, job_id, deeds.remove, "removed")


@router.post("/scheduler/jobs/{job_id}/reschedule", dependencies=[admin], response_model=Message, responses=INVALID)
def reschedule_job(request: Request, job_id: Job, wanted: AddJobRequest) -> Answer:
    """Give a job another schedule. A crontab line means what crontab(5) says: 0 and 7 are Sunday."""
    with place_of(request).changing(request) as connection:
        number = _find(connection, job_id)
        job = list_jobs(connection, ids=[number])[0]
        schedule = _schedule(wanted, job["timezone"])
        changed = row(connection, RESCHEDULE, {"job": number, **schedule})
        after = {name: str(value) for name, value in schedule.items() if value is not None}
        note(connection, request, "job.reschedule", f"job:{number}", changed["name"] if changed else None, after=after)
    return _done(job_id, "rescheduled")


def _do(request: Request, job_id: str, deed: Callable[[psycopg.Connection[Any], Request, int], object], what: str) -> Answer:
    with place_of(request).changing(request) as connection:
        deed(connection, request, _find(connection, job_id))
    return _done(job_id, what)


def _find(connection: psycopg.Connection[Any], text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and int(text) <= LARGEST else None
    found = row(connection, FIND, {"id": number, "name": unicodedata.normalize("NFC", text)})
    if found is None:
        raise RecipeRefusal(404, "Job not found")
    return int(found["id"])


def _schedule(wanted: AddJobRequest, timezone: str) -> dict[str, Any]:
    if wanted.job_type == "interval":
        every = timedelta(hours=wanted.hours or 0, minutes=wanted.minutes or 0, seconds=wanted.seconds or 0)
        if not every:
            raise refused("minutes", say("간격이 0입니다. hours, minutes, seconds 중 하나를 쓰세요",
                                         "the interval is zero; give hours, minutes or seconds"), "body")
        return {"every": every, "cron": None, "run_at": None}
    if wanted.job_type == "cron":
        if not wanted.cron_expression:
            raise refused("cron_expression", say("cron_expression이 필요합니다", "cron_expression is missing"), "body")
        parse_cron(wanted.cron_expression, open_zone(timezone))
        return {"every": None, "cron": wanted.cron_expression, "run_at": None}
    if wanted.job_type == "date":
        if wanted.run_date is None:
            raise refused("run_date", say("run_date가 필요합니다", "run_date is missing"), "body")
        moment = wanted.run_date if wanted.run_date.tzinfo else wanted.run_date.replace(tzinfo=ZoneInfo(timezone))
        return {"every": None, "cron": None, "run_at": moment}
    raise RecipeRefusal(400, "Invalid job type")


def _info(job: Row) -> dict[str, Any]:
    """Return a job as those programs know it; what they made themselves has its title in our description."""
    is_plain = "/" not in job["name"] and not job["name"].isdigit()
    is_theirs = not MADE_BY_RECIPES.isdisjoint(job["tags"])
    following = job["next_run_at"] if job["status"] == "active" else None
    return {
        "id": job["name"] if is_plain else str(job["id"]),
        "name": (job["description"] if is_theirs else None) or job["name"],
        "next_run_time": None if following is None else following.astimezone(open_zone(job["timezone"])),
        "trigger": _trigger(job),
    }


def _trigger(job: Row) -> str:
    """Write a schedule as APScheduler's triggers write themselves."""
    if job["interval"] is not None:
        months = job["interval_months"]
        every = timedelta(seconds=job["interval_seconds"])
        return f"interval[{job['interval'] if months else every}]"
    if job["cron_expression"] is not None:
        return f"cron[{job['cron_expression']}]"
    if job["specific_times"] is not None:
        return f"cron[{', '.join(f'{each:%H:%M}' for each in job['specific_times'])}]"
    if job["run_at"] is not None:
        return f"date[{job['run_at'].astimezone(open_zone(job['timezone'])):%Y-%m-%d %H:%M:%S %Z}]"
    return "none"


def _refusal(refusal: RecipeRefusal, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer({"detail": str(refusal)}, refusal.status, headers)


def _done(job_id: str, what: str) -> Answer:
    return Answer({"message": f"Job {job_id} {what}"}, headers={"Content-Location": f"/scheduler/jobs/{quote(job_id, safe='')}"})
