"""`/api/v1/locks`: who holds what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from scheduler.errors import NotFound
from scheduler.queries.rows import rows
from scheduler.web import deeds
from scheduler.web.answers import Answer
from scheduler.web.inputs import LARGEST, Id
from scheduler.web.place import place_of
from scheduler.web.rights import operator, viewer
from scheduler.words import say

router = APIRouter(tags=["locks"])
LOCKS = """
SELECT * FROM schedule_locks_live
 WHERE %(job)s::bigint IS NULL OR job_id = %(job)s
 ORDER BY living DESC, locked_at, job_id, slot LIMIT 1000
"""


@router.get("/api/v1/locks", dependencies=[viewer])
def list_locks(request: Request, job_id: Annotated[int | None, Query(ge=1, le=LARGEST)] = None) -> Answer:
    """List the locks, those in force first."""
    with place_of(request).reading() as connection:
        return Answer({"items": rows(connection, LOCKS, {"job": job_id})})


@router.delete("/api/v1/locks/{job_id}", dependencies=[operator])
def release_lock(
    request: Request, job_id: Id,
    force: Annotated[bool, Query(description="살아 있어도 (실행은 취소됨) / Even in force; its execution ends")] = False,
) -> Answer:
    """Free the locks of a job; one in force only with force, which cancels its execution."""
    with place_of(request).changing(request) as connection:
        freed = deeds.release(connection, request, job_id, force)
        if not freed:
            raise NotFound(say(f"작업 {job_id}에는 잠금이 없습니다", f"job {job_id} has no lock"))
    return Answer({"released": freed})
