"""`/api/v1/jobs`: list, make, read, change and delete jobs."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from scheduler.queries import rest_jobs
from scheduler.queries.rows import Row
from scheduler.web import deeds, job_deeds
from scheduler.web.answers import Answer
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import Short
from scheduler.web.job_address import JobAddress
from scheduler.web.job_view import JOB_FIELDS, documents, job_answer, one
from scheduler.web.merge_patch import IfMatch, demanded
from scheduler.web.models import JobNew, JobPatch
from scheduler.web.paging import PageAsked, chosen_fields, page_of
from scheduler.web.place import place_of
from scheduler.web.rights import admin, viewer

router = APIRouter(route_class=OnceRoute, tags=["jobs"])
Status = Literal["active", "paused", "completed", "invalid"]
Sort = Literal["id", "-id", "name", "-name", "next_run_at", "-next_run_at", "last_run_at", "-last_run_at",
               "consecutive_failures", "-consecutive_failures"]
assert {each.removeprefix("-") for each in get_args(Sort)} == set(rest_jobs.SORTS)


def _filters(
    status: Annotated[list[Status] | None, Query(max_length=4, description="여러 번 쓸 수 있습니다 / May be repeated")] = None,
    job_type: Annotated[Short | None, Query(examples=["order_collection"])] = None,
    market: Annotated[Short | None, Query(examples=["coupang"])] = None,
    tag: Annotated[Short | None, Query()] = None,
    q: Annotated[Short | None, Query(description="이름, 설명, 담당자에 든 글 / Text in name, description or owner")] = None,
    failing: Annotated[bool | None, Query(description="실패하고 있거나 설정 오류인 작업 / Failing, or invalid")] = None,
) -> Row:
    return {"status": list(status) if status else None, "job_type": job_type, "market": market, "tag": tag, "q": q,
            "failing": failing}


Filters = Annotated[Row, Depends(_filters)]
Fields = Annotated[str | None, Query(max_length=1000, description="보낼 항목만 / Only these, as in id,name,status",
                                     examples=["id,name,status"])]


@router.get("/api/v1/jobs", dependencies=[viewer])
def list_jobs(request: Request, asked: PageAsked, given: Filters, sort: Sort = "id", fields: Fields = None) -> Answer:
    """List jobs; a hyphen before the sort turns it around."""
    wanted = chosen_fields(fields, JOB_FIELDS)
    column = sort.removeprefix("-")
    after = asked.after(sort, (rest_jobs.SORTS[column][1], int))
    with place_of(request).reading() as connection:
        found = rest_jobs.page(connection, given, sort, after, asked.limit + 1)
        shown = {each["id"]: document for each, document in
                 zip(found[:asked.limit], documents(connection, found[:asked.limit], wanted), strict=True)}
        total = rest_jobs.count(connection, given) if asked.counts else None
    return page_of(request, asked, found, sort, lambda each: (each[column], each["id"]),
                   shown=lambda each: shown[each["id"]], total=total)


@router.post("/api/v1/jobs", dependencies=[admin], status_code=201)
def make_job(request: Request, job: JobNew) -> Answer:
    """Make a job; without a schedule it runs only by hand."""
    with place_of(request).changing(request) as connection:
        return job_answer(one(connection, job_deeds.add(connection, request, job)), 201)


@router.get("/api/v1/jobs/{job:job}", dependencies=[viewer])
def get_job(request: Request, job: JobAddress, fields: Fields = None) -> Answer:
    """Return a job; its ETag is what If-Match takes."""
    wanted = chosen_fields(fields, JOB_FIELDS)
    with place_of(request).reading() as connection:
        found = one(connection, rest_jobs.find(connection, job))
    answer = job_answer(found)
    return answer if wanted is None else Answer({name: found[name] for name in JOB_FIELDS if name in wanted},
                                                headers={"ETag": answer.headers["etag"]})


@router.put("/api/v1/jobs/{job:job}", dependencies=[admin])
def replace_job(request: Request, job: JobAddress, body: JobNew, if_match: IfMatch = None) -> Answer:
    """Let a job be exactly so: what is not given is set back. Whether it is paused stays unless it is said.

    Needs If-Match with the ETag of the job as it was read.
    """
    condition = demanded(if_match)
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        job_deeds.replace(connection, request, number, body, condition)
        return job_answer(one(connection, number))


@router.patch("/api/v1/jobs/{job:job}", dependencies=[admin])
def change_job(request: Request, job: JobAddress, body: JobPatch, if_match: IfMatch = None) -> Answer:
    """Change what is given, as a JSON merge patch (RFC 7396): null sets a field back, parameters are merged.

    Needs If-Match with the ETag of the job as it was read; an edit plans anew and never makes a job fire.
    """
    condition = demanded(if_match)
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        job_deeds.edit(connection, request, number, body, condition)
        return job_answer(one(connection, number))


@router.delete("/api/v1/jobs/{job:job}", dependencies=[admin], status_code=204, response_class=Response)
def delete_job(
    request: Request, job: JobAddress, if_match: IfMatch = None,
    purge: Annotated[bool, Query(description="기록과 변경 이력까지 지웁니다, 되살릴 수 없습니다 / "
                                 "Its executions and edits too; nothing brings it back")] = False,
) -> Response:
    """Delete a job; its history stays, and restore brings it back. Takes If-Match.

    With purge its history goes as well, for good; refused (409) while an execution of it runs.
    """
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job)
        rest_jobs.lock(connection, number)
        job_deeds.demand(connection, number, if_match)
        (deeds.purge if purge else deeds.remove)(connection, request, number)
    return Response(status_code=204)
