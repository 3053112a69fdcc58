"""What will run and what will not, worked out from the jobs' rows; and where more would run at once than there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from scheduler.errors import ScheduleError
from scheduler.model import Schedule
from scheduler.queries.jobs import database_now, list_jobs
from scheduler.queries.rows import Row, row, rows
from scheduler.queries.schedules import Surroundings
from scheduler.rules.forecast import Foreseen, forecast
from scheduler.rules.reasons import Reason, paused
from scheduler.rules.schedule import next_after

UNKNOWN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Upcoming:
    """One coming time of a job.

    run_at     None when it does not run then; the reason says why
    waits_for  jobs that have to end before it may start
    """

    job_id: int
    name: str
    timezone: str
    planned_at: datetime
    run_at: datetime | None
    reason: Reason | None = None
    waits_for: tuple[str, ...] = ()

    @property
    def moment(self) -> datetime:
        return self.run_at or self.planned_at


@dataclass(frozen=True, slots=True)
class Crowd:
    """A stretch of time in which more would run than there are slots."""

    begin: datetime
    end: datetime
    most: int
    slots: int
    jobs: tuple[str, ...] = field(default=())


FORMER = """
SELECT edge.job_id, array_agg(former.name ORDER BY former.name) AS names
  FROM job_dependencies AS edge
  JOIN schedule_jobs AS former ON former.id = edge.depends_on
 WHERE %(job)s::bigint IS NULL OR edge.job_id = %(job)s
 GROUP BY edge.job_id
"""


def upcoming(
    connection: psycopg.Connection[Any],
    job: int | None = None,
    count: int | None = 10,
    until: datetime | None = None,
    start: datetime | None = None,
) -> list[Upcoming]:
    """Return the coming times of one job or of all, soonest first, with what does not run and why.

    count   how many that run to look for; until: where to stop. At least one of both
    start   from when, not included; None is now, and then the time that is already promised comes first
    """
    now = database_now(connection)
    found = list_jobs(connection, ids=None if job is None else [job])
    former = {each["job_id"]: tuple(each["names"]) for each in rows(connection, FORMER, {"job": job})}
    around = Surroundings(connection)
    listed = [
        Upcoming(each["id"], each["name"], each["timezone"], seen.planned_at, seen.run_at, seen.reason,
                 former.get(each["id"], ()))
        for each in found for seen in _foreseen(each, around, now, start, count, until)
    ]
    return _first(sorted(listed, key=lambda each: (each.moment, each.job_id)), count)


def _first(listed: list[Upcoming], count: int | None) -> list[Upcoming]:
    """Cut after the *count*-th that runs."""
    if count is None:
        return listed
    running = 0
    for place, each in enumerate(listed):
        running += each.run_at is not None
        if running == count:
            return listed[:place + 1]
    return listed


def _foreseen(
    job: Mapping[str, Any], around: Surroundings, now: datetime, start: datetime | None, count: int | None, until: datetime | None
) -> list[Foreseen]:
    if job["status"] not in ("active", "paused"):
        return []
    try:
        schedule = around.schedule_of(job)
        remaining = None if job["max_runs"] is None else max(0, job["max_runs"] - job["occurrence_count"])
        if job["status"] == "paused":
            return _after_pause(job, schedule, start or now, count, until, remaining)
        found = forecast(schedule, start or now, count=count, until=until, remaining=remaining)
    except ScheduleError:
        return []               # `jobs show` tells what is wrong with it
    promised = job["next_run_at"]
    if start is not None or promised is None or job["spec_version"] != job["planned_version"]:
        return found
    return _with_promise(found, promised, until)


def _with_promise(found: list[Foreseen], promised: datetime, until: datetime | None) -> list[Foreseen]:
    """Put the promised time in front, also one that is overdue or was set by hand; what runs before it is off."""
    kept = [each for each in found if each.run_at is None or each.run_at >= promised]
    if any(each.run_at == promised for each in kept) or (until is not None and promised > until):
        return kept
    return [Foreseen(promised, promised), *kept]


def _after_pause(
    job: Mapping[str, Any], schedule: Schedule, start: datetime, count: int | None, until: datetime | None,
    remaining: int | None,
) -> list[Foreseen]:
    """Name the first time that the pause takes, and those after it."""
    end, reason = job["paused_until"], paused(job["paused_until"], job["pause_reason"], job["timezone"])
    first = next_after(schedule, start)
    is_within = first is not None and (end is None or first <= end) and (until is None or first <= until)
    silent = [Foreseen(first, None, reason)] if first is not None and is_within else []
    if end is None or (until is not None and end > until):
        return silent
    return silent + forecast(schedule, max(start, end), count=count, until=until, remaining=remaining)


# Of the last hundred: a job that has long been failing has its last success far back.
DURATIONS = """
SELECT job.id AS job_id,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY past.duration_ms)
          FROM (SELECT latest.duration_ms
                  FROM (SELECT execution.status, execution.duration_ms, execution.started_at FROM job_executions AS execution
                         WHERE execution.job_id = job.id AND execution.started_at IS NOT NULL
                         ORDER BY execution.started_at DESC LIMIT 100) AS latest
                 WHERE latest.status = 'success' ORDER BY latest.started_at DESC LIMIT 20) AS past) / 1000 AS seconds
  FROM unnest(%(ids)s::bigint[]) AS job (id)
"""
SLOTS = """
SELECT sum(workers)::int AS slots
  FROM scheduler_nodes
 WHERE state <> 'stopped' AND seen_at >= now() - make_interval(secs => lease_seconds)
"""


def durations(connection: psycopg.Connection[Any], ids: Sequence[int]) -> dict[int, float]:
    """Return how many seconds each job usually takes: the median of its last 20 successes, a minute when nobody knows."""
    return {each["job_id"]: UNKNOWN_SECONDS if each["seconds"] is None else float(each["seconds"])
            for each in rows(connection, DURATIONS, {"ids": list(ids)})}


def slots(connection: psycopg.Connection[Any], otherwise: int) -> int:
    """Return how many executions the living daemons run at once; *otherwise* when none is alive."""
    found: Row | None = row(connection, SLOTS)
    return int(found["slots"]) if found and found["slots"] else otherwise


def crowds(listed: Sequence[Upcoming], seconds: Mapping[int, float], room: int) -> list[Crowd]:
    """Find the stretches in which more of *listed* would run than there is *room*, each with its jobs."""
    found: list[Crowd] = []
    running: list[str] = []
    begin, most, names = None, 0, dict[str, None]()
    for moment, change, name in _changes(listed, seconds):
        running.append(name) if change > 0 else running.remove(name)
        if len(running) > room:
            begin, most, names = begin or moment, max(most, len(running)), names | dict.fromkeys(running)
        elif begin is not None:
            found.append(Crowd(begin, moment, most, room, tuple(names)))
            begin, most, names = None, 0, {}
    return found


def _changes(listed: Sequence[Upcoming], seconds: Mapping[int, float]) -> list[tuple[datetime, int, str]]:
    """Return the beginnings and ends in order; an end comes before a beginning at the same moment."""
    changes = []
    for each in listed:
        if each.run_at is not None:
            length = timedelta(seconds=max(seconds.get(each.job_id, UNKNOWN_SECONDS), 0.001))
            changes += [(each.run_at, 1, each.name), (each.run_at + length, -1, each.name)]
    return sorted(changes)
