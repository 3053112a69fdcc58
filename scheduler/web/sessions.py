"""Logging in and out: a new session each time, its cookie, and the cookie of the language."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from scheduler.queries import web_accounts
from scheduler.queries.rows import Row
from scheduler.web.audit import note
from scheduler.web.guards import LANGUAGE_COOKIE
from scheduler.web.people import IDLE, LONGEST, Person, Session, cookie_name, digest, find_person, forget, is_secure, new_secret
from scheduler.web.place import place_of

YEAR_SECONDS = 365 * 24 * 3600
HOME = "/scheduler"
# A path of ours and nothing else: no other host, however it is spelt, and nothing that would end a header.
LOCAL = re.compile(r"/scheduler(?:[/?#][\x21-\x5b\x5d-\x7e\u00a0-\uffff]*)?")


def local_path(path: str | None, otherwise: str = HOME) -> str:
    """Return *path* when it is one of ours, else *otherwise*."""
    return path if path is not None and len(path) <= 2000 and LOCAL.fullmatch(path) else otherwise


def address_of(request: Request) -> str:
    """Return where the request comes from."""
    return request.client.host if request.client else "?"


def begin(connection: psycopg.Connection[Any], request: Request, user: Row) -> str:
    """Open a session of *user* and end the one the browser had. Returns what its cookie holds."""
    end(connection, request)
    secret, csrf = new_secret(), new_secret()
    web_accounts.open_session(
        connection, user["id"], digest(secret), csrf, address_of(request), request.headers.get("user-agent", ""), IDLE, LONGEST)
    request.state.person = Person(
        name=user["name"], role=user["role"], via="web", actor=f"user:{user['id']}", user_id=user["id"],
        session=Session(digest(secret), csrf), language=user["language"], theme=user["theme"], single_keys=user["single_keys"])
    note(connection, request, "session.begin", f"user:{user['id']}", user["name"])
    return secret


def end(connection: psycopg.Connection[Any], request: Request) -> None:
    """End the session that the browser's cookie names, if any."""
    cookie = request.cookies.get(cookie_name(request))
    if cookie:
        web_accounts.close(connection, digest(cookie))
        forget(digest(cookie))


def who(request: Request) -> Person | None:
    """Return who is logged in already, on pages that let anybody in."""
    return find_person(place_of(request), request)


def set_session_cookie(response: Response, request: Request, secret: str) -> None:
    """Give the browser its session; it keeps it until it is closed."""
    response.set_cookie(cookie_name(request), secret, path="/", httponly=True, samesite="lax", secure=is_secure(request))


def drop_session_cookie(response: Response, request: Request) -> None:
    """Take the browser's session away."""
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="lax", secure=is_secure(request))


def set_language_cookie(response: Response, request: Request, language: str) -> None:
    """Let the browser remember the language, also for the page of the login."""
    response.set_cookie(LANGUAGE_COOKIE, language, path="/", max_age=YEAR_SECONDS, httponly=True, samesite="lax",
                        secure=is_secure(request))
