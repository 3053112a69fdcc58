"""Retry or cancel all executions of a filter, or those that are ticked: counted first, guarded by that number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from scheduler.cli.execution_words import trigger_words
from scheduler.queries import filtered_executions as queries
from scheduler.queries import ticked_executions
from scheduler.queries.rows import Row
from scheduler.web import bulk, deeds
from scheduler.web.pages.executions import PATH, filtered, meant_of, ticked
from scheduler.web.place import place_of
from scheduler.web.problems import Refused
from scheduler.web.render import page, with_query
from scheduler.web.rights import operator

router = APIRouter(include_in_schema=False)
DEEDS = ("retry", "cancel")
LONGEST_REASON = 500
Connection = psycopg.Connection[Any]


@router.get(PATH + "/{deed}-all", dependencies=[operator])
def ask(request: Request, deed: str, id: Annotated[list[str] | None, Query()] = None, some: bool = False) -> Response:
    """Show how many a deed would concern, before it is done; *some* says that only what is ticked is meant."""
    return _page(request, _known(deed), _ticked(id, some))


@router.post(PATH + "/{deed}-all", dependencies=[operator])
def do(
    request: Request, deed: str, expect: Annotated[int, Form()], upto: Annotated[int, Form(ge=0, lt=2**63 - 1)],
    typed: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = "", id: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Retry or cancel all that match, as many as were shown."""
    ids, text = _ticked(id, False), reason.replace("\0", "").strip()[:LONGEST_REASON] or None
    with place_of(request).reading() as connection:
        found = _found(connection, request, _known(deed), ids, upto)[:queries.MOST]
    try:
        bulk.check_number(len(found), expect, typed)
    except Refused as error:
        return _page(request, deed, ids, error)
    outcome = bulk.Outcome("executions", deed, bulk.actor_of(request), len(found), PATH + with_query(filtered(request)))
    return RedirectResponse(bulk.start(request, outcome, found, _deed(request, deed, text)), 303)


def _known(deed: str) -> str:
    if deed not in DEEDS:
        raise HTTPException(404)
    return deed


def _ticked(texts: list[str] | None, some: bool) -> list[int] | None:
    """Return the numbers that were ticked, None for all of the filter."""
    return ticked(texts or []) if texts or some else None


def _found(connection: Connection, request: Request, deed: str, ids: list[int] | None, upto: int | None = None) -> list[Row]:
    """Return what is meant: what was ticked, else what the filter lets through; what came since is not meant."""
    if ids is not None:
        return (ticked_executions.to_retry if deed == "retry" else ticked_executions.to_cancel)(connection, ids)
    finder = queries.to_retry if deed == "retry" else queries.to_cancel
    return finder(connection, meant_of(connection, request), upto)


def _deed(request: Request, deed: str, reason: str | None) -> Callable[[Connection, Row], Any]:
    if deed == "retry":
        return lambda connection, each: deeds.retry(connection, request, each["id"])
    return lambda connection, each: deeds.cancel(connection, request, each["id"], reason)


def _page(request: Request, deed: str, ids: list[int] | None, fault: Refused | None = None) -> Response:
    with place_of(request).reading() as connection:
        wanted = meant_of(connection, request)
        found = _found(connection, request, deed, ids)
        choices = queries.choices(connection, wanted.job)
    return page(request, "executions_bulk.html", 200 if fault is None else fault.problem.status, deed=deed, wanted=wanted,
                choices=choices, found=found, ids=ids, filtered=filtered(request), most=queries.MOST,
                ask_above=bulk.ASKS_ABOVE, shown=bulk.NAMED, fault=None if fault is None else fault.problem.detail,
                trigger_name=lambda trigger: trigger_words({"trigger": trigger}))
