"""`/api/v1/calendars`: which days are closed, and days of one's own."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request

from scheduler.errors import NotAllowed
from scheduler.queries import calendars as queries
from scheduler.queries.rows import row
from scheduler.web.answers import Answer
from scheduler.web.audit import note
from scheduler.web.inputs import Body, Long, Short
from scheduler.web.place import place_of
from scheduler.web.rights import admin, viewer
from scheduler.words import say

router = APIRouter(tags=["calendar"])
BUILT_IN = "kr"
REMOVE = "DELETE FROM calendars WHERE name = %(name)s"
BEFORE = "SELECT base, closed_weekdays, description FROM calendars WHERE name = %(name)s"
Name = Annotated[str, Path(max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", examples=["kr"])]
Day = Annotated[date, Path(examples=["2026-12-24"])]
DAYS = r"^((mon|tue|wed|thu|fri|sat|sun)(,(mon|tue|wed|thu|fri|sat|sun))*)?$"


class Making(Body):
    """A calendar as it is to be."""

    base: Annotated[str, Field(max_length=40)] | None = Field(default=None, description="쉬는 날을 물려받을 달력 / Whose days it "
                                                              "inherits", examples=["kr"])
    closed_weekdays: Annotated[str, Field(max_length=40, pattern=DAYS)] = Field(default="sat,sun", examples=["sat,sun"])
    description: Long | None = None


class SpecialDay(Body):
    """A closed day, or an open one."""

    name: Short = Field(examples=["창립기념일"])
    is_holiday: bool = Field(default=True, description="false: 주말이나 공휴일이라도 영업일 / open, even on a holiday")


@router.get("/api/v1/calendars", dependencies=[viewer])
def list_calendars(request: Request) -> Answer:
    """List the calendars with how many days of their own they have and how many jobs go by them."""
    with place_of(request).reading() as connection:
        return Answer({"items": queries.list_calendars(connection)})


@router.get("/api/v1/calendars/{name}", dependencies=[viewer])
def get_calendar_days(
    request: Request, name: Name,
    year: Annotated[int | None, Query(ge=2000, le=2199, description="없으면 올해 / Without it this one")] = None,
) -> Answer:
    """Return the days of a year that have a name, the public holidays and those of one's own."""
    with place_of(request).reading() as connection:
        found = queries.find_calendar(connection, name)
    wanted = year or date.today().year
    return Answer({"name": name, "year": wanted, "days": queries.special_days(found, wanted)})


@router.put("/api/v1/calendars/{name}", dependencies=[admin])
def put_calendar(request: Request, name: Name, wanted: Making) -> Answer:
    """Make a calendar, or set one; jobs that go by it are planned anew at once."""
    with place_of(request).changing(request) as connection:
        before = row(connection, BEFORE, {"name": name})
        made = queries.make_calendar(connection, name, wanted.model_dump())
        note(connection, request, "calendar.set", f"calendar:{name}", name, before, wanted.model_dump())
    return Answer(made)


@router.delete("/api/v1/calendars/{name}", dependencies=[admin], status_code=204)
def delete_calendar(request: Request, name: Name) -> None:
    """Delete a calendar that no job and no other calendar goes by."""
    if name == BUILT_IN:
        raise NotAllowed(say("한국 공휴일 달력은 지울 수 없습니다", "the calendar of Korean holidays stays"))
    with place_of(request).changing(request) as connection:
        queries.find_calendar(connection, name)
        connection.execute(REMOVE, {"name": name})
        note(connection, request, "calendar.delete", f"calendar:{name}", name)


@router.put("/api/v1/calendars/{name}/days/{day}", dependencies=[admin])
def put_day(request: Request, name: Name, day: Day, wanted: SpecialDay) -> Answer:
    """Close or open a day."""
    with place_of(request).changing(request) as connection:
        made = queries.add_day(connection, name, day, wanted.name, wanted.is_holiday)
        note(connection, request, "calendar.day", f"calendar:{name}", name, after={"day": day.isoformat(), **wanted.model_dump()})
        concerned = queries.jobs_concerned(connection, name)
    return Answer({**made, "jobs": concerned})


@router.delete("/api/v1/calendars/{name}/days/{day}", dependencies=[admin], status_code=204)
def delete_day(request: Request, name: Name, day: Day) -> None:
    """Forget a day of one's own; public holidays stay."""
    with place_of(request).changing(request) as connection:
        gone = queries.remove_day(connection, name, day)
        note(connection, request, "calendar.day_removed", f"calendar:{name}", name, before={"day": day.isoformat(),
                                                                                             "name": gone["name"]})
