"""`/api/v1/upcoming` and `/api/v1/calendar`: what comes, what was, and the days on which nothing may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.requests import Request

from scheduler.queries import rest_calendar as queries
from scheduler.queries.calendars import find_calendar
from scheduler.rules.calendars import Calendar
from scheduler.web.answers import Answer
from scheduler.web.inputs import LARGEST, Moment, Short, refused
from scheduler.web.place import place_of
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(tags=["calendar"])
SEOUL = ZoneInfo("Asia/Seoul")
MOST = 2000
LONGEST_DAYS = 62
Job = Annotated[int | None, Query(ge=1, le=LARGEST)]
Limit = Annotated[int, Query(ge=1, le=MOST)]


@router.get("/api/v1/upcoming", dependencies=[viewer])
def list_upcoming(
    request: Request, hours: Annotated[float, Query(gt=0, le=14 * 24)] = 24, job_id: Job = None, limit: Limit = 100
) -> Answer:
    """List coming times, soonest first; ``run_at`` is null where nothing runs, and ``reason`` says why.

    The daemon works them out after each edit, 14 days ahead: ``computed_at`` says when.
    """
    with place_of(request).reading() as connection:
        now = queries.now(connection)
        return Answer({"items": queries.coming(connection, now, now + timedelta(hours=hours), limit, job_id)})


@router.get("/api/v1/calendar", dependencies=[viewer])
def get_calendar(
    request: Request, from_: Annotated[Moment | None, Query(alias="from", description="없으면 오늘 / Today without it")] = None,
    to: Annotated[Moment | None, Query(description="없으면 일주일 뒤 / A week later without it")] = None,
    calendar: Annotated[Short, Query(description="쉬는 날의 달력 / Whose holidays")] = "kr", job_id: Job = None,
    limit: Limit = 500,
) -> Answer:
    """Return what ended (``past``), what comes (``coming``), the closed days and the overlays between two moments.

    At most *limit* of each: ``truncated`` says whether there are more.
    """
    with place_of(request).reading() as connection:
        start, end = _span(queries.now(connection), from_, to)
        past = queries.past(connection, start, end, limit + 1, job_id)
        coming = queries.coming(connection, start, end, limit + 1, job_id)
        days = closed_days(find_calendar(connection, calendar), start, end)
        overlays = queries.overlays(connection, start, end)
    return Answer({"from": start, "to": end, "past": past[:limit], "coming": coming[:limit], "closed": days, "overlays": overlays,
                   "truncated": len(past) > limit or len(coming) > limit})


def _span(now: datetime, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    start = start or now.astimezone(SEOUL).replace(hour=0, minute=0, second=0, microsecond=0)
    end = end or start + timedelta(days=7)
    if not timedelta() < end - start <= timedelta(days=LONGEST_DAYS):
        raise refused("to", say(f"to는 from보다 뒤이고, 그 사이는 {LONGEST_DAYS}일까지입니다",
                                f"to comes after from, at most {LONGEST_DAYS} days later"))
    return start, end


def closed_days(calendar: Calendar, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the days on which the calendar is closed, by Korean days."""
    day, last = start.astimezone(SEOUL).date(), (end - timedelta(microseconds=1)).astimezone(SEOUL).date()
    found = []
    while day <= last:
        words = calendar.words(day)
        if words is not None:
            found.append({"day": day, "ko": words[0], "en": words[1], "is_holiday": calendar.is_holiday(day)})
        day += timedelta(days=1)
    return found
