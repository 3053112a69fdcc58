"""`/scheduler/locks`: who holds what, and how to free it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.queries.rows import rows
from scheduler.web import deeds
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import operator, viewer

router = APIRouter(include_in_schema=False)
LOCKS = "SELECT * FROM schedule_locks_live ORDER BY living DESC, locked_at LIMIT 500"


@router.get("/scheduler/locks", dependencies=[viewer])
def locks(request: Request) -> Response:
    """Show the locks."""
    with place_of(request).reading() as connection:
        found = rows(connection, LOCKS)
    return page(request, "locks.html", locks=found)


@router.post("/scheduler/locks/{job_id}/release", dependencies=[operator])
def release(request: Request, job_id: int, force: Annotated[bool, Form()] = False) -> Response:
    """Free the lock of a job; by force, what holds it is cancelled."""
    with place_of(request).changing(request) as connection:
        deeds.release(connection, request, job_id, force)
    return RedirectResponse("/scheduler/locks", 303)
