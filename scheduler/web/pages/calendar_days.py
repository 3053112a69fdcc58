"""`/scheduler/calendar/days`: the calendars, and the days on which they are closed or open after all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import psycopg
from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.errors import ParameterError, SchedulerError
from scheduler.queries import calendars as queries
from scheduler.web.audit import note
from scheduler.web.pages.calendar import CALENDAR, YEARS, read_day, weekday
from scheduler.web.place import place_of
from scheduler.web.problems import Problem
from scheduler.web.refusals import refusal_of
from scheduler.web.render import SEOUL, page
from scheduler.web.rights import admin, viewer
from scheduler.words import language, say

router = APIRouter(include_in_schema=False)
PATH = "/scheduler/calendar/days"


@router.get(PATH, dependencies=[viewer])
def days(request: Request) -> Response:
    """Show the special days of a calendar in a year."""
    return _page(request, request.query_params.get("calendar") or CALENDAR)


@router.post(PATH, dependencies=[admin])
def add(
    request: Request, calendar: Annotated[str, Form()], day: Annotated[str, Form()], name: Annotated[str, Form()],
    kind: Annotated[str, Form()] = "closed",
) -> Response:
    """Close a day, or open one."""
    try:
        wanted = _day(day)
        with place_of(request).changing(request) as connection:
            made = queries.add_day(connection, calendar, wanted, name.replace("\0", "").strip(), kind != "open")
            note(connection, request, "calendar.day_add", f"calendar:{calendar}", calendar,
                 after={"day": str(wanted), "name": made["name"], "is_holiday": made["is_holiday"]})
    except (SchedulerError, psycopg.Error) as error:
        return _page(request, calendar, refusal_of(error, request))
    return RedirectResponse(f"{PATH}?calendar={calendar}&year={wanted.year}", 303)


@router.post(PATH + "/remove", dependencies=[admin])
def remove(request: Request, calendar: Annotated[str, Form()], day: Annotated[str, Form()]) -> Response:
    """Forget a day that was added."""
    wanted = _day(day)
    with place_of(request).changing(request) as connection:
        gone = queries.remove_day(connection, calendar, wanted)
        note(connection, request, "calendar.day_remove", f"calendar:{calendar}", calendar,
             before={"day": str(wanted), "name": gone["name"], "is_holiday": gone["is_holiday"]})
    return RedirectResponse(f"{PATH}?calendar={calendar}&year={wanted.year}", 303)


@router.post(PATH + "/calendars", dependencies=[admin])
def make(
    request: Request, name: Annotated[str, Form()], base: Annotated[str, Form()] = "",
    closed: Annotated[list[str] | None, Form()] = None, description: Annotated[str, Form()] = "",
) -> Response:
    """Make a calendar, or change the one of that name."""
    weekdays = [each for each in WEEKDAYS if each in (closed or [])]
    words = description.replace("\0", "").strip() or None
    given = {"base": base or None, "closed_weekdays": ",".join(weekdays), "description": words}
    try:
        with place_of(request).changing(request) as connection:
            queries.make_calendar(connection, name, given)
            note(connection, request, "calendar.make", f"calendar:{name}", name, after=given)
    except (SchedulerError, psycopg.Error) as error:
        return _page(request, CALENDAR, refusal_of(error, request))
    return RedirectResponse(f"{PATH}?calendar={name}", 303)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _page(request: Request, name: str, problem: Problem | None = None) -> Response:
    year = _year(request.query_params.get("year"))
    name = name.replace("\0", "")
    with place_of(request).reading() as connection:
        listed = queries.list_calendars(connection)
        known = [each["name"] for each in listed]
        calendar = queries.find_calendar(connection, name if problem is None or name in known else CALENDAR)
        found = queries.special_days(calendar, year)
        concerned = queries.jobs_concerned(connection, calendar.name)
    return page(
        request, "calendar_days.html", 200 if problem is None else problem.status, calendars=listed, calendar=calendar.name,
        days=found, year=year, concerned=concerned, problem=problem, weekday=weekday, tab="days", base=PATH, spoken=_spoken,
        name_of=lambda each: each["ko"] if language() == "ko" else each["en"],
        weekdays=[(each, say("월화수목금토일"[place], each.capitalize())) for place, each in enumerate(WEEKDAYS)],
    )


def _day(text: str) -> date:
    """Read what was typed as a day. Raises ParameterError."""
    wanted = read_day(text)
    if wanted is None:
        raise ParameterError(say("날짜를 2026-12-24처럼 쓰세요", "write a day such as 2026-12-24"))
    return wanted


def _year(text: str | None) -> int:
    if text and text.isascii() and text.isdigit() and len(text) == 4 and YEARS[0] <= int(text) < YEARS[1]:
        return int(text)
    return datetime.now(UTC).astimezone(SEOUL).year


def _spoken(text: str | None) -> str:
    """Take the wording of the language in force out of a description in both."""
    korean, slash, english = (text or "").partition(" / ")
    return korean if not slash else say(korean, english)
