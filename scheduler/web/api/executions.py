"""`/api/v1/executions`: history and queue, one execution, one-off runs, another try, the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scheduler.queries import rest_executions as queries
from scheduler.queries.executions import execution
from scheduler.queries.rows import Row
from scheduler.web import deeds
from scheduler.web.answers import Answer
from scheduler.web.execution_waiting import Wait, accepted, read, shown
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import LARGEST, MOST_NAMES, Body, Id, Long, Moment, Short, moment_of, seconds_of
from scheduler.web.models import SafeParameters
from scheduler.web.paging import PageAsked, page_of
from scheduler.web.place import place_of
from scheduler.web.powers import fitting
from scheduler.web.rights import operator, viewer

router = APIRouter(route_class=OnceRoute, tags=["executions"])
Status = Literal["queued", "running", "success", "failed", "timed_out", "cancelled", "skipped", "lost"]
Trigger = Literal["schedule", "manual", "retry", "catchup", "dependency", "backfill"]


def _filters(
    status: Annotated[list[Status] | None, Query(max_length=8, description="여러 번 쓸 수 있습니다 / May be repeated")] = None,
    job_id: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
    job_type: Annotated[Short | None, Query()] = None,
    market: Annotated[Short | None, Query(examples=["coupang"])] = None,
    trigger: Annotated[Trigger | None, Query()] = None,
    node: Annotated[Short | None, Query()] = None,
    since: Annotated[Short | None, Query(description="24h, 또는 시각: 그 뒤에 끝났거나 아직 안 끝난 것 / 24h or a moment: "
                                         "ended since then, or not ended yet", examples=["24h"])] = None,
    until: Annotated[Short | None, Query(description="그 전에 끝난 것 / Ended before then")] = None,
    q: Annotated[Short | None, Query(description="작업 이름이나 오류에 든 글 / Text in the job's name or the error")] = None,
) -> Row:
    return {
        "statuses": list(status) if status else None, "job_id": job_id, "job_type": job_type, "market": market,
        "trigger": trigger, "node": node, "q": q, "since": None if since is None else moment_of(since, "since"),
        "until": None if until is None else moment_of(until, "until"),
    }


Filters = Annotated[Row, Depends(_filters)]


@router.get("/api/v1/executions", dependencies=[viewer])
def list_executions(
    request: Request, asked: PageAsked, given: Filters,
    sort: Annotated[Literal["-id", "-finished_at"], Query(description="만든 순서나 끝난 순서 / By making or by ending")] = "-id",
) -> Answer:
    """List executions, the newest first.

    A result longer than 4 kB stands only in the execution itself. One page looks at 50,000 executions at most: where a
    filter matches few of them it is short, or even empty, and `next` goes on; the list ends where `next` is null.
    """
    by_end = sort == "-finished_at"
    after = asked.after(sort, (datetime, int) if by_end else (int,))
    with place_of(request).reading() as connection:
        found = queries.list_page(connection, given, by_end, after, asked.limit + 1)
        total = queries.count(connection, given) if asked.counts else None
    return page_of(request, asked, found.rows, sort, lambda each: (each["finished_at"], each["id"]) if by_end else (each["id"],),
                   shown=shown, total=total, reached=found.reached)


@router.get("/api/v1/executions/{execution_id}", dependencies=[viewer])
def get_execution(request: Request, execution_id: Id) -> Answer:
    """Return one execution with its parameters and its whole result."""
    return Answer(read(request, execution_id))


class OneOff(Body):
    """One run of a job type, without a job."""

    job_type: Short = Field(examples=["order_collection"])
    parameters: SafeParameters = Field(default_factory=dict, examples=[{"days": 1}])
    markets: list[Short] = Field(default_factory=list, max_length=MOST_NAMES, examples=[["coupang"]])
    mode: Literal["immediate", "delayed", "scheduled"] = "immediate"
    delay: Short | None = Field(default=None, description="mode=delayed: 90s, 30m, 1h", examples=["10m"])
    run_at: Moment | None = Field(default=None, description="mode=scheduled")

    @model_validator(mode="after")
    def _fits_mode(self) -> OneOff:
        given = {"immediate": (False, False), "delayed": (True, False), "scheduled": (False, True)}[self.mode]
        if given != (self.delay is not None, self.run_at is not None):
            raise ValueError("delay belongs to mode delayed, run_at to mode scheduled")
        return self


@router.post("/api/v1/executions", dependencies=[operator], status_code=202)
async def run_once(request: Request, wanted: OneOff, wait: Wait = 0) -> Answer:
    """Run a job type once, without making a job: now, after a delay, or at a moment.

    Types that do whatever their parameters say (sql_statement, http_request, data_cleanup) need an admin.
    """
    return await accepted(request, await run_in_threadpool(_run_once, request, wanted), wait)


def _run_once(request: Request, wanted: OneOff) -> int:
    delay = timedelta()
    if wanted.delay is not None:
        delay = timedelta(seconds=seconds_of(wanted.delay, "delay"))
    elif wanted.run_at is not None:
        delay = max(wanted.run_at - datetime.now(UTC), delay)
    with place_of(request).changing(request) as connection:
        fitting(connection, wanted.job_type, wanted.parameters)
        return deeds.run_once(connection, request, wanted.job_type, wanted.parameters, wanted.markets, delay)


class Again(Body):
    """How to try again; nothing says: as before."""

    parameters: SafeParameters | None = Field(default=None, description="바꿀 것만 / Only what changes", examples=[{"days": 3}])


@router.post("/api/v1/executions/{execution_id}/retry", dependencies=[operator], status_code=202)
async def retry(request: Request, execution_id: Id, how: Again | None = None, wait: Wait = 0) -> Answer:
    """Queue another attempt at the same planned time."""
    number = await run_in_threadpool(_retry, request, execution_id, None if how is None else how.parameters)
    return await accepted(request, number, wait)


def _retry(request: Request, number: int, changed: dict[str, Any] | None) -> int:
    with place_of(request).changing(request) as connection:
        if changed is None:
            return deeds.retry(connection, request, number)
        former = execution(connection, number)
        parameters = {**former["parameters"], **changed}
        fitting(connection, former["job_type"], parameters)
        return deeds.retry(connection, request, number, parameters)


class Ending(Body):
    """Why it is to end; kept with the execution."""

    reason: Long | None = Field(default=None, examples=["잘못된 기간"])


@router.post("/api/v1/executions/{execution_id}/cancel", dependencies=[operator], status_code=202)
def cancel(request: Request, execution_id: Id, why: Ending | None = None) -> Answer:
    """End an execution: at once when it waits, soon when it runs."""
    with place_of(request).changing(request) as connection:
        deeds.cancel(connection, request, execution_id, None if why is None else why.reason)
    return Answer(read(request, execution_id), 202, {"Location": f"/api/v1/executions/{execution_id}"})
