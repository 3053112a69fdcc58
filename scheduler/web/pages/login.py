"""`/login` and `/logout`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.log import event
from scheduler.queries import web_accounts, web_attempts
from scheduler.queries.rows import Row
from scheduler.web import passwords, sessions
from scheduler.web.audit import note
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import anyone, check_site, viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)


@router.get("/login", dependencies=[anyone])
def login_page(request: Request, next: str | None = None) -> Response:
    """Show the form; whoever is logged in goes on."""
    if request.state.person is not None:
        return RedirectResponse(sessions.local_path(next), 303)
    with place_of(request).reading() as connection:
        return _form(request, next, nobody=not web_accounts.any_user(connection))


@router.post("/login", dependencies=[anyone])
def login(
    request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
    next: Annotated[str | None, Form()] = None,
) -> Response:
    """Log in. A wrong name and a wrong password are told alike and take the same time."""
    check_site(request)
    name, address = web_accounts.tidy_name(name), sessions.address_of(request)
    with place_of(request).reading() as connection:
        wait = web_attempts.knock(connection, name, address)
        user = None if wait else web_accounts.to_log_in(connection, name)
    if wait:
        return _too_soon(request, next, name, wait)
    if not passwords.verify(user["password_hash"] if user else None, password) or user is None or user["disabled_at"]:
        event("WARNING", "web.login_failed", user=name if user else "?", address=address, trace_id=request.state.trace_id)
        return _form(request, next, 401, name, say("이름이나 비밀번호가 맞지 않습니다", "The name or the password is not right"))
    return _let_in(request, user, password, next)


@router.post("/logout", dependencies=[viewer])
def logout(request: Request) -> Response:
    """End this session."""
    with place_of(request).changing(request) as connection:
        sessions.end(connection, request)
        note(connection, request, "session.end", request.state.person.actor, request.state.person.name)
    answer = RedirectResponse("/login", 303)
    sessions.drop_session_cookie(answer, request)
    return answer


def _let_in(request: Request, user: Row, password: str, next: str | None) -> Response:
    newer = passwords.hash_password(password) if passwords.is_outdated(user["password_hash"]) else None
    with place_of(request).reading() as connection, connection.transaction():
        web_attempts.forgive(connection, user["name"], sessions.address_of(request))
        if newer is not None:
            web_accounts.rehash(connection, user["id"], newer)
        secret = sessions.begin(connection, request, user)
    answer = RedirectResponse(sessions.local_path(next), 303)
    sessions.set_session_cookie(answer, request, secret)
    if user["language"]:
        sessions.set_language_cookie(answer, request, user["language"])
    return answer


def _too_soon(request: Request, next: str | None, name: str, wait: int) -> Response:
    words = say(f"여러 번 틀렸거나 너무 자주 시도했습니다. {wait}초 뒤에 다시 해 보세요",
                f"Too many tries. Try again in {wait} s")
    answer = _form(request, next, 429, name, words)
    answer.headers["Retry-After"] = str(wait)
    return answer


def _form(request: Request, next: str | None, status: int = 200, name: str = "", fault: str = "", **more: Any) -> Response:
    values = {"next": sessions.local_path(next), "name": name, "fault": fault, "nobody": False, **more}
    return page(request, "login.html", status, **values)
