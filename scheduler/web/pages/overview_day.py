"""A day as lanes: what the timeline of the overview draws and says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from markupsafe import Markup

from scheduler.queries import web_day, web_overview
from scheduler.queries.rows import Row
from scheduler.web.list_filters import ended_in
from scheduler.web.pictures.timeline import Lane, timeline
from scheduler.words import say

SEOUL = ZoneInfo("Asia/Seoul")
LANES = 16
AGENDA = 8


def read_day(text: str | None) -> date | None:
    """Return the day of an address, None for today and for what is none."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day is None or 2000 <= day.year <= 2200 else None


def show_day(connection: psycopg.Connection[Any], day: date | None) -> dict[str, Any]:
    """Read and draw *day*, None for today."""
    now = datetime.now(SEOUL)
    day = day or now.date()
    first = datetime(day.year, day.month, day.day, tzinfo=SEOUL)
    jobs = web_overview.lanes(connection, LANES)
    numbers = [job["id"] for job in jobs]
    coming = web_overview.coming(connection, numbers, first)
    lanes = make_lanes(jobs, web_overview.spans(connection, numbers, first), coming)
    minute = int((now - first).total_seconds() // 60)
    return {
        "lanes": lanes, "day": day, "is_today": day == now.date(), "day_before": day - timedelta(days=1),
        "day_after": day + timedelta(days=1), "agenda": _agenda(coming, lanes), **_whole(connection, first),
        "picture": timeline(lanes, minute if day == now.date() else None, in_words(lanes)),
    }


def make_lanes(jobs: list[Row], spans: list[Row], coming: list[Row]) -> list[Lane]:
    """Sort what was read into a lane for each job."""
    lanes = {job["id"]: Lane(job["id"], job["name"]) for job in jobs}
    for span in spans:
        lane, status, first, last = lanes[span["job_id"]], span["status"], span["first"], span["last"]
        lane.counts[status] = lane.counts.get(status, 0) + span["number"]
        if status == "missed":
            lane.missed.append(first)
        else:
            lane.spans.append((status, max(0, first), max(first, last)))
    for each in coming:
        lanes[each["job_id"]].future.append(each["minute"])
    return list(lanes.values())


def in_words(lanes: list[Lane]) -> str:
    """Say what the picture shows."""
    counted = Counter[str]()
    for lane in lanes:
        counted.update(lane.counts)
    failed = counted["failed"] + counted["timed_out"] + counted["lost"]
    coming = sum(len(lane.future) for lane in lanes)
    return total_words({**counted, "jobs": len(lanes), "failed": failed, "coming": coming})


def total_words(counted: Mapping[str, int], places: Mapping[str, str] = MappingProxyType({})) -> Markup:
    """Say in one line how many jobs there are and what became of them.

    places  where each number leads, by its name
    """
    jobs, names = counted.get("jobs", 0), ("success", "failed", "skipped", "missed", "running", "coming")
    others = [_number(counted.get(name, 0), places.get(name)) for name in names]
    korean = zip(("성공", "실패", "건너뜀", "놓침", "실행 중", "앞으로"), others, strict=True)
    english = zip(others, ("succeeded", "failed", "skipped", "missed", "running", "to come"), strict=True)
    return Markup(say(f"작업 {jobs}개: " + ", ".join(f"{word} {number}" for word, number in korean),
                      f"{jobs} {'job' if jobs == 1 else 'jobs'}: " + ", ".join(f"{number} {word}" for number, word in english)))


def _number(number: int, place: str | None) -> Markup:
    return Markup('<a href="{}">{}</a>').format(place, f"{number:,}") if number and place else Markup(f"{number:,}")


def _whole(connection: psycopg.Connection[Any], first: datetime) -> dict[str, Any]:
    """Say what became of all jobs: the lanes are some of them."""
    counted, day = web_day.totals(connection, first), first.date()
    whole = f"/scheduler/calendar/day/{day}"
    places = {"success": ended_in(day, status="success"), "failed": ended_in(day, status="failed,timed_out,lost"),
              "skipped": f"{whole}#ended", "missed": f"{whole}#ended", "coming": whole,
              "running": "/scheduler/executions?status=running"}
    return {"day_words": total_words(counted, places), "day_jobs": counted["jobs"]}


def _agenda(coming: list[Row], lanes: list[Lane]) -> list[Row]:
    """Return what comes next, for a screen too narrow for a day."""
    names = {lane.job_id: lane.name for lane in lanes}
    return [{**each, "name": names[each["job_id"]]} for each in coming[:AGENDA]]
