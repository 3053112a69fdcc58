"""`POST /api/v1/executions:batch`: try again or end all of a filter, or those that are named."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter
from pydantic import Field, model_validator
from starlette.requests import Request

from scheduler.database.connection import is_outage
from scheduler.database.refusals import in_our_words
from scheduler.errors import Conflict, SchedulerError
from scheduler.queries.rest_executions import matching
from scheduler.queries.rows import Row
from scheduler.web import deeds
from scheduler.web.answers import Answer
from scheduler.web.api.executions import Status, Trigger
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import LARGEST, Body, Short, moment_of, refused
from scheduler.web.place import place_of
from scheduler.web.rights import operator
from scheduler.words import say

router = APIRouter(route_class=OnceRoute, tags=["executions"])
MOST = 1000
Number = Annotated[int, Field(ge=1, le=LARGEST)]


class Filter(Body):
    """As the list of executions takes them; at least one."""

    status: list[Status] | None = Field(default=None, min_length=1, max_length=8, examples=[["failed", "timed_out", "lost"]])
    job_id: Number | None = None
    job_type: Short | None = None
    market: Short | None = None
    trigger: Trigger | None = None
    node: Short | None = None
    since: Short | None = Field(default=None, examples=["24h"])
    until: Short | None = None
    q: Short | None = None

    def values(self) -> Row:
        given = self.model_dump(exclude_none=True)
        statuses = given.pop("status", None)
        moments: Row = {name: moment_of(given.pop(name), name) for name in ("since", "until") if name in given}
        return {"statuses": statuses or None, **given, **moments}


class Batch(Body):
    """What to do with which executions.

    expect  how many they were when one looked: when they are others by now, nothing is done
    """

    action: Literal["retry", "cancel"]
    filter: Filter | None = None
    ids: list[Number] | None = Field(default=None, min_length=1, max_length=MOST)
    expect: int | None = Field(default=None, ge=0, le=LARGEST)
    reason: Short | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Batch:
        is_empty = self.filter is not None and not self.filter.model_dump(exclude_none=True)
        if (self.filter is None) is (self.ids is None) or is_empty:
            raise ValueError("either ids, or a filter with at least one condition")
        return self


@router.post("/api/v1/executions:batch", dependencies=[operator])
def change_executions(request: Request, wanted: Batch) -> Answer:
    """Try again or end many executions; each one that cannot be is named with the reason, and keeps no other from its turn."""
    with place_of(request).changing(request) as connection:
        found = _chosen(connection, wanted)
        done, refusals = [], []
        for number in found:
            try:
                with connection.transaction():
                    done.append(_one(connection, request, wanted, number))
            except (psycopg.Error, SchedulerError) as error:
                if is_outage(error):
                    raise
                refusals.append({"id": number, "detail": _words(error)})
    return Answer({"matched": len(found), "done": done, "refused": refusals})


def _chosen(connection: psycopg.Connection[Any], wanted: Batch) -> list[int]:
    given = {"ids": wanted.ids} if wanted.filter is None else wanted.filter.values()
    found = matching(connection, given, MOST + 1)
    if len(found) > MOST:
        raise refused("filter", say(f"한 번에 {MOST}건까지입니다. 조건을 좁히세요",
                                    f"at most {MOST} at once; narrow the filter"), "body")
    if wanted.expect is not None and len(found) != wanted.expect:
        raise Conflict(say(f"지금은 {len(found)}건입니다 (예상 {wanted.expect}건). 아무것도 하지 않았습니다",
                           f"they are {len(found)} now, not {wanted.expect}; nothing was done"))
    return found


def _one(connection: psycopg.Connection[Any], request: Request, wanted: Batch, number: int) -> Row:
    if wanted.action == "retry":
        return {"id": number, "execution_id": deeds.retry(connection, request, number)}
    return {"id": number, "state": deeds.cancel(connection, request, number, wanted.reason)}


def _words(error: Exception) -> str:
    told = in_our_words(error) or error
    return (str(told).splitlines() or [type(told).__name__])[0]
