"""`/scheduler/users`: who may log in, and as what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.queries import web_accounts, web_tokens
from scheduler.web import account_deeds, passwords
from scheduler.web.people import IDLE, LONGEST
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import admin

router = APIRouter(include_in_schema=False)
USERS = "/scheduler/users"


@router.get(USERS, dependencies=[admin])
def users(request: Request) -> Response:
    """Show everybody."""
    with place_of(request).reading() as connection:
        found = web_accounts.users(connection, IDLE, LONGEST)
        tokens = web_tokens.names_by_maker(connection)
    return page(request, "users.html", users=found, tokens=tokens, shortest=passwords.SHORTEST)


@router.get(USERS + "/{user_id}", dependencies=[admin])
def user(request: Request, user_id: int) -> Response:
    """Show everybody, with the forms of one person open."""
    return RedirectResponse(f"{USERS}#user-{user_id}", 303)


@router.post(USERS, dependencies=[admin])
def add(
    request: Request, name: Annotated[str, Form()] = "", role: Annotated[str, Form()] = "viewer",
    password: Annotated[str, Form()] = "", again: Annotated[str, Form()] = "",
) -> Response:
    """Add a person."""
    with place_of(request).changing(request) as connection:
        account_deeds.add_user(connection, request, name, role, password, again)
    return _back()


@router.post(USERS + "/{user_id}/role", dependencies=[admin])
def set_role(request: Request, user_id: int, role: Annotated[str, Form()]) -> Response:
    """Give a person another role."""
    with place_of(request).changing(request) as connection:
        account_deeds.set_role(connection, request, user_id, role)
    return _back()


@router.post(USERS + "/{user_id}/password", dependencies=[admin])
def set_password(
    request: Request, user_id: int, password: Annotated[str, Form()] = "", again: Annotated[str, Form()] = "",
    keep_tokens: Annotated[bool, Form()] = False,
) -> Response:
    """Give a person another password; tokens they made end with it."""
    with place_of(request).changing(request) as connection:
        account_deeds.set_password(connection, request, user_id, password, again, keep_tokens)
    return _back()


@router.post(USERS + "/{user_id}/disable", dependencies=[admin])
def disable(request: Request, user_id: int) -> Response:
    """Let a person in no longer."""
    with place_of(request).changing(request) as connection:
        account_deeds.disable(connection, request, user_id)
    return _back()


@router.post(USERS + "/{user_id}/enable", dependencies=[admin])
def enable(request: Request, user_id: int) -> Response:
    """Let a person in again."""
    with place_of(request).changing(request) as connection:
        account_deeds.enable(connection, request, user_id)
    return _back()


@router.post(USERS + "/{user_id}/sessions/end", dependencies=[admin])
def end_sessions(request: Request, user_id: int) -> Response:
    """Log a person out everywhere."""
    with place_of(request).changing(request) as connection:
        account_deeds.end_sessions(connection, request, user_id)
    return _back()


def _back() -> Response:
    return RedirectResponse(USERS, 303)
