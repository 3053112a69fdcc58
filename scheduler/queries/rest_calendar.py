"""What was and what comes between two moments, as programs ask for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

# In the order of an index over these moments, so that no more is read than is shown, of however many jobs.
COMING = """
SELECT coming.job_id, job.name, job.job_type, job.market_codes, coming.planned_at, coming.run_at, coming.reason, coming.reason_ko,
       coming.reason_en, coming.computed_at
  FROM schedule_forecast AS coming JOIN schedule_jobs AS job ON job.id = coming.job_id
 WHERE coalesce(coming.run_at, coming.planned_at) > greatest(%(start)s, now())
   AND coalesce(coming.run_at, coming.planned_at) <= %(end)s{of_job}
 ORDER BY coalesce(coming.run_at, coming.planned_at), coming.job_id
 LIMIT %(limit)s
"""
OF_JOB = " AND coming.job_id = %(job_id)s"
PAST = """
SELECT id AS execution_id, job_id, job_name AS name, job_type, market_codes, trigger, status, scheduled_for AS planned_at,
       started_at, finished_at, duration_ms, skip_reason, missed_count
  FROM job_executions
 WHERE finished_at >= %(start)s AND finished_at < %(end)s{of_job}
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
    statement = COMING.format(of_job="" if job_id is None else OF_JOB)
    return rows(connection, statement, {"start": start, "end": end, "limit": limit, "job_id": job_id})


def past(
    connection: psycopg.Connection[Any], start: datetime, end: datetime, limit: int, job_id: int | None = None
) -> list[Row]:
    """Return what ended between two moments, also what was skipped, the newest first."""
    statement = PAST.format(of_job="" if job_id is None else " AND job_id = %(job_id)s")
    return rows(connection, statement, {"start": start, "end": end, "limit": limit, "job_id": job_id})


def overlays(connection: psycopg.Connection[Any], start: datetime, end: datetime) -> list[Row]:
    """Return the overlays that hold at some time between two moments."""
    return rows(connection, OVERLAYS, {"start": start, "end": end})
