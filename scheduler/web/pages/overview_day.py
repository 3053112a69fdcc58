"""A day as lanes: what the timeline of the overview draws and says."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from scheduler.queries import web_overview
from scheduler.queries.rows import Row
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
        "day_after": day + timedelta(days=1), "day_words": in_words(lanes), "agenda": _agenda(coming, lanes),
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
    return say(
        f"작업 {len(lanes)}개: 성공 {counted['success']}, 실패 {failed}, 건너뜀 {counted['skipped']}, 놓침 {counted['missed']}, "
        f"실행 중 {counted['running']}, 앞으로 {coming}",
        f"{len(lanes)} jobs: {counted['success']} succeeded, {failed} failed, {counted['skipped']} skipped, "
        f"{counted['missed']} missed, {counted['running']} running, {coming} to come")


def _agenda(coming: list[Row], lanes: list[Lane]) -> list[Row]:
    """Return what comes next, for a screen too narrow for a day."""
    names = {lane.job_id: lane.name for lane in lanes}
    return [{**each, "name": names[each["job_id"]]} for each in coming[:AGENDA]]
