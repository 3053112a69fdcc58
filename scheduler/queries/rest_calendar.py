"""What was and what comes between two moments, as programs ask for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

# A job may have a thousand coming times: each one's are read by its own index, and no more than can be shown. A time that
# was moved for a holiday may lie a month from where it was planned.
COMING = """
SELECT job.id AS job_id, job.name, job.job_type, job.market_codes, each.planned_at, each.run_at, each.reason, each.reason_ko,
       each.reason_en, each.computed_at
  FROM schedule_jobs AS job
 CROSS JOIN LATERAL (
       SELECT * FROM schedule_forecast AS coming
        WHERE coming.job_id = job.id
          AND coming.planned_at > %(start)s - interval '31 days' AND coming.planned_at <= %(end)s + interval '31 days'
          AND coalesce(coming.run_at, coming.planned_at) > greatest(%(start)s, now())
          AND coalesce(coming.run_at, coming.planned_at) <= %(end)s
        ORDER BY coming.planned_at LIMIT %(limit)s) AS each
 WHERE %(job_id)s::bigint IS NULL OR job.id = %(job_id)s
 ORDER BY coalesce(each.run_at, each.planned_at), job.id
 LIMIT %(limit)s
"""
PAST = """
SELECT id AS execution_id, job_id, job_name AS name, job_type, market_codes, trigger, status, scheduled_for AS planned_at,
       started_at, finished_at, duration_ms, skip_reason, missed_count
  FROM job_executions
 WHERE finished_at >= %(start)s AND finished_at < %(end)s AND (%(job_id)s::bigint IS NULL OR job_id = %(job_id)s)
 ORDER BY finished_at DESC, id DESC
 LIMIT %(limit)s
"""
OVERLAYS = """
SELECT id, name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason
  FROM schedule_overlays
 WHERE enabled AND starts_at < %(end)s AND ends_at > %(start)s
 ORDER BY starts_at, id
 LIMIT 200
"""
NOW = "SELECT now() AS now"


def now(connection: psycopg.Connection[Any]) -> datetime:
    """Return the database's clock."""
    found = row(connection, NOW)
    assert found is not None
    moment: datetime = found["now"]
    return moment


def coming(
    connection: psycopg.Connection[Any], start: datetime, end: datetime, limit: int, job_id: int | None = None
) -> list[Row]:
    """Return coming times, also those at which nothing will run, with the reason; the daemon works out 14 days ahead."""
    return rows(connection, COMING, {"start": start, "end": end, "limit": limit, "job_id": job_id})


def past(
    connection: psycopg.Connection[Any], start: datetime, end: datetime, limit: int, job_id: int | None = None
) -> list[Row]:
    """Return what ended between two moments, also what was skipped, the newest first."""
    return rows(connection, PAST, {"start": start, "end": end, "limit": limit, "job_id": job_id})


def overlays(connection: psycopg.Connection[Any], start: datetime, end: datetime) -> list[Row]:
    """Return the overlays that hold at some time between two moments."""
    return rows(connection, OVERLAYS, {"start": start, "end": end})
