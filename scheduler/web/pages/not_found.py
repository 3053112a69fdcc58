"""Addresses below `/scheduler` that nothing answers: a page with what was probably meant."""

from __future__ import annotations

import difflib

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from scheduler.queries.rows import rows
from scheduler.web.pages.more import places
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import anyone
from scheduler.words import say

router = APIRouter(include_in_schema=False)
NEAR = 5
JOBS = "SELECT id, name FROM schedule_jobs WHERE NOT hidden AND name ILIKE %(pattern)s ORDER BY name LIMIT 5"


def not_found(request: Request, rest: str) -> Response:
    """Say that there is no such page. Names of jobs are for those who are logged in."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    person = request.state.person
    near = [] if person is None else [*_pages(request.url.path, person.role == "admin"), *_jobs(request, rest)]
    return page(request, "not_found.html", 404, near=near)


def _pages(path: str, is_admin: bool) -> list[tuple[str, str]]:
    known = {href: words for href, words, _ in places(is_admin)} | {
        "/scheduler": say("개요", "Overview"), "/scheduler/jobs": say("작업", "Jobs"), "/scheduler/executions": say("실행",
                                                                                                                "Executions"),
        "/scheduler/calendar": say("달력", "Calendar"), "/scheduler/markets": say("마켓", "Markets"),
        "/scheduler/nodes": say("노드", "Nodes"),
    }
    return [(href, known[href]) for href in difflib.get_close_matches(path.rstrip("/"), known, n=NEAR, cutoff=0.7)]


def _jobs(request: Request, rest: str) -> list[tuple[str, str]]:
    last = rest.rstrip("/").rpartition("/")[2].replace("\0", "")[:100]
    if len(last) < 2:
        return []
    pattern = "%" + last.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    with place_of(request).reading() as connection:
        return [(f"/scheduler/jobs/{each['id']}", each["name"]) for each in rows(connection, JOBS, {"pattern": pattern})]


# Asked only when no other route of the application answers, wherever this module stands among them.
router._low_priority_routes.append(
    APIRoute("/scheduler/{rest:path}", not_found, methods=["GET"], dependencies=[anyone], include_in_schema=False)
)
