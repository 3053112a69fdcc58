"""`/api/v1/jobs/{job}/snooze` and `/api/v1/snoozes`: keep the trouble of a job out of sight for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from scheduler.queries import rest_jobs, snoozes
from scheduler.rules import durations
from scheduler.web import aside_deeds
from scheduler.web.answers import Answer
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import Body, Long, Moment
from scheduler.web.job_address import JobAddress
from scheduler.web.models import Duration
from scheduler.web.place import place_of
from scheduler.web.rights import operator, viewer
from scheduler.words import say

router = APIRouter(route_class=OnceRoute, tags=["jobs"])


class Snooze(Body):
    """For how long the trouble of a job is hidden: one of for, until and until_fixed; and why."""

    for_: Duration | None = Field(default=None, alias="for", description="이만큼 / For so long", examples=["PT1H"])
    until: Moment | None = None
    until_fixed: Literal[True] | None = Field(default=None, description="다음에 성공할 때까지 / Until it succeeds again")
    reason: Annotated[Long, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Snooze:
        if sum(each is not None for each in (self.for_, self.until, self.until_fixed)) != 1:
            raise PydanticCustomError("end", "{words}", {"words": say("for, until, until_fixed 중 하나를 쓰세요",
                                                                      "write one of for, until and until_fixed")})
        return self


@router.get("/api/v1/snoozes", dependencies=[viewer])
def list_snoozes(request: Request) -> Answer:
    """List the jobs whose trouble is hidden now, those that come back first at the top."""
    with place_of(request).reading() as connection:
        return Answer({"items": snoozes.list_snoozed(connection)})


@router.post("/api/v1/jobs/{job:job}/snooze", dependencies=[operator])
def snooze_job(request: Request, job: JobAddress, how: Snooze) -> Answer:
    """Hide the trouble of a job for a while, or until it succeeds again; it goes on running as before."""
    length = None if how.for_ is None else timedelta(seconds=durations.seconds_of(how.for_))
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        return Answer(aside_deeds.snooze(connection, request, number, until=how.until, length=length, reason=how.reason))


@router.delete("/api/v1/jobs/{job:job}/snooze", dependencies=[operator], status_code=204)
def unsnooze_job(request: Request, job: JobAddress) -> Response:
    """Let the trouble of a job be seen again."""
    with place_of(request).changing(request) as connection:
        aside_deeds.unsnooze(connection, request, rest_jobs.find(connection, job))
    return Response(status_code=204)
