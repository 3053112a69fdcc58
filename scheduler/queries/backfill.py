"""Planned times of the past, run after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import psycopg

from scheduler.errors import NotAllowed, ScheduleError
from scheduler.model import Schedule
from scheduler.queries.rows import Row, row, rows
from scheduler.queries.schedules import Surroundings
from scheduler.rules.bounds import check_moment
from scheduler.rules.schedule import next_after, occurrences
from scheduler.rules.zones import local_time, open_zone
from scheduler.words import say

MOST = 1000
BELOW = 10
INSTANT = timedelta(microseconds=1)


def planned_between(
    connection: psycopg.Connection[Any], job: Mapping[str, Any], first: datetime, until: datetime
) -> list[datetime]:
    """Return the times that a job's schedule names from *first* to *until*, both included.

    job     a row of queries.jobs.list_jobs
    Raises  ScheduleError when it cannot be read, names none, or names more than 1,000; for a period outside the years planned
    """
    check_moment(first)
    check_moment(until)
    schedule = _reaching(Surroundings(connection).schedule_of(job), first)
    planned = next_after(schedule, first - INSTANT)
    if planned is None or planned > until:
        raise ScheduleError(say("그 기간에 예정 시각이 없습니다", "the schedule names no time in that period")
                            + f"\nerp-scheduler jobs show {job['id']}")
    due = occurrences(schedule, planned, until, MOST + 1)
    if due.count > MOST:
        many = f"{due.count:,}{'+' if due.capped else ''}"
        last = f"{due.times[MOST - 1].astimezone(open_zone(schedule.timezone)):%Y-%m-%d %H:%M}"
        raise ScheduleError(say(
            f"예정 시각이 {many}개입니다. 한 번에 {MOST:,}개까지입니다\n먼저 --to '{last}'",
            f"there are {many} planned times, more than {MOST:,} at once\ngo up to --to '{last}' first"))
    return list(due.times)


def _reaching(schedule: Schedule, first: datetime) -> Schedule:
    """Count an interval from a time before *first*: an edit made it count from then on, but the steps are the same before."""
    if schedule.every is None or schedule.anchor is None or schedule.anchor < first:
        return schedule
    every, back = schedule.every, (schedule.anchor - first).total_seconds()
    if not every.months:
        steps = ceil(back / every.seconds) + 1
        return replace(schedule, anchor=schedule.anchor - timedelta(seconds=steps * every.seconds))
    if every.seconds:
        return schedule             # months and days together cannot be counted backwards
    years = (ceil(back / (365 * 86400)) // every.months + 1) * every.months
    local = local_time(schedule.anchor, open_zone(schedule.timezone))
    day = 28 if (local.month, local.day) == (2, 29) else local.day
    earlier = local.replace(year=local.year - years, day=day, tzinfo=open_zone(schedule.timezone))
    return replace(schedule, anchor=earlier.astimezone(UTC))


QUEUE = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, priority, parameters,
                            market_codes)
SELECT job.id, job.name, job.job_type, 'backfill', 'queued', planned.time, now(), greatest(job.priority - %(below)s, -1000),
       job.parameters, job.market_codes
  FROM schedule_jobs AS job
 CROSS JOIN unnest(%(times)s::timestamptz[]) AS planned (time)
 WHERE job.id = %(job_id)s AND job.status IN ('active', 'completed')
   AND NOT EXISTS (SELECT FROM job_executions AS known WHERE known.job_id = job.id AND known.scheduled_for = planned.time)
 ORDER BY planned.time
    ON CONFLICT DO NOTHING
RETURNING id, scheduled_for
"""
KNOWN = "SELECT scheduled_for FROM job_executions WHERE job_id = %(job_id)s AND scheduled_for = ANY (%(times)s)"


def known_times(connection: psycopg.Connection[Any], job_id: int, times: Sequence[datetime]) -> set[datetime]:
    """Return those of *times* that have an execution already, however it ended."""
    return {each["scheduled_for"] for each in rows(connection, KNOWN, {"job_id": job_id, "times": list(times)})}


def backfill(connection: psycopg.Connection[Any], job: Mapping[str, Any], times: Sequence[datetime]) -> list[Row]:
    """Queue an execution for each planned time that has none, below the job's own priority.

    Returns  id and scheduled_for of each, oldest first
    Raises   NotAllowed when the job is paused or invalid: nothing would take them
    """
    if job["status"] not in ("active", "completed"):
        raise NotAllowed(say(f"작업 {job['id']} \"{job['name']}\" 상태가 {job['status']}입니다",
                             f"job {job['id']} \"{job['name']}\" is {job['status']}")
                         + f"\nerp-scheduler jobs resume {job['id']}")
    found = rows(connection, QUEUE, {"job_id": job["id"], "times": list(times), "below": BELOW})
    return sorted(found, key=lambda each: each["id"])


PROGRESS = """
SELECT count(*) FILTER (WHERE status = 'queued')::int AS queued, count(*) FILTER (WHERE status = 'running')::int AS running,
       count(*) FILTER (WHERE status = 'success')::int AS success,
       count(*) FILTER (WHERE status NOT IN ('queued', 'running', 'success', 'skipped'))::int AS failed, count(*)::int AS total
  FROM (SELECT DISTINCT ON (scheduled_for) status
          FROM job_executions
         WHERE job_id = %(job_id)s AND scheduled_for = ANY (%(times)s)
         ORDER BY scheduled_for, attempt DESC) AS latest
"""


def progress(connection: psycopg.Connection[Any], job_id: int, times: Sequence[datetime]) -> Row:
    """Count how the last attempts at these planned times stand: queued, running, success, failed, total."""
    found = row(connection, PROGRESS, {"job_id": job_id, "times": list(times)})
    assert found is not None
    return found
