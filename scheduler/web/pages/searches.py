"""`/scheduler/searches`: keep a search of a list under a name, remove it, and choose the columns of the jobs for good."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import NotAllowed, ParameterError
from scheduler.queries import web_searches
from scheduler.web import searches
from scheduler.web.audit import note
from scheduler.web.job_list import PREFERENCE, read_columns
from scheduler.web.people import Person
from scheduler.web.place import place_of
from scheduler.web.rights import Forbidden, viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)


@router.post("/scheduler/searches", dependencies=[viewer])
def save(
    request: Request, list_: Annotated[str, Form(alias="list")], name: Annotated[str, Form()] = "",
    query: Annotated[str, Form()] = "", shared: Annotated[bool, Form()] = False,
) -> Response:
    """Keep the filters of a list under a name; what everybody is to see needs an operator."""
    user = user_of(request)
    if list_ not in searches.PATHS:
        raise ParameterError(say("검색할 수 있는 목록이 아닙니다", "that is no list with searches"))
    if shared and request.state.person.role == "viewer":
        raise Forbidden("operator")
    kept, label = searches.cleaned(list_, query), name.replace("\0", "").strip()
    with place_of(request).changing(request) as connection:
        number = web_searches.save(connection, user, list_, label, kept, shared)
        if shared:
            note(connection, request, "search.share", f"search:{number}", label, after={"list": list_, "query": kept})
    return RedirectResponse(f"{searches.PATHS[list_]}?{kept}", 303)


@router.post("/scheduler/searches/{number}/remove", dependencies=[viewer])
def remove(request: Request, number: int) -> Response:
    """Remove a search of one's own; an admin removes those that others share, too."""
    user = user_of(request)
    if not 0 < number < 2**63:
        raise ParameterError(say("그런 번호는 없습니다", "there is no such number"))
    with place_of(request).changing(request) as connection:
        found = web_searches.remove(connection, user, number, request.state.person.role == "admin")
        if found["shared"]:
            note(connection, request, "search.remove", f"search:{number}", found["name"])
    return RedirectResponse(searches.PATHS[found["list"]], 303)


@router.post("/scheduler/jobs-columns", dependencies=[viewer])
def like(request: Request, columns: Annotated[str, Form()] = "", query: Annotated[str, Form()] = "") -> Response:
    """Show a person these columns from now on; none go back to the usual ones."""
    with place_of(request).changing(request) as connection:
        web_searches.prefer(connection, user_of(request), PREFERENCE, read_columns([columns]) or None)
    kept = searches.cleaned(searches.JOBS, query, without=("columns",))
    return RedirectResponse(f"{searches.PATHS[searches.JOBS]}?{kept}", 303)


def user_of(request: Request) -> int:
    """Return the number of the person. Raises NotAllowed for a program, which looks at no list."""
    person: Person = request.state.person
    if person.user_id is None:
        raise NotAllowed(say("로그인한 사람만 저장할 수 있습니다. 토큰에는 저장한 검색이 없습니다",
                             "only a person who is logged in keeps searches; a token has none"))
    return person.user_id
