"""`/scheduler/me`: what a person likes, their sessions, their password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import NotAllowed, ParameterError
from scheduler.queries import web_accounts, web_attempts, web_tokens
from scheduler.queries.rows import Row
from scheduler.web import account_deeds, passwords, sessions
from scheduler.web.people import IDLE, LONGEST, Person
from scheduler.web.place import place_of
from scheduler.web.problems import Problem, Refused
from scheduler.web.render import page
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
SWITCH = {"on": True, "off": False}


@router.get("/scheduler/me", dependencies=[viewer])
def me(request: Request) -> Response:
    """Show the person's own account."""
    person: Person = request.state.person
    found: list[Row] = []
    tokens: list[Row] = []
    if person.user_id is not None:
        with place_of(request).reading() as connection:
            found = web_accounts.sessions(connection, person.user_id, IDLE, LONGEST)
            tokens = web_tokens.tokens_of(connection, person.name)
    own = person.session.hash if person.session else b""
    return page(request, "me.html", sessions=found, own=own, tokens=tokens, shortest=passwords.SHORTEST)


@router.post("/scheduler/me", dependencies=[viewer])
def prefer(
    request: Request, language: Annotated[str | None, Form()] = None, theme: Annotated[str | None, Form()] = None,
    single_keys: Annotated[str | None, Form()] = None, back: Annotated[str | None, Form()] = None,
) -> Response:
    """Keep the language, the colours, and whether single letters are shortcuts."""
    if language not in (None, "ko", "en") or theme not in (None, "auto", "light", "dark") or single_keys not in (None, *SWITCH):
        raise ParameterError(say("고를 수 없는 값입니다", "that is none of the choices"))
    person: Person = request.state.person
    if person.user_id is not None:
        with place_of(request).changing(request) as connection:
            web_accounts.prefer(connection, person.user_id, language, theme, SWITCH.get(single_keys or ""))
    answer = RedirectResponse(sessions.local_path(back, "/scheduler/me"), 303)
    if language is not None:
        sessions.set_language_cookie(answer, request, language)
    return answer


@router.post("/scheduler/me/sessions/end", dependencies=[viewer])
def end_all(request: Request) -> Response:
    """End all sessions of the person, this one too."""
    with place_of(request).changing(request) as connection:
        account_deeds.end_sessions(connection, request, _user_id(request))
    return _logged_out(request)


@router.post("/scheduler/me/password", dependencies=[viewer])
def change_password(
    request: Request, present: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "", revoke: Annotated[list[int] | None, Form()] = None,
) -> Response:
    """Change the person's own password; the present one is asked for, and all sessions end, and the tokens that are ticked."""
    person, user_id = request.state.person, _user_id(request)
    passwords.check_password(password, again, person.name)
    with place_of(request).reading() as connection:
        wait = web_attempts.knock(connection, person.name, sessions.address_of(request))
        user = web_accounts.to_log_in(connection, person.name)
    if wait:
        raise Refused(Problem(429, "too-many", say(f"{wait}초 뒤에 다시 해 보세요", f"try again in {wait} s"),
                              headers={"Retry-After": str(wait)}))
    if not passwords.verify(user["password_hash"] if user else None, present):
        raise ParameterError(say("지금 비밀번호가 맞지 않습니다", "the present password is not right"))
    with place_of(request).changing(request) as connection:
        web_attempts.forgive(connection, person.name, sessions.address_of(request))
        account_deeds.change_own_password(connection, request, user_id, password, again, revoke or ())
    return _logged_out(request)


def _user_id(request: Request) -> int:
    person: Person = request.state.person
    if person.user_id is None:
        raise NotAllowed(say("토큰에는 세션과 비밀번호가 없습니다", "a token has neither sessions nor a password"))
    return person.user_id


def _logged_out(request: Request) -> Response:
    answer = RedirectResponse("/login", 303)
    sessions.drop_session_cookie(answer, request)
    return answer
