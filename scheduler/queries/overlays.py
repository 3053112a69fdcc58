"""Overlays as people read and change them, and what one does to the number of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg

from scheduler.errors import Conflict, NotFound, ScheduleError
from scheduler.model import Schedule
from scheduler.queries.jobs import list_jobs
from scheduler.queries.rows import Row, row, rows
from scheduler.queries.schedules import Surroundings
from scheduler.rules.overlays import Overlay, overlays_of
from scheduler.rules.schedule import next_after, occurrences
from scheduler.words import say

INSTANT = timedelta(microseconds=1)
COLUMNS = "id, name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason, enabled"

LIST = f"""
SELECT {COLUMNS},
       CASE WHEN NOT enabled THEN 'off' WHEN ends_at <= now() THEN 'over' WHEN starts_at <= now() THEN 'now'
            ELSE 'coming' END AS state
  FROM schedule_overlays
 WHERE %(text)s::text IS NULL OR name = %(text)s OR id::text = %(text)s
 ORDER BY ends_at <= now(), starts_at, id
"""
ADD = f"""
INSERT INTO schedule_overlays (name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason)
VALUES (%(name)s, %(starts_at)s, %(ends_at)s, %(action)s, %(factor)s, %(job_types)s, %(market_codes)s, %(tags)s, %(reason)s)
    ON CONFLICT (name) DO NOTHING
RETURNING {COLUMNS}
"""
REMOVE = "DELETE FROM schedule_overlays WHERE id = %(id)s"


def list_overlays(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the overlays: those that go on or come first, those that are over last."""
    return rows(connection, LIST, {"text": None})


def find_overlay(connection: psycopg.Connection[Any], text: str) -> Row:
    """Return the overlay of that name or id. Raises NotFound."""
    found = rows(connection, LIST, {"text": text})
    if not found:
        raise NotFound(say(f"기간 설정 '{text}'이(가) 없습니다", f"there is no overlay '{text}'")
                       + "\nerp-scheduler overlays list")
    return next((each for each in found if each["name"] == text), found[0])


def add_overlay(connection: psycopg.Connection[Any], overlay: Mapping[str, Any]) -> Row:
    """Add an overlay and return its row. PostgreSQL's refusals pass through. Raises Conflict for a name that is there."""
    made = row(connection, ADD, overlay)
    if made is None:
        name = overlay["name"]
        raise Conflict(say(f"기간 설정 '{name}'이(가) 이미 있습니다", f"there is an overlay '{name}' already")
                       + f"\nerp-scheduler overlays remove '{name}'")
    return made


def remove_overlay(connection: psycopg.Connection[Any], overlay_id: int) -> None:
    """Remove an overlay; the jobs go on as their own rows say."""
    connection.execute(REMOVE, {"id": overlay_id})


def preview(connection: psycopg.Connection[Any], overlay: Mapping[str, Any]) -> list[Row]:
    """Count the runs of each active job that an overlay concerns, within its period, without and with it.

    overlay  a row, saved or not
    Returns  job_id, name, before, after, capped (whether counting was given up)
    """
    around = Surroundings(connection)
    own = tuple(overlay[name] for name in (
        "name", "starts_at", "ends_at", "action", "factor", "job_types", "market_codes", "tags"))
    found = []
    for job in list_jobs(connection, status="active"):
        mine = overlays_of([own], job["job_type"], job["market_codes"], job["tags"])
        if mine:
            found.append(_counted(job, around, mine[0]))
    return [each for each in found if each is not None]


def _counted(job: Mapping[str, Any], around: Surroundings, overlay: Overlay) -> Row | None:
    try:
        schedule = around.schedule_of(job)
        others = tuple(each for each in schedule.overlays if each.name != overlay.name)
        before, capped = _count(replace(schedule, overlays=others), overlay)
        after, also = _count(replace(schedule, overlays=(*others, overlay)), overlay)
    except ScheduleError:
        return None
    return {"job_id": job["id"], "name": job["name"], "before": before, "after": after, "capped": capped or also}


def _count(schedule: Schedule, overlay: Overlay) -> tuple[int, bool]:
    first = next_after(schedule, overlay.start - INSTANT)
    last = overlay.end - INSTANT
    if first is None or first > last:
        return 0, False
    due = occurrences(schedule, first, last, 1)
    return due.count, due.capped
