"""`POST /api/v1/jobs:batch`: run, pause, resume, limit, change or archive all jobs of a filter, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import psycopg
from fastapi import APIRouter
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from scheduler.database.connection import is_outage
from scheduler.database.refusals import in_our_words
from scheduler.errors import Conflict, SchedulerError
from scheduler.queries import rest_jobs
from scheduler.queries.rows import Row
from scheduler.web import deeds, job_deeds
from scheduler.web.answers import Answer
from scheduler.web.api.jobs import Status
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import LARGEST, Body, Moment, Short, refused
from scheduler.web.models import JobPatch, Number
from scheduler.web.people import Person
from scheduler.web.place import place_of
from scheduler.web.problems import Refused
from scheduler.web.rights import Forbidden, operator
from scheduler.words import say

router = APIRouter(route_class=OnceRoute, tags=["jobs"])
MOST = 1000
# So many rows are held at a time: the daemon, which writes them too, must not wait for the whole batch.
AT_ONCE = 20
LONGEST_MINUTES = 7 * 1440
FOR_ADMINS = ("timeout", "archive", "delete", "set")
Connection = job_deeds.Connection


class Filter(Body):
    """As the list of jobs takes them; none is every job."""

    status: list[Status] | None = Field(default=None, min_length=1, max_length=4, examples=[["active"]])
    job_type: Short | None = None
    market: Short | None = Field(default=None, examples=["coupang"])
    tag: Short | None = None
    q: Short | None = None
    failing: bool | None = None


class Batch(Body):
    """What to do with which jobs; timeout, set and archive (which delete is, too) need an admin.

    expect  how many they were when one looked: when they are others by now, nothing is done
    """

    action: Literal["run", "pause", "resume", "timeout", "archive", "delete", "set"]
    filter: Filter | None = None
    ids: list[Number] | None = Field(default=None, min_length=1, max_length=MOST)
    expect: int | None = Field(default=None, ge=0, le=LARGEST)
    set: JobPatch | None = Field(default=None, description="action=set", examples=[{"max_retries": 5}])
    until: Moment | None = Field(default=None, description="action=pause")
    reason: Annotated[Short | None, Field(description="action=pause")] = None
    run_missed: bool = Field(default=False, description="action=resume")
    timeout_minutes: Annotated[float, Field(gt=0, le=LONGEST_MINUTES, allow_inf_nan=False)] | None = Field(
        default=None, description="action=timeout", examples=[45])

    @model_validator(mode="after")
    def _is_whole(self) -> Batch:
        if (self.filter is None) is (self.ids is None):
            raise _wrong("filter와 ids 중 하나만 쓰세요", "write either filter or ids")
        if self.filter is not None and not self.filter.model_dump(exclude_none=True) and self.expect is None:
            raise _wrong("모든 작업이면 expect도 쓰세요", "for all jobs, say expect too")
        if (self.action == "set") is not (self.set is not None and bool(self.set.model_fields_set)):
            raise _wrong("set은 action이 set일 때만 씁니다", "set goes with the action set")
        if (self.action == "timeout") is not (self.timeout_minutes is not None):
            raise _wrong("timeout_minutes는 action이 timeout일 때만 씁니다", "timeout_minutes goes with the action timeout")
        if self.set is not None and "name" in self.set.model_fields_set:
            raise _wrong("이름은 하나씩 바꾸세요", "names are changed one by one")
        return self


def _wrong(korean: str, english: str) -> PydanticCustomError:
    return PydanticCustomError("batch", "{words}", {"words": say(korean, english)})


@router.post("/api/v1/jobs:batch", dependencies=[operator])
def change_jobs(request: Request, wanted: Batch) -> Answer:
    """Do one thing with many jobs; one that cannot be is named with the reason, and keeps no other from its turn."""
    person: Person = request.state.person
    if wanted.action in FOR_ADMINS and person.role != "admin":
        raise Forbidden("admin")
    with place_of(request).reading() as connection:
        found = _chosen(connection, wanted)
    done: list[Row] = []
    refusals: list[Row] = []
    for first in range(0, len(found), AT_ONCE):
        with place_of(request).changing(request) as connection:
            _some(connection, request, wanted, found[first:first + AT_ONCE], done, refusals)
    return Answer({"action": wanted.action, "matched": len(found), "done": done, "refused": refusals})


def _chosen(connection: Connection, wanted: Batch) -> list[int]:
    """Return the jobs that are meant. Raises Conflict when they are not as many as expected."""
    given = {"ids": wanted.ids} if wanted.filter is None else wanted.filter.model_dump()
    found = rest_jobs.matching(connection, given, MOST + 1)
    if len(found) > MOST:
        words = say(f"한 번에 {MOST}개까지입니다. 조건을 좁히세요", f"at most {MOST} at once; narrow the filter")
        raise refused("filter", words, "body")
    expected = len(set(wanted.ids)) if wanted.ids and wanted.expect is None else wanted.expect
    if expected is not None and len(found) != expected:
        raise Conflict(say(f"지금은 {len(found)}개입니다 (예상 {expected}개). 아무것도 하지 않았습니다",
                           f"they are {len(found)} now, not {expected}; nothing was done"))
    return found


def _some(
    connection: Connection, request: Request, wanted: Batch, ids: Sequence[int], done: list[Row], refusals: list[Row]
) -> None:
    """Do it with a few jobs in one transaction, and add to *done* and *refusals*."""
    if wanted.set is not None and "after" in wanted.set.model_fields_set:
        connection.execute(rest_jobs.TURN)
    for number in ids:
        try:
            with connection.transaction():
                done.append({"id": number, **_one(connection, request, wanted, number)})
        except (psycopg.Error, SchedulerError) as error:
            if is_outage(error):
                raise
            refusals.append({"id": number, "detail": _words(error)})


def _one(connection: Connection, request: Request, wanted: Batch, number: int) -> Row:
    if wanted.action == "run":
        return {"execution_id": deeds.run(connection, request, number)}
    if wanted.action == "pause":
        return {"status": deeds.pause(connection, request, number, wanted.until, wanted.reason)["status"]}
    if wanted.action == "resume":
        found = deeds.resume(connection, request, number, wanted.run_missed)
        return {"status": found["status"], "execution_id": found["execution_id"]}
    if wanted.action in ("archive", "delete"):
        return {"name": deeds.remove(connection, request, number)["name"]}
    patch = wanted.set or JobPatch(timeout_minutes=wanted.timeout_minutes)
    job_deeds.edit(connection, request, number, patch)
    return {"revision": rest_jobs.revisions(connection, [number]).get(number, 0)}


def _words(error: Exception) -> str:
    told = error.problem.detail if isinstance(error, Refused) else in_our_words(error) or error
    return (str(told).splitlines() or [type(told).__name__])[0]
