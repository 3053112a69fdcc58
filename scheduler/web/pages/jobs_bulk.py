"""Run, pause, resume, limit or archive all jobs of a filter: counted first, guarded by that number, told job by job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from scheduler.errors import NotAllowed, ParameterError, ScheduleError, SchedulerError
from scheduler.queries import web_jobs
from scheduler.queries.rows import Row
from scheduler.rules.config_fields import duration_seconds, read_moment
from scheduler.web import bulk, deeds, job_deeds
from scheduler.web.models import JobPatch
from scheduler.web.pages.jobs import meant_of
from scheduler.web.place import place_of
from scheduler.web.problems import Refused
from scheduler.web.render import page
from scheduler.web.rights import Forbidden, operator
from scheduler.words import say

router = APIRouter(include_in_schema=False)
LARGEST = 2**63 - 1
LONGEST_REASON = 500
LONGEST_PAUSE = timedelta(days=366)
LONGEST_MINUTES = 7 * 1440
ACTIONS = ("run", "pause", "resume", "timeout", "archive")
FOR_ADMINS = ("timeout", "archive")
ZONE = "Asia/Seoul"
Typed = Mapping[str, str]
Ids = list[int] | None


@router.get("/scheduler/jobs-bulk", dependencies=[operator])
def ask(request: Request, action: str = "", id: Annotated[Ids, Query()] = None, all: bool = False) -> Response:
    """Show how many jobs it would be, and ask."""
    return _page(request, action, _chosen(request, action, id, all))


@router.post("/scheduler/jobs-bulk", dependencies=[operator])
def act(
    request: Request, action: Annotated[str, Form()], expect: Annotated[int, Form()], typed: Annotated[str, Form()] = "",
    id: Annotated[Ids, Form()] = None, all: Annotated[bool, Form()] = False, until: Annotated[str, Form()] = "",
    length: Annotated[str, Form(alias="for")] = "", reason: Annotated[str, Form()] = "", minutes: Annotated[str, Form()] = "",
    run_missed: Annotated[bool, Form()] = False,
) -> Response:
    """Act on the filter, provided that it still means as many jobs as were shown."""
    chosen = _chosen(request, action, id, all)
    filled = {"until": until, "for": length, "reason": reason, "minutes": minutes, "run_missed": "true" if run_missed else ""}
    with place_of(request).reading() as connection:
        found = web_jobs.matching(connection, _filters(request, chosen), chosen)
    try:
        bulk.check_number(len(found), expect, typed)
        deed = _deed(request, action, filled)
    except (Refused, ScheduleError, ParameterError) as error:
        return _page(request, action, chosen, filled, error)
    outcome = bulk.Outcome("jobs", action, bulk.actor_of(request), len(found), "/scheduler/jobs")
    return RedirectResponse(bulk.start(request, outcome, found, deed), 303)


def _chosen(request: Request, action: str, ids: Ids, all_: bool) -> list[int] | None:
    """Return the numbers that were ticked, None for all of the filter. Raises HTTPException, Forbidden."""
    if action not in ACTIONS:
        raise HTTPException(404)
    if action in FOR_ADMINS and request.state.person.role != "admin":
        raise Forbidden("admin")
    if all_:
        return None
    return [each for each in ids or [] if 0 < each <= LARGEST]


def _filters(request: Request, chosen: list[int] | None) -> Row:
    return meant_of(request) if chosen is None else {}


def _page(
    request: Request, action: str, chosen: list[int] | None, filled: Typed | None = None, fault: SchedulerError | None = None
) -> Response:
    """Show what it would be, with what was typed already and what is wrong with it."""
    filters = _filters(request, chosen)
    with place_of(request).reading() as connection:
        found = web_jobs.matching(connection, filters, chosen)
    status = 200 if fault is None else fault.problem.status if isinstance(fault, Refused) else 422
    return page(request, "jobs_bulk.html", status, action=action, filters=filters, ids=chosen or [], all=chosen is None,
                number=len(found), first=found[:bulk.NAMED], asks=len(found) > bulk.ASKS_ABOVE, typed=filled or {},
                fault=None if fault is None else str(fault).splitlines()[0], zone=ZONE)


def _deed(request: Request, action: str, filled: Typed) -> Callable[..., Any]:
    """Return what is done to each job. Raises ScheduleError, ParameterError when what was typed means nothing."""
    if action == "run":
        return lambda connection, job: deeds.run(connection, request, job["id"])
    if action == "pause":
        until, reason = _until(filled), filled["reason"].replace("\0", "").strip()[:LONGEST_REASON] or None
        return lambda connection, job: deeds.pause(
            connection, request, _unless(job, job["status"] == "paused" and until is None), until, reason)
    if action == "resume":
        missed = bool(filled["run_missed"])
        return lambda connection, job: deeds.resume(connection, request, _unless(job, job["status"] == "active"), missed)
    if action == "timeout":
        patch = JobPatch(timeout_minutes=_minutes(filled["minutes"]))
        return lambda connection, job: job_deeds.edit(connection, request, job["id"], patch)
    return lambda connection, job: deeds.remove(connection, request, job["id"])


def _unless(job: Row, is_so: bool) -> int:
    """Return the number of *job*. Raises NotAllowed when it is as wanted already."""
    if is_so:
        raise NotAllowed(say("이미 그 상태입니다", "it is so already"))
    return int(job["id"])


def _until(filled: Typed) -> datetime | None:
    """Return when a pause ends, None when nobody knows. Raises ScheduleError."""
    now = datetime.now(UTC)
    if filled["until"].strip():
        until = read_moment(filled["until"].strip(), ZONE)
        if until <= now:
            raise ScheduleError(say("이미 지난 시각입니다", "that is over already"))
        return until
    if not filled["for"].strip():
        return None
    return now + min(timedelta(seconds=min(duration_seconds(filled["for"].strip()), 1e9)), LONGEST_PAUSE)


def _minutes(text: str) -> float:
    """Read a number of minutes. Raises ParameterError."""
    try:
        found = float(text.strip())
    except ValueError:
        found = 0.0
    if not 0 < found <= LONGEST_MINUTES:
        raise ParameterError(say(f"제한 시간은 0보다 크고 {LONGEST_MINUTES}분(1주) 이하여야 합니다",
                                 f"a time-out is above 0 and at most {LONGEST_MINUTES} minutes (a week)"))
    return found
