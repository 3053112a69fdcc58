"""Who may do what. Each route names its role; a route that names none keeps the process from starting.

The right belongs to the route object, never to a path: however a path is spelt, the route that answers decides.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scheduler.errors import DatabaseUnavailable, SchedulerError
from scheduler.web import sending
from scheduler.web.people import Person, find_person
from scheduler.web.place import place_of
from scheduler.words import say

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Role(IntEnum):
    """From less to more: what a viewer may, an operator may too."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


class NotLoggedIn(SchedulerError):
    """Nobody known asks."""


class Forbidden(SchedulerError):
    """Whoever asks may not."""


class Needs:
    """The dependency that a route declares: ``dependencies=[operator]``. None lets anybody in."""

    def __init__(self, role: Role | None) -> None:
        self.role = role

    async def __call__(self, request: Request) -> None:
        person = await run_in_threadpool(find_person, place_of(request), request)
        request.state.person = person
        if person is not None and person.recalled and request.method not in SAFE:
            raise DatabaseUnavailable(say("데이터베이스에 연결할 수 없습니다", "the database cannot be reached"))
        if self.role is None:
            return
        if person is None:
            raise NotLoggedIn("log in first")
        if request.method not in SAFE and person.session is not None:
            await _check_origin(request, person)
        if Role[person.role.upper()] < self.role:
            raise Forbidden(self.role.name.lower())


anyone, viewer, operator, admin = (Depends(Needs(role)) for role in (None, Role.VIEWER, Role.OPERATOR, Role.ADMIN))


def check_site(request: Request) -> None:
    """Refuse what a page of another site sends here."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Forbidden("cross-site request")
    origin = request.headers.get("origin")
    if site is None and origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Forbidden("cross-site request")


async def _check_origin(request: Request, person: Person) -> None:
    """Refuse what another site sends with the cookie of a person who is logged in here."""
    check_site(request)
    given = request.headers.get(sending.HEADER)
    if given is None and request.headers.get("content-type", "").split(";")[0] in FORMS:
        given = str((await request.form()).get(sending.FIELD, ""))
    assert person.session is not None
    if not hmac.compare_digest(sending.session_part(given or "").encode(), person.session.csrf.encode()):
        raise Forbidden("the form is out of date; load the page again")
    await sending.mark(request, given or "")


def role_of(route: APIRoute) -> Role | None:
    """Return the role that *route* names, None for anybody. Raises LookupError when it names none, or two."""
    needs = [each.dependency for each in route.dependencies if isinstance(each.dependency, Needs)]
    if len(needs) != 1:
        raise LookupError(f"{route.path}: a route names exactly one of anyone, viewer, operator, admin")
    return needs[0].role


def matrix(app: FastAPI) -> list[tuple[str, str, Role | None]]:
    """Return every (method, path, role) that *app* answers. Raises LookupError for a route without a role."""
    return [(method, route.path, role_of(route)) for route in api_routes(app.routes) for method in sorted(route.methods or ())]


def methods_of(app: FastAPI, path: str) -> list[str]:
    """Return every method that an address answers, whichever route it is that does."""
    return sorted({method for route in api_routes(app.routes) if route.path_regex.match(path) for method in route.methods or ()})


def api_routes(routes: Any) -> Iterator[APIRoute]:
    """Yield all routes with a handler of ours, also those of routers within."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from api_routes(getattr(getattr(route, "original_router", route), "routes", None) or ())
