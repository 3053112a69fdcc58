"""`/api/v1/jobs/{job}/revisions`: who changed what, and the way back, also for a job that was deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request

from scheduler.queries import rest_jobs
from scheduler.secrets import Redactor
from scheduler.web import deeds
from scheduler.web.answers import Answer
from scheduler.web.idempotency import OnceRoute
from scheduler.web.job_address import JobAddress
from scheduler.web.job_view import job_answer, one
from scheduler.web.paging import PageAsked, page_of
from scheduler.web.place import place_of
from scheduler.web.rights import admin, viewer

router = APIRouter(route_class=OnceRoute, tags=["jobs"])
LARGEST_REVISION = 2**31 - 1
Revision = Annotated[int, Path(ge=0, le=LARGEST_REVISION, description="0은 첫 변경 전 / 0 is before the first edit")]


@router.get("/api/v1/jobs/{job:job}/revisions", dependencies=[viewer])
def revisions_of_job(request: Request, job: JobAddress, asked: PageAsked) -> Answer:
    """List the edits of a job, newest first: who, when, through which door, from what to what."""
    below = asked.after("revision", (int,))
    with place_of(request).reading() as connection:
        number = rest_jobs.find(connection, job, gone=True)
        found = rest_jobs.history(connection, number, None if below is None else _within(below[0]), asked.limit + 1)
        total = rest_jobs.revisions(connection, [number]).get(number, 0) if asked.counts else None
    mask = Redactor()
    return page_of(request, asked, found, "revision", lambda each: (each["revision"],), total=total,
                   shown=lambda each: {**each, "old": mask.value(each["old"]), "new": mask.value(each["new"])})


def _within(number: int | None) -> int | None:
    return None if number is None else min(number, LARGEST_REVISION)


@router.post("/api/v1/jobs/{job:job}/revisions/{revision}/restore", dependencies=[admin])
def restore_job(request: Request, job: JobAddress, revision: Revision) -> Answer:
    """Set a job back to what it was after that edit, also one that was deleted."""
    with place_of(request).changing(request) as connection:
        number = rest_jobs.find(connection, job, gone=True)
        deeds.restore(connection, request, number, revision)
        return job_answer(one(connection, number))
