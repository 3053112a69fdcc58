"""`/scheduler/calendar/overlays`: periods in which jobs come more often or not at all, and what one would change."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import NotFound, ParameterError, SchedulerError
from scheduler.queries import overlays as queries
from scheduler.queries.filtered_executions import choices
from scheduler.queries.web_calendar import end_overlay
from scheduler.web.audit import note
from scheduler.web.pages.calendar import overlay_words
from scheduler.web.place import place_of
from scheduler.web.problems import problem_of
from scheduler.web.render import SEOUL, page
from scheduler.web.rights import admin, viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
PATH = "/scheduler/calendar/overlays"
Text = Annotated[str, Form()]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
FIELDS = ("name", "starts_at", "ends_at", "action", "factor", "job_types", "market_codes", "tags", "reason")
SHOWN = 30


@router.get(PATH, dependencies=[viewer])
def overlays(request: Request) -> Response:
    """List the overlays."""
    return _page(request)


@router.get(PATH + "/{overlay_id:int}", dependencies=[viewer])
def effect(request: Request, overlay_id: Number) -> Response:
    """Show what one overlay changes."""
    with place_of(request).reading() as connection:
        found = queries.find_overlay(connection, str(overlay_id))
        runs = queries.preview(connection, found)
    return _page(request, of=found, runs=runs)


@router.post(PATH, dependencies=[admin])
def add(
    request: Request, name: Text = "", starts_at: Text = "", ends_at: Text = "", action: Text = "stop", factor: Text = "",
    job_types: Text = "", market_codes: Text = "", tags: Text = "", reason: Text = "", step: Text = "preview",
) -> Response:
    """Add an overlay, or show first what it would change."""
    given = dict(zip(FIELDS, (name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason), strict=True))
    try:
        overlay = _read(given)
        with place_of(request).changing(request) as connection:
            runs = queries.preview(connection, {**overlay, "id": 0, "enabled": True})
            if step != "preview":
                made = queries.add_overlay(connection, overlay)
                note(connection, request, "overlay.add", f"overlay:{made['id']}", name,
                     after={key: str(value) for key, value in made.items()})
                return RedirectResponse(f"{PATH}/{made['id']}", 303)
    except (SchedulerError, psycopg.Error) as error:
        problem = problem_of(error, request.state.trace_id)
        if problem.status >= 500:
            raise
        return _page(request, given=given, problem=problem, status=problem.status)
    return _page(request, given=given, of=overlay, runs=runs)


@router.post(PATH + "/{overlay_id:int}/{deed}", dependencies=[admin])
def change(request: Request, overlay_id: Number, deed: str) -> Response:
    """End an overlay now, or remove it."""
    with place_of(request).changing(request) as connection:
        found = queries.find_overlay(connection, str(overlay_id))
        if deed == "end":
            if end_overlay(connection, overlay_id) is None:
                raise NotFound(say("이미 끝난 기간 설정입니다", "the overlay is over already"))
        elif deed == "remove":
            queries.remove_overlay(connection, overlay_id)
        else:
            raise NotFound(say("그런 일은 없습니다", "there is no such deed"))
        note(connection, request, f"overlay.{deed}", f"overlay:{overlay_id}", found["name"],
             before={key: str(found[key]) for key in FIELDS})
    return RedirectResponse(PATH, 303)


def _read(given: dict[str, str]) -> dict[str, Any]:
    """Read the form. Raises ParameterError."""
    text = {name: value.replace("\0", "").strip() for name, value in given.items()}
    is_stop = text["action"] != "multiply"
    begin, end = _moment(text["starts_at"]), _moment(text["ends_at"])
    if not text["name"]:
        raise ParameterError(say("이름이 있어야 합니다", "a name is needed"))
    if begin >= end:
        raise ParameterError(say("끝이 시작보다 뒤여야 합니다", "the end has to be after the start"))
    return {
        "name": text["name"], "starts_at": begin, "ends_at": end, "action": "stop" if is_stop else "multiply",
        "factor": None if is_stop else _factor(text["factor"]), "reason": text["reason"] or None,
        **{name: [word for word in (part.strip() for part in text[name].split(",")) if word]
           for name in ("job_types", "market_codes", "tags")},
    }


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(say("시각을 2026-11-27 00:00처럼 쓰세요", "write a moment such as 2026-11-27 00:00")) from None
    if not 2000 <= found.year < 2199:
        raise ParameterError(say("2000년에서 2198년 사이여야 합니다", "it has to be between the years 2000 and 2198"))
    return found.replace(tzinfo=SEOUL) if found.tzinfo is None else found


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0.01 <= factor <= 100:
        raise ParameterError(say("배수는 0.01에서 100 사이의 수입니다 (3: 세 배 자주)",
                                 "times is a number from 0.01 to 100 (3: thrice as often)"))
    return factor


def _page(
    request: Request, *, given: dict[str, str] | None = None, of: Any = None, runs: list[Any] | None = None, problem: Any = None,
    status: int = 200,
) -> Response:
    with place_of(request).reading() as connection:
        found = queries.list_overlays(connection)
        known = choices(connection, None)
    changed = [each for each in runs or [] if each["before"] != each["after"]]
    changed.sort(key=lambda each: -abs(each["after"] - each["before"]))
    return page(
        request, "calendar_overlays.html", status, overlays=found, given=given or dict.fromkeys(FIELDS, ""), of=of,
        problem=problem, runs=runs, changed=changed[:SHOWN], more=max(0, len(changed) - SHOWN), tab="overlays", base=PATH,
        overlay_words=overlay_words, known=known, before=sum(each["before"] for each in runs or []),
        after=sum(each["after"] for each in runs or []), capped=any(each["capped"] for each in runs or []),
    )
