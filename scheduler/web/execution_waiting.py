"""`?wait=30`: answer when an execution has ended, or when the time is over."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

import psycopg
from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scheduler.errors import DatabaseUnavailable
from scheduler.model import ENDED
from scheduler.queries import executions
from scheduler.queries.rest_executions import state
from scheduler.secrets import Redactor
from scheduler.web.answers import Answer
from scheduler.web.place import place_of

LONGEST_WAIT = 60.0
LOOK_SECONDS = 0.2
SLOWEST_LOOK_SECONDS = 1.0

Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="끝날 때까지 기다릴 초 / Seconds to wait for its end")]


def shown(found: dict[str, Any]) -> dict[str, Any]:
    """Return an execution as programs see it: secrets masked."""
    masked: dict[str, Any] = Redactor().value(found)
    return masked


def read(request: Request, number: int) -> dict[str, Any]:
    """Return one execution. Raises NotFound."""
    with place_of(request).reading() as connection:
        return shown(executions.execution(connection, number))


async def accepted(request: Request, number: int, wait: float) -> Answer:
    """Answer 202 with the execution and its address, once it has ended or *wait* seconds are over.

    It waits without a thread and without a connection, so that many who wait keep nobody else from being served. The
    execution is queued already: that the database has gone since is no reason to answer that nothing was done.
    """
    headers = {"Location": f"/api/v1/executions/{number}"}
    try:
        return Answer(await _when_ended(request, number, wait), 202, headers)
    except (DatabaseUnavailable, psycopg.Error):
        return Answer({"id": number, "status": "queued"}, 202, headers)


async def _when_ended(request: Request, number: int, wait: float) -> dict[str, Any]:
    until, pause = time.monotonic() + wait, LOOK_SECONDS
    while time.monotonic() < until and await run_in_threadpool(_state, request, number) not in ENDED:
        if await request.is_disconnected():
            break
        await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
        pause = min(pause * 1.1, SLOWEST_LOOK_SECONDS)
    return await run_in_threadpool(read, request, number)


def _state(request: Request, number: int) -> str | None:
    with place_of(request).reading() as connection:
        return state(connection, number)
