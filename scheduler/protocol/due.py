"""What planning reads: jobs that are due or were edited, with all that decides about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from scheduler.rules.calendars import Calendar, calendars_from
from scheduler.settings import PARAMETERS_BYTES

# Two walks, each along its own partial index, however many jobs there are.
CANDIDATES = """
(SELECT id FROM schedule_jobs WHERE status = 'active' AND planned_version <> spec_version ORDER BY id LIMIT {limit})
UNION
(SELECT id FROM schedule_jobs WHERE status = 'active' AND next_run_at <= now() ORDER BY next_run_at LIMIT {limit})
"""

# What Python could choke on (infinity, the year 294276, 24:00, 10 MB) is made harmless here, row by row.
DUE = """
SELECT job.id, job.name, job.job_type,
       (extract(year FROM job.interval) * 12 + extract(month FROM job.interval))::int AS months,
       (extract(day FROM job.interval) * 86400 + extract(hour FROM job.interval) * 3600
        + extract(minute FROM job.interval) * 60 + extract(second FROM job.interval))::float8 AS seconds,
       job.specific_times::text[] AS times,
       left(job.cron_expression, 300) AS cron,
       job.run_at IS NOT NULL AS has_run_at,
       CASE WHEN job.run_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.run_at END AS run_at,
       job.timezone,
       CASE WHEN job.anchor_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.anchor_at ELSE now() END AS anchor_at,
       left(job.days_of_week, 100) AS days_of_week,
       CASE WHEN job.start_at IS NOT NULL THEN least(greatest(job.start_at, '1970-01-01'), '2300-01-01') END AS start_at,
       CASE WHEN job.end_at IS NOT NULL THEN least(greatest(job.end_at, '1970-01-01'), '2300-01-01') END AS end_at,
       job.max_runs, least(greatest(job.occurrence_count, 0), 1000000) AS occurrence_count,
       job.calendar, job.on_holiday, job.jitter_seconds,
       job.overlap_policy, job.max_instances, job.market_codes, job.tags,
       job.misfire_policy,
       CASE WHEN job.misfire_grace BETWEEN '0' AND '31 days'
            THEN extract(epoch FROM job.misfire_grace)::float8 ELSE 60 END AS grace_seconds,
       CASE WHEN job.next_run_at <= now() THEN greatest(job.next_run_at, '1970-01-01') END AS due_at,
       octet_length(job.parameters::text) <= {parameters_bytes} AS fits,
       CASE WHEN job.planned_version <> job.spec_version AND octet_length(job.parameters::text) <= {parameters_bytes}
            THEN job.parameters END AS parameters,
       (SELECT count(*) FROM job_executions AS live WHERE live.job_id = job.id AND live.status = 'running')::int AS running,
       (SELECT count(*) FROM (SELECT FROM job_executions AS waiting
                               WHERE waiting.job_id = job.id AND waiting.status = 'queued'
                                 AND waiting.trigger NOT IN ('manual', 'backfill')
                               LIMIT 200) AS queue)::int AS waiting,
       EXISTS (SELECT FROM job_executions AS held
                WHERE held.job_id = job.id AND held.held_for IS NOT NULL AND held.status = 'queued') AS is_held,
       EXISTS (SELECT FROM job_dependencies AS edge WHERE edge.job_id = job.id) AS has_edges,
       EXISTS (SELECT FROM job_dependencies AS edge JOIN schedule_jobs AS former ON former.id = edge.depends_on
                WHERE edge.job_id = job.id
                  AND NOT coalesce(CASE WHEN edge.condition = 'ever' THEN former.last_success_at IS NOT NULL
                                        WHEN edge.outcome = 'success' THEN former.last_success_at > edge.seen_at
                                        ELSE former.last_failure_at > edge.seen_at END, false)) AS waits_for_others,
       CASE WHEN job.run_at IS NOT NULL AND job.run_at <= now() THEN
            (SELECT count(*) FROM job_executions AS past
              WHERE past.job_id = job.id AND past.scheduled_for = job.run_at) END AS one_off_rows,
       job.hidden, job.last_error, job.planned_version <> job.spec_version AS is_edited,
       job.updated_at < job.run_at AS was_set_in_time,
       now() AS now
  FROM schedule_jobs AS job
 WHERE job.id = ANY (ARRAY({candidates}))
   AND job.status = 'active'
   AND (job.next_run_at <= now() OR job.planned_version <> job.spec_version)
 ORDER BY job.next_run_at NULLS FIRST
   FOR NO KEY UPDATE SKIP LOCKED
"""

CALENDARS = "SELECT name, base, country, closed_weekdays FROM calendars"
CALENDAR_DAYS = "SELECT calendar, day, is_holiday, name FROM calendar_days"

# Those that ended lately still say which of the missed times there were.
OVERLAYS = """
SELECT name, starts_at, ends_at, action, factor, job_types, market_codes, tags
  FROM schedule_overlays
 WHERE enabled AND ends_at > now() - interval '31 days'
 ORDER BY starts_at, id
"""

LIVE_TYPES = """
SELECT DISTINCT unnest(job_types) FROM scheduler_nodes
 WHERE state <> 'stopped' AND seen_at > now() - make_interval(secs => lease_seconds * 2)
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What schedules refer to beside their own row."""

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    overlays: Sequence[Sequence[Any]] = ()


async def due_jobs(
    connection: psycopg.AsyncConnection[Any], limit: int, only: int | None = None
) -> list[dict[str, Any]]:
    """Lock and return the rows of jobs that are due or were edited; rows that somebody else holds are left alone."""
    candidates = CANDIDATES.format(limit=int(limit)) if only is None else f"SELECT {int(only)}::bigint"
    cursor = await connection.execute(DUE.format(candidates=candidates, parameters_bytes=PARAMETERS_BYTES).encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


async def candidate_ids(connection: psycopg.AsyncConnection[Any], limit: int) -> list[int]:
    """Return the jobs that are due or were edited, without locking any."""
    cursor = await connection.execute(CANDIDATES.format(limit=int(limit)).encode())
    return [row[0] for row in await cursor.fetchall()]


async def surroundings(connection: psycopg.AsyncConnection[Any], jobs: Sequence[Mapping[str, Any]]) -> Surroundings:
    """Read the calendars, if any of *jobs* has one, and the overlays."""
    overlays = await (await connection.execute(OVERLAYS)).fetchall()
    if not any(job["calendar"] for job in jobs):
        return Surroundings(overlays=overlays)
    calendars = await (await connection.execute(CALENDARS)).fetchall()
    days = await (await connection.execute(CALENDAR_DAYS)).fetchall()
    return Surroundings(calendars_from(calendars, days), overlays)


async def live_types(connection: psycopg.AsyncConnection[Any]) -> set[str]:
    """Return the job types that a living node knows."""
    cursor = await connection.execute(LIVE_TYPES)
    return {row[0] for row in await cursor.fetchall()}
