"""A whole day of all jobs in one row: what a timeline of some of them must not be taken for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row

# By the end, out of the index alone: the history beyond the day costs nothing.
ENDED = """
SELECT count(*) FILTER (WHERE status = 'success')::int AS success,
       count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost'))::int AS failed,
       count(*) FILTER (WHERE status = 'skipped')::int AS skipped
  FROM job_executions WHERE finished_at >= %(day)s AND finished_at < %(day)s + interval '24 hours'
"""
# Why something was skipped stands in the row, not in the index: asked only where something was.
MISSED = """
SELECT count(*)::int AS missed FROM job_executions
 WHERE finished_at >= %(day)s AND finished_at < %(day)s + interval '24 hours' AND status = 'skipped' AND skip_reason = 'misfire'
"""
LIVE = """
SELECT (SELECT count(*) FROM schedule_jobs WHERE NOT hidden AND status <> 'completed')::int AS jobs,
       (SELECT count(*) FROM job_executions
         WHERE status = 'running' AND now() >= %(day)s AND now() < %(day)s + interval '24 hours')::int AS running,
       (SELECT count(*) FROM schedule_forecast
         WHERE coalesce(run_at, planned_at) >= greatest(%(day)s, now())
           AND coalesce(run_at, planned_at) < %(day)s + interval '24 hours' AND run_at > now())::int AS coming
"""


def totals(connection: psycopg.Connection[Any], day: datetime) -> Row:
    """Count jobs, and what ended, runs and comes on the day that begins at *day*; what was missed is not among the skipped."""
    values = {"day": day}
    found = {"missed": 0, **(row(connection, ENDED, values) or {}), **(row(connection, LIVE, values) or {})}
    if found["skipped"]:
        found |= row(connection, MISSED, values) or {}
        found["skipped"] -= found["missed"]
    return found
