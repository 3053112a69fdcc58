"""Every error as RFC 9457 says it for programs, and as a page for people: the same words as SQL and the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import psycopg
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request

from scheduler.database.fault_words import in_words, split_faults
from scheduler.database.refusals import LISTS_FAULTS, in_our_words
from scheduler.errors import (
    ConfigError,
    Conflict,
    DatabaseUnavailable,
    NotAllowed,
    NotFound,
    ParameterError,
    ScheduleError,
    SchedulerError,
)
from scheduler.log import event
from scheduler.queries.config import JOB_COLUMNS
from scheduler.web.field_words import field_words
from scheduler.web.rights import Forbidden, NotLoggedIn
from scheduler.web.status_words import ROLES
from scheduler.words import language, say

MEDIA = "application/problem+json"
HELP = "/scheduler/help/errors/"
COLUMN = re.compile(r"[a-z_]+")
COMMAND = re.compile(r"(?:erp-scheduler|SELECT|UPDATE|INSERT|DELETE)\b|Authorization: ")
TAKEN_NAME = re.compile(r"\)=\((.*)\) ", re.DOTALL)
NAME_TAKEN = "schedule_jobs_name_key"

STATUSES: tuple[tuple[type[Exception], int, str], ...] = (
    (NotLoggedIn, 401, "not-logged-in"),
    (Forbidden, 403, "forbidden"),
    (DatabaseUnavailable, 503, "database"),
    (NotFound, 404, "not-found"),
    (Conflict, 409, "conflict"),
    (NotAllowed, 409, "not-now"),
    (ScheduleError, 422, "invalid"),
    (ParameterError, 422, "invalid"),
    (ConfigError, 422, "invalid"),
    (SchedulerError, 500, "failed"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: *detail* in one line, *hint* with what to do next, and the faults of single fields.

    more  further members for programs, such as the present row
    """

    status: int
    code: str
    detail: str
    hint: str | None = None
    errors: tuple[dict[str, Any], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return TITLES[self.code]() if self.code in TITLES else self.code

    @property
    def advice(self) -> list[str]:
        """Return the lines of the hint that people read, without those that are typed."""
        return [line.removeprefix("→ ") for line in (self.hint or "").splitlines() if not _is_typed(line)]

    @property
    def commands(self) -> list[str]:
        """Return the lines of the hint that are typed: on a page they stand apart."""
        return [line.removeprefix("→ ") for line in (self.hint or "").splitlines() if _is_typed(line)]


TITLES: dict[str, Any] = {
    "not-logged-in": lambda: say("로그인이 필요합니다", "Log in first"),
    "forbidden": lambda: say("권한이 없습니다", "Not allowed"),
    "database": lambda: say("데이터베이스에 연결할 수 없습니다", "The database cannot be reached"),
    "not-found": lambda: say("찾을 수 없습니다", "Not found"),
    "conflict": lambda: say("이미 있거나 그사이 바뀌었습니다", "It exists already, or has changed meanwhile"),
    "not-now": lambda: say("지금은 할 수 없습니다", "Not possible now"),
    "invalid": lambda: say("값이 올바르지 않습니다", "A value is not valid"),
    "malformed": lambda: say("요청을 읽을 수 없습니다", "The request cannot be read"),
    "changed": lambda: say("그사이 바뀌었습니다", "It has changed meanwhile"),
    "precondition": lambda: say("조건이 필요합니다", "A condition is needed"),
    "too-large": lambda: say("요청이 너무 큽니다", "The request is too large"),
    "headers-too-large": lambda: say("주소나 헤더가 너무 깁니다", "The address or a header is too long"),
    "unknown-host": lambda: say("이 서비스가 모르는 호스트 이름입니다", "This service does not go by that host name"),
    "too-many": lambda: say("요청이 너무 많습니다", "Too many requests"),
    "method": lambda: say("이 주소는 그 방법을 받지 않습니다", "This address does not take that method"),
    "failed": lambda: say("처리하지 못했습니다", "It failed"),
}


class Refused(SchedulerError):
    """A problem that is known already where it happens, such as 412 or 429."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: Exception, trace_id: str) -> Problem:
    """Return what to say about *error*. One that nobody foresaw is logged and says its number only."""
    if isinstance(error, Refused):
        return error.problem
    faults: tuple[dict[str, Any], ...] = ()
    if isinstance(error, psycopg.Error):
        faults = faults_of(error)
        error = in_our_words(error) or error
    if isinstance(error, RequestValidationError):
        return _of_fields(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    for kind, status, code in STATUSES:
        if isinstance(error, kind):
            return replace(_of_ours(error, status, code), errors=faults)
    event("ERROR", "web.failed", trace_id=trace_id, error=f"{type(error).__name__}: {error}")
    return Problem(500, "failed", say("예상하지 못한 오류입니다", "an error nobody foresaw"))


def faults_of(error: psycopg.Error) -> tuple[dict[str, Any], ...]:
    """Return each fault of a row that the database lists, with the column that its words begin with."""
    if error.diag.constraint_name == NAME_TAKEN:
        found = TAKEN_NAME.search(error.diag.message_detail or "")
        there = {"href": job_address(found[1])} if found else {}
        return ({"pointer": "/name", "in": "body", "code": "taken", "message": _first_line(str(in_our_words(error))), **there},)
    if error.diag.table_name not in LISTS_FAULTS or not error.diag.message_detail:
        return ()
    return tuple({"pointer": _pointer(each), "in": "body", "code": "check", "message": in_words(each)}
                 for each in split_faults(error.diag.message_detail))


def job_address(name: str) -> str:
    """Return the address of the job of a name; a path cannot hold a slash, but a search can."""
    return f"/scheduler/jobs/{quote(name, safe='')}" if "/" not in name else f"/scheduler/jobs?q={quote(name, safe='')}"


def name_taken(name: str) -> Markup:
    """Say that a job of that name exists already, with the way to it."""
    return Markup('{} <a href="{}">{}</a>').format(
        say("같은 이름의 작업이 이미 있습니다.", "A job of that name exists already."), job_address(name),
        say("그 작업 보기", "See that job"))


def _is_typed(line: str) -> bool:
    return COMMAND.match(line.removeprefix("→ ")) is not None


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def _pointer(fault: str) -> str:
    found = COLUMN.match(fault)
    return f"/{found[0]}" if found and (found[0] in JOB_COLUMNS or found[0] in ("name", "status", "steps", "schedule")) else ""


def _of_ours(error: Exception, status: int, code: str) -> Problem:
    if status == 401:
        return Problem(status, code, say("로그인하거나 토큰을 보내세요", "log in, or send a token"),
                       hint="Authorization: Bearer erps_…", headers={"WWW-Authenticate": "Bearer"})
    if status == 403:
        return Problem(status, code, _forbidden_words(str(error)))
    first, *rest = str(error).splitlines() or [""]
    headers = {"Retry-After": "5"} if status == 503 else {}
    return Problem(status, code, first, "\n".join(rest) or None, headers=headers)


def _forbidden_words(why: str) -> str:
    if why in ROLES:
        return say(f"{ROLES[why][0]}({why}) 권한이 있어야 합니다", f"the role {why} is needed")
    return say("이 화면에서 보낸 요청이 아닙니다. 다시 열고 해 보세요", f"{why}; open the page again")


def _of_fields(error: RequestValidationError) -> Problem:
    faults = tuple(
        {"pointer": "/" + "/".join(str(part) for part in each["loc"][1:]), "in": str(each["loc"][0]) if each["loc"] else "body",
         "code": each["type"], "message": field_words(each)}
        for each in error.errors()
    )
    if any(each["code"] == "json_invalid" for each in faults):
        return Problem(400, "malformed", say("JSON을 읽을 수 없습니다", "the JSON cannot be read"), errors=faults)
    named = "; ".join(f"{each['pointer'].strip('/') or each['in']}: {each['message']}" for each in faults[:3])
    return Problem(422, "invalid", named, errors=faults)


def _of_http(error: HTTPException) -> Problem:
    code = {400: "malformed", 404: "not-found", 405: "method", 413: "too-large", 421: "unknown-host",
            429: "too-many", 431: "headers-too-large"}.get(error.status_code, "failed")
    return Problem(error.status_code, code, TITLES[code](), headers=dict(error.headers or {}))


def wants_page(request: Request) -> bool:
    """Say whether a person asks, with a browser."""
    if request.url.path.startswith("/api/"):
        return False
    return request.headers.get("hx-request") == "true" or "text/html" in request.headers.get("accept", "")


def as_json(problem: Problem, request: Request) -> JSONResponse:
    """Answer a program."""
    body: dict[str, Any] = {
        "type": HELP + problem.code, "title": problem.title, "status": problem.status, "detail": problem.detail,
        "instance": request.url.path, "code": problem.code, "trace_id": request.state.trace_id,
    }
    if problem.hint:
        body["hint"] = problem.hint
    if problem.errors:
        body["errors"] = list(problem.errors)
    body |= problem.more
    return JSONResponse(body, problem.status, {**problem.headers, "Content-Language": language()}, media_type=MEDIA)
