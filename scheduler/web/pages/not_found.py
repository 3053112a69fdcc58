"""Addresses below `/scheduler` that nothing answers, and names of jobs that are none: a page with what was probably meant."""

from __future__ import annotations

import contextlib
import difflib
import re
from dataclasses import replace
from typing import Any

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import DatabaseUnavailable
from scheduler.queries.rows import rows
from scheduler.web.pages.more import places
from scheduler.web.people import find_person
from scheduler.web.place import place_of
from scheduler.web.problems import problem_of
from scheduler.web.render import page
from scheduler.words import say

NEAR = 5
# Names of one word are alike by chance: "nothing" and "settings" have five letters in common.
PATH_CUTOFF, NAME_CUTOFF = 0.8, 0.6
LONGEST = 100
CONTAINS = "SELECT id, name FROM schedule_jobs WHERE NOT hidden AND name ILIKE %(pattern)s ORDER BY name LIMIT 5"
NAMES = "SELECT id, name FROM schedule_jobs WHERE NOT hidden ORDER BY updated_at DESC LIMIT 5000"
# What a form is sent to, and the page where that form stands.
FORMS = (
    (re.compile(r"/scheduler/jobs/(\d{1,18})/(run|pause|resume|reschedule)"), r"/scheduler/job/\1/\2"),
    (re.compile(r"/scheduler/(executions|workflows)/(\d{1,18})/(?:cancel|retry|pause|resume|run)"), r"/scheduler/\1/\2"),
    (re.compile(r"/scheduler/(locks|users|tokens|me|settings|nodes|audit|calendar/days)/.*"), r"/scheduler/\1"),
)


def is_nowhere(request: Request, status: int) -> bool:
    """Say whether no route took a request for a page of ours, or only one that takes what a form sends."""
    if request.method != "GET" or not request.url.path.startswith("/scheduler/"):
        return False
    return status == 405 or (status == 404 and "endpoint" not in request.scope)


def near_page(request: Request) -> Response:
    """Say that there is no such page, or lead to the one where the form stands. Names of jobs are for those logged in."""
    path = request.url.path
    near: list[tuple[str, str]] = []
    # While the database is away nobody is known, and there is no such page still.
    with contextlib.suppress(DatabaseUnavailable, psycopg.Error):
        person = request.state.person = find_person(place_of(request), request)
        if _is_for_forms(request):
            return _form_page(request, path)
        if person is not None:
            near = _pages(path, person.role)
            with place_of(request).reading() as connection:
                near += near_jobs(connection, path.rstrip("/").rpartition("/")[2])
    if _is_for_forms(request):
        return _refused(request)
    return page(request, "not_found.html", 404, near=near, asked=path, job=None)


def missing_job(request: Request, connection: psycopg.Connection[Any], name: str) -> Response:
    """Say that there is no such job, with the jobs whose names are near."""
    return page(request, "not_found.html", 404, near=near_jobs(connection, name), asked=name, job=name)


def near_jobs(connection: psycopg.Connection[Any], text: str) -> list[tuple[str, str]]:
    """Return address and name of the jobs whose names hold *text* or resemble it, the nearest first."""
    wanted = text.replace("\0", "").strip()[:LONGEST]
    if len(wanted) < 2 or wanted.isdecimal():
        return []
    pattern = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = {each["id"]: each["name"] for each in rows(connection, CONTAINS, {"pattern": pattern})}
    if len(found) < NEAR:
        known = {each["name"].casefold()[:LONGEST]: each for each in rows(connection, NAMES)}
        for name in difflib.get_close_matches(wanted.casefold(), known, n=NEAR, cutoff=NAME_CUTOFF):
            found.setdefault(known[name]["id"], known[name]["name"])
    return [(f"/scheduler/jobs/{number}", name) for number, name in list(found.items())[:NEAR]]


def _is_for_forms(request: Request) -> bool:
    return "endpoint" in request.scope


def _form_page(request: Request, path: str) -> Response:
    for pattern, there in FORMS:
        found = pattern.fullmatch(path)
        if found is not None:
            return RedirectResponse(found.expand(there), 303)
    return _refused(request)


def _refused(request: Request) -> Response:
    words = say("양식이 보내는 주소라 열어 볼 화면이 없습니다", "a form is sent here; there is no page to open")
    problem = replace(problem_of(HTTPException(405), request.state.trace_id), detail=words)
    return page(request, "problem.html", 405, problem=problem, trace_id=request.state.trace_id)


def _pages(path: str, role: str) -> list[tuple[str, str]]:
    known = {href: words for href, words, _ in places(role)} | {
        "/scheduler": say("개요", "Overview"), "/scheduler/jobs": say("작업", "Jobs"),
        "/scheduler/executions": say("실행", "Executions"), "/scheduler/calendar": say("달력", "Calendar"),
        "/scheduler/markets": say("마켓", "Markets"), "/scheduler/nodes": say("노드", "Nodes"),
    }
    # All begin alike, so only what comes after that is compared.
    last = {href.removeprefix("/scheduler").lstrip("/"): href for href in known}
    asked = path.removeprefix("/scheduler").strip("/")
    return [(last[each], known[last[each]]) for each in difflib.get_close_matches(asked, last, n=NEAR, cutoff=PATH_CUTOFF)]
