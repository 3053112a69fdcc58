"""Run, pause or resume all jobs of a filter: counted first, guarded by that number, the result told job by job."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from scheduler.database.refusals import in_our_words
from scheduler.errors import SchedulerError
from scheduler.queries import web_jobs
from scheduler.queries.rows import Row
from scheduler.web import deeds
from scheduler.web.pages.jobs import filters_of
from scheduler.web.place import place_of
from scheduler.web.problems import Problem, Refused
from scheduler.web.render import page
from scheduler.web.rights import operator
from scheduler.words import say

router = APIRouter(include_in_schema=False)
ASKS_ABOVE = 10
NAMED = 10
KEPT = 100
LARGEST = 2**63 - 1
ACTIONS: dict[str, Callable[..., Any]] = {"run": deeds.run, "pause": deeds.pause, "resume": deeds.resume}


@dataclass(slots=True)
class Outcome:
    """What became of a deed on many jobs."""

    action: str
    actor: str
    done: int = 0
    refused: list[tuple[Row, str]] = field(default_factory=list)


_outcomes: OrderedDict[str, Outcome] = OrderedDict()


@router.get("/scheduler/jobs-bulk", dependencies=[operator])
def ask(request: Request, action: str = "", id: Annotated[list[int] | None, Query()] = None, all: bool = False) -> Response:
    """Show how many jobs it would be, and ask."""
    chosen = _chosen(action, id, all)
    filters = filters_of(request.query_params) if all else {}
    with place_of(request).reading() as connection:
        found = web_jobs.matching(connection, filters, chosen)
    return page(request, "jobs_bulk.html", action=action, filters=filters, ids=chosen or [], all=all, number=len(found),
                first=found[:NAMED], asks=len(found) > ASKS_ABOVE)


@router.post("/scheduler/jobs-bulk", dependencies=[operator])
def act(
    request: Request, action: Annotated[str, Form()], expect: Annotated[int, Form()], typed: Annotated[str, Form()] = "",
    id: Annotated[list[int] | None, Form()] = None, all: Annotated[bool, Form()] = False,
) -> Response:
    """Act on the filter, provided that it still means as many jobs as were shown."""
    chosen = _chosen(action, id, all)
    filters = filters_of(request.query_params) if all else {}
    outcome = Outcome(action, request.state.person.actor)
    with place_of(request).changing(request) as connection:
        found = web_jobs.matching(connection, filters, chosen)
        _check_number(len(found), expect, typed)
        for job in found:
            _act_on(connection, request, job, outcome)
    return RedirectResponse(f"/scheduler/jobs-bulk/{_keep(outcome)}", 303)


@router.get("/scheduler/jobs-bulk/{key}", dependencies=[operator])
def result(request: Request, key: str) -> Response:
    """Tell what became of it."""
    outcome = _outcomes.get(key)
    if outcome is None or outcome.actor != request.state.person.actor:
        raise HTTPException(404)
    return page(request, "jobs_bulk_result.html", outcome=outcome)


def _chosen(action: str, ids: list[int] | None, all_: bool) -> list[int] | None:
    """Return the numbers that were ticked, None for all of the filter. Raises Refused."""
    if action not in ACTIONS:
        raise HTTPException(404)
    if all_:
        return None
    return [each for each in ids or [] if 0 < each <= LARGEST]


def _check_number(number: int, expect: int, typed: str) -> None:
    if number != expect:
        words = say(f"그사이 해당하는 작업이 {expect}개에서 {number}개로 바뀌었습니다. 다시 확인하세요",
                    f"the filter meant {expect} jobs and now means {number}; look again")
        raise Refused(Problem(409, "changed", words))
    if number > ASKS_ABOVE and typed.strip() != str(number):
        words = say(f"확인을 위해 작업 수 {number}을(를) 입력하세요", f"type the number of jobs, {number}, to confirm")
        raise Refused(Problem(422, "invalid", words))


def _act_on(connection: psycopg.Connection[Any], request: Request, job: Row, outcome: Outcome) -> None:
    """Act on one job; a refusal of the database takes back this job only."""
    if (outcome.action == "pause" and job["status"] == "paused") or (outcome.action == "resume" and job["status"] == "active"):
        outcome.refused.append((job, say("이미 그 상태입니다", "it is so already")))
        return
    try:
        with connection.transaction():
            ACTIONS[outcome.action](connection, request, job["id"])
        outcome.done += 1
    except (psycopg.Error, SchedulerError) as error:
        known = in_our_words(error) if isinstance(error, psycopg.Error) else error
        if known is None or connection.closed:
            raise
        outcome.refused.append((job, str(known).splitlines()[0]))


def _keep(outcome: Outcome) -> str:
    key = secrets.token_urlsafe(12)
    _outcomes[key] = outcome
    if len(_outcomes) > KEPT:
        _outcomes.popitem(last=False)
    return key
