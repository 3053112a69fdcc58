"""`/scheduler`: does it run, what needs me, what happens today, what happened just now, which jobs are ill."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from scheduler.cli.execution_words import skip_words
from scheduler.queries import snoozes, web_jobs, web_overview, web_problems
from scheduler.queries.rows import Row
from scheduler.web import deeds
from scheduler.web.job_rows import with_pictures
from scheduler.web.pages.overview_day import read_day, show_day
from scheduler.web.pages.problems import kind_words
from scheduler.web.pictures.sparkline import sparkline
from scheduler.web.place import place_of
from scheduler.web.pulse import pulse_of
from scheduler.web.remembered import Remembered
from scheduler.web.render import page
from scheduler.web.rights import anyone, operator, viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
Connection = psycopg.Connection[Any]
PROBLEMS, RECENT, JOBS, SNOOZED = 8, 12, 12, 20
NUMBERS = ("collected", "items", "processed", "new", "updated", "synced", "rows", "count", "total")

ended_lately: Remembered[Row] = Remembered(1.0)
_ended_in_a_week: Remembered[list[Row]] = Remembered(10.0)
_series: Remembered[list[Row]] = Remembered(30.0)


@router.get("/", dependencies=[anyone])
def front_door() -> Response:
    """Lead whoever types no more than the address to the overview."""
    return RedirectResponse("/scheduler", 307)


@router.get("/scheduler", dependencies=[viewer])
def overview(request: Request, day: str | None = None) -> Response:
    """Show everything at a glance; on a day of one's choice."""
    with place_of(request).reading() as connection:
        values = {**now_values(request, connection), **recent_values(connection), **day_values(connection, read_day(day)),
                  **job_values(connection)}
    return page(request, "overview.html", **values)


@router.get("/scheduler/overview/series", dependencies=[viewer])
def series(request: Request) -> Response:
    """Answer the last 24 hours as numbers, for the charts; kept for half a minute, whoever asks."""
    def read() -> list[Row]:
        with place_of(request).reading() as connection:
            first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=24)
            return web_overview.series(connection, first)

    found = _series.ask(request, read)
    return JSONResponse({name: [each[name] for each in found] for name in ("at", "succeeded", "failed", "busy", "waiting")})


@router.get("/scheduler/overview/{part}", dependencies=[viewer])
def part_of_it(request: Request, part: str, day: str | None = None) -> Response:
    """Answer one part of the overview, for a page that is open."""
    with place_of(request).reading() as connection:
        if part == "now":
            values = now_values(request, connection)
        elif part == "recent":
            values = recent_values(connection)
        elif part == "day":
            values = day_values(connection, read_day(day))
        elif part == "jobs":
            values = job_values(connection)
        else:
            raise HTTPException(404)
    return page(request, f"parts/overview_{part}.html", **values)


@router.post("/scheduler/quick/{job_id}/{deed}", dependencies=[operator])
def quick(request: Request, job_id: int, deed: str, back: Annotated[str, Form()] = "/scheduler") -> Response:
    """Run, pause or resume a job at the press of a button, and go back to where one was."""
    if deed not in ("run", "pause", "resume"):
        raise HTTPException(404)
    with place_of(request).changing(request) as connection:
        if deed == "run":
            deeds.run(connection, request, job_id)
        elif deed == "pause":
            deeds.pause(connection, request, job_id)
        else:
            deeds.resume(connection, request, job_id)
    return RedirectResponse(local(back), 303)


def local(path: str) -> str:
    """Return *path* when it is a page of ours, else the overview."""
    ours = path == "/scheduler" or path.startswith(("/scheduler/", "/scheduler?"))
    return path if ours and path.isprintable() and "\\" not in path else "/scheduler"


# -- the parts --------------------------------------------------------------------------------------------------------------


def now_values(request: Request, connection: Connection) -> dict[str, Any]:
    """Read the state, the tiles and what needs somebody."""
    state = web_overview.status(connection)
    ended = ended_lately.ask(request, lambda: web_overview.ended_in_a_day(connection))
    week = _ended_in_a_week.ask(request, lambda: web_overview.ended_in_a_week(connection))
    found = web_problems.gathered(connection, PROBLEMS + 1)
    quiet = snoozes.list_snoozed(connection, most=SNOOZED)
    return {"state": state, "ended": ended, "pulse": pulse_of(state), "success": success_rate(ended), **week_values(week),
            "problems": found[:PROBLEMS], "has_more_problems": len(found) > PROBLEMS,
            "problem_total": found[0]["total"] if found else 0, "kind_words": kind_words, "back": "/scheduler",
            "snoozed": quiet, "snoozed_count": snoozes.count_snoozed(connection) if len(quiet) == SNOOZED else len(quiet)}


def success_rate(ended: Row) -> float | None:
    """Return the share of successes in per cent, None when nothing has ended."""
    judged = int(ended["succeeded"]) + int(ended["failed"])
    return round(100 * int(ended["succeeded"]) / judged, 1) if judged else None


def week_values(days: list[Row]) -> dict[str, Any]:
    """Return the share of successes of a week, and its course by day."""
    total = {name: sum(int(each[name]) for each in days) for name in ("succeeded", "failed")}
    rates = [success_rate(each) for each in days]
    words = say("날마다의 성공률: ", "Success day by day: ") + ", ".join(f"{each}%" for each in rates if each is not None)
    return {"week_success": success_rate(total), "week_course": sparkline(rates, words)}


def recent_values(connection: Connection) -> dict[str, Any]:
    """Read what runs and what ended last."""
    found = web_overview.recent(connection, RECENT)
    return {"recent": [{**each, "brought": brought(each.get("result"))} for each in found], "skip_words": skip_words}


def brought(result: Any) -> str:
    """Return the number that tells most of a result: ``collected 128``; nothing when there is none."""
    if not isinstance(result, dict):
        return ""
    numbers = {name: value for name, value in result.items() if isinstance(value, int) and not isinstance(value, bool)}
    name = next((each for each in NUMBERS if each in numbers), next(iter(numbers), None))
    return "" if name is None else f"{name[:30]} {numbers[name]:,}"


def day_values(connection: Connection, day: date | None) -> dict[str, Any]:
    """Read the timeline of *day*, None for today."""
    return show_day(connection, day)


def job_values(connection: Connection) -> dict[str, Any]:
    """Read the jobs that fare worst."""
    order = web_jobs.ORDERS["worst"]
    found = web_jobs.page_of_jobs(connection, {}, "worst", order.falls, None, JOBS)
    return {"jobs": with_pictures(connection, found), "back": "/scheduler"}
