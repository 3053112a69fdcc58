"""`/scheduler/calendar`: the week by the hour, past and to come, and one day by job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from scheduler.queries import web_calendar as queries
from scheduler.queries.forecast import slots
from scheduler.queries.overlays import list_overlays
from scheduler.queries.rows import Row
from scheduler.queries.schedules import Surroundings
from scheduler.web.list_filters import ended_in
from scheduler.web.pictures.weekgrid import week_grid
from scheduler.web.place import place_of
from scheduler.web.render import SEOUL, page
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
CALENDAR = "kr"
YEARS = (2000, 2199)
REMEMBERED_SECONDS = 300.0
AHEAD_SECONDS = 30.0
SHORT_SECONDS = 5.0
FIRST = 50
REMEMBERED_MOST = 200

_remembered: dict[tuple[str, datetime, datetime], tuple[float, Any]] = {}


@router.get("/scheduler/calendar", dependencies=[viewer])
def week(request: Request) -> Response:
    """Show the week of ``?week=`` (any day of it), this one without."""
    now = datetime.now(UTC)
    asked = read_day(request.query_params.get("week")) or now.astimezone(SEOUL).date()
    monday = asked - timedelta(asked.weekday())
    place = place_of(request)
    begin, end = span(monday, 7)
    with place.reading() as connection:
        ahead, cut = _ahead(connection, place.settings.database_url, begin, end) if end > now else ([], [])
        past = _past(connection, place.settings.database_url, monday, now)
        room = slots(connection, place.settings.workers)
        closed = closed_days(connection, [monday + timedelta(each) for each in range(7)])
        overlays = [each for each in list_overlays(connection) if each["state"] in ("now", "coming")
                    and each["starts_at"] < end and each["ends_at"] > begin]
    days = week_grid(monday, now, past, ahead, cut, closed)
    return page(request, "calendar.html", days=days, room=room, cut=len(cut), overlays=overlays, weekday=weekday, tab="week",
                before=monday - timedelta(7), after=monday + timedelta(7), monday=monday, overlay_words=overlay_words,
                is_this_week=any(each.is_today for each in days), ended_in=ended_in, today=now.astimezone(SEOUL).date())


@router.get("/scheduler/calendar/day/{day}", dependencies=[viewer])
def day(request: Request, day: str) -> Response:
    """Show one day by job: what ran, what will, and what does not and why."""
    asked = read_day(day)
    if asked is None:
        raise HTTPException(404)
    begin, end = span(asked, 1)
    shows_all = request.query_params.get("all") == "1"
    with place_of(request).reading() as connection:
        found = queries.day(connection, begin, end)
        closed = closed_days(connection, [asked])
    return page(
        request, "calendar_day.html", day=asked, closed=closed[asked], weekday=weekday, tab="week", reasons=reason_words,
        ended_in=ended_in, before=asked - timedelta(1), after=asked + timedelta(1), shows_all=shows_all,
        failing=sum(bool(each["failed"]) for each in found["ended"]), parts={
            name: {"rows": listed if shows_all else listed[:FIRST], "number": len(listed), "is_cut": len(listed) > FIRST}
            for name, listed in (("coming", _worst_first(found["coming"])), ("ended", found["ended"]), ("off", found["off"]))},
    )


def _worst_first(coming: Sequence[Row]) -> list[Row]:
    """Put jobs of which something does not run before the others; each of them stays in the order of time."""
    return sorted(coming, key=lambda each: not each["off"])


def reason_words(each: Row) -> Any:
    """Return the reasons of a row in the language of the request."""
    return each[say("ko", "en")]


def read_day(text: str | None) -> date | None:
    """Return the day of an address, None for anything else."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if YEARS[0] < found.year < YEARS[1] else None


def span(first: date, days: int) -> tuple[datetime, datetime]:
    """Return the beginning and the end of days in Seoul."""
    begin = datetime(first.year, first.month, first.day, tzinfo=SEOUL)
    return begin, begin + timedelta(days)


def weekday(day: date) -> str:
    """Return the short name of a day of the week."""
    return say("월화수목금토일"[day.weekday()], ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day.weekday()])


def closed_days(connection: psycopg.Connection[Any], days: list[date]) -> dict[date, str | None]:
    """Say which of *days* are closed in the Korean calendar, and why."""
    calendar = Surroundings(connection).calendars.get(CALENDAR)
    return {each: calendar.closed(each) if calendar is not None else None for each in days}


def overlay_words(overlay: Row) -> str:
    """Say what an overlay does."""
    if overlay["action"] == "stop":
        return say("멈춤", "stop")
    return say(f"{overlay['factor']:g}배 자주", f"{overlay['factor']:g} times as often")


# -- what many open calendars ask for alike ----------------------------------------------------------------------------------


def _ahead(connection: psycopg.Connection[Any], dsn: str | None, begin: datetime, end: datetime) -> tuple[list[Row], list[Row]]:
    key = (f"ahead {dsn} {queries.version(connection)}", begin, end)
    found: tuple[list[Row], list[Row]] = _once(key, AHEAD_SECONDS, lambda: queries.ahead(connection, begin, end))
    return found


def _past(connection: psycopg.Connection[Any], dsn: str | None, monday: date, now: datetime) -> list[Row]:
    """Return the hours that are over. A day that is over changes no more, so it is asked for seldom."""
    found: list[Row] = []
    for each in range(7):
        begin, end = span(monday + timedelta(each), 1)
        if begin < now:
            seconds = REMEMBERED_SECONDS if end < now - timedelta(hours=1) else SHORT_SECONDS
            found += _once((f"past {dsn}", begin, end), seconds, lambda b=begin, e=end: queries.past(connection, b, e))
    return found


def _once(key: tuple[str, datetime, datetime], seconds: float, ask: Any) -> Any:
    since, known = _remembered.get(key, (0.0, None))
    if known is None or time.monotonic() - since > seconds:
        known = ask()
        _remembered.pop(key, None)
        _remembered[key] = time.monotonic(), known
        while len(_remembered) > REMEMBERED_MOST:
            _remembered.pop(next(iter(_remembered)), None)
    return known
