"""The rows of jobs that the overview and the list show: schedule in words, the last runs as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from markupsafe import Markup

from scheduler.errors import ScheduleError
from scheduler.queries.jobs import list_jobs
from scheduler.queries.rows import Row
from scheduler.queries.schedules import Surroundings
from scheduler.queries.web_jobs import last_runs
from scheduler.rules.words import schedule_in_words
from scheduler.web.pictures.heatbar import heatbar
from scheduler.web.pictures.sparkline import sparkline
from scheduler.web.render import duration
from scheduler.web.zone_words import zone_mark
from scheduler.words import language, say

SPARKS = 20
PLANS = ("interval", "specific_times", "cron_expression", "run_at")


def with_pictures(connection: psycopg.Connection[Any], jobs: Sequence[Row]) -> list[Row]:
    """Add to each of *jobs* its schedule in words, the bars of its last runs and the course of its durations."""
    runs = last_runs(connection, [job["id"] for job in jobs])
    words = _words(connection, jobs)
    return [{**job, **_pictures(runs.get(job["id"], {})), "schedule": words[job["id"]], **_marks(job)} for job in jobs]


def _marks(job: Row) -> Row:
    """Mark the times of a job that are not Korean."""
    return {f"{name}_zone": zone_mark(job.get(name), job["timezone"]) for name in ("next_run_at", "paused_until")}


def _pictures(runs: Row) -> Row:
    statuses, durations = runs.get("statuses") or [], runs.get("durations") or []
    took = [float(each) for each, status in zip(durations, statuses, strict=True) if status == "success" and each is not None]
    p50 = runs.get("p50_ms")
    label = say(f"걸린 시간: 중앙값 {duration(p50)}", f"Durations: median {duration(p50)}")
    return {
        "heat": heatbar(statuses, durations, runs.get("since"), runs.get("until")) if statuses else None, "p50_ms": p50,
        "heat_since": runs.get("since"), "spark": sparkline(took[:SPARKS][::-1], label) if took else Markup(""),
    }


def _words(connection: psycopg.Connection[Any], jobs: Sequence[Row]) -> dict[int, str]:
    """Return the schedules in words: what a daemon has written, else our own, for a job that no daemon has seen yet."""
    known = {job["id"]: job[f"schedule_{language()}"] for job in jobs}
    missing = [number for number, words in known.items() if words is None]
    if missing:
        around = Surroundings(connection)
        known |= {job["id"]: _described(job, around) for job in list_jobs(connection, ids=missing)}
    return {number: words or "" for number, words in known.items()}


def _described(job: Row, around: Surroundings) -> str:
    if all(job[column] is None for column in PLANS):
        return say("일정 없음", "No schedule")
    try:
        return schedule_in_words(around.schedule_of(job), language())
    except ScheduleError as error:
        return str(error).splitlines()[0]
