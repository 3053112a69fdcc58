"""`/scheduler/setup/SECRET`: the first administrator, by the link that the process printed; it works once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import ParameterError
from scheduler.queries import web_accounts
from scheduler.queries.rows import Row
from scheduler.web import passwords, sessions
from scheduler.web.audit import note
from scheduler.web.place import place_of
from scheduler.web.problems import Problem, Refused
from scheduler.web.render import page
from scheduler.web.rights import anyone, check_site
from scheduler.words import language, say

router = APIRouter(include_in_schema=False)


@router.get("/scheduler/setup/{secret}", dependencies=[anyone])
def setup_page(request: Request, secret: str) -> Response:
    """Show the form while the link is good."""
    with place_of(request).reading() as connection:
        if web_accounts.invitation(connection, secret) is None:
            raise _gone()
    return page(request, "setup.html", secret=secret, name="", fault="", shortest=passwords.SHORTEST)


@router.post("/scheduler/setup/{secret}", dependencies=[anyone])
def setup(
    request: Request, secret: str, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Make the first administrator, use the link up, and log in."""
    check_site(request)
    try:
        name = web_accounts.check_name(name)
        passwords.check_password(password, again, name)
    except ParameterError as error:
        return page(request, "setup.html", 422, secret=secret, name=name, fault=str(error), shortest=passwords.SHORTEST)
    answer = RedirectResponse("/scheduler", 303)
    sessions.set_session_cookie(answer, request, _first(request, secret, name, password))
    sessions.set_language_cookie(answer, request, language())
    return answer


def _first(request: Request, secret: str, name: str, password: str) -> str:
    with place_of(request).reading() as connection, connection.transaction():
        role = web_accounts.accept(connection, secret)
        if role is None:
            raise _gone()
        user: Row = web_accounts.add_user(connection, name, role, passwords.hash_password(password))
        web_accounts.prefer(connection, user["id"], language=language())
        cookie = sessions.begin(connection, request, {**user, "language": language()})
        note(connection, request, "user.create", f"user:{user['id']}", user["name"], after={"role": role, "by": "set-up link"})
    return cookie


def _gone() -> Refused:
    return Refused(Problem(
        404, "not-found", say("이 링크는 쓸 수 없습니다. 이미 썼거나, 하루가 지났거나, 새 링크가 나왔습니다",
                              "This link is not good: it was used, is older than a day, or a newer one was made"),
        say("새 링크: erp-scheduler web 을 다시 시작하세요. 또는: erp-scheduler user create NAME --role admin",
            "for a new one start erp-scheduler web again, or: erp-scheduler user create NAME --role admin")))
