"""What the pages of one job read: its health, its latest ends, its days, its history in portions, its neighbours in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.jobs import list_jobs
from scheduler.queries.rows import Row, row, rows

DEEPEST = 10_000
"""How many of the newest executions of one job its pictures look at: a page must not take longer as history grows."""
PORTION = 50
CROWD_ROWS = 5000

HEALTH = "SELECT * FROM schedule_job_health WHERE job_id = %(job)s"
REVISION = "SELECT coalesce(max(revision), 0) AS revision FROM job_revisions WHERE job_id = %(job)s"
LOCKED = "SELECT id FROM schedule_jobs WHERE id = %(job)s FOR NO KEY UPDATE"
RESULTS = """
SELECT id, status, scheduled_for, started_at, finished_at, duration_ms, skip_reason, error_class, attempt, result, market_codes
  FROM job_executions
 WHERE job_id = %(job)s AND finished_at IS NOT NULL
 ORDER BY scheduled_for DESC, attempt DESC
 LIMIT %(count)s
"""
LIVE = """
SELECT id, status, started_at, available_at, progress, node, held_for
  FROM job_executions
 WHERE job_id = %(job)s AND status IN ('queued', 'running')
 ORDER BY status DESC, id
 LIMIT 5
"""
DAYS = """
SELECT (run.started_at AT TIME ZONE %(zone)s)::date AS day, count(*)::int AS ended,
       (count(*) FILTER (WHERE run.status = 'success'))::int AS succeeded,
       (count(*) FILTER (WHERE run.status IN ('failed', 'timed_out', 'lost')))::int AS failed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY run.duration_ms) FILTER (WHERE run.status = 'success') AS p50_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY run.duration_ms) FILTER (WHERE run.status = 'success') AS p95_ms
  FROM (SELECT each.started_at, each.status, each.duration_ms
          FROM job_executions AS each
         WHERE each.job_id = %(job)s AND each.started_at > now() - interval '182 days' AND each.finished_at IS NOT NULL
         ORDER BY each.started_at DESC
         LIMIT %(deepest)s) AS run
 GROUP BY 1
 ORDER BY 1
"""
MARKETS = """
SELECT code AS market, count(*)::int AS runs, (count(*) FILTER (WHERE run.status = 'success'))::int AS succeeded
  FROM (SELECT each.status, each.market_codes
          FROM job_executions AS each
         WHERE each.job_id = %(job)s AND each.started_at > now() - interval '30 days'
           AND each.status IN ('success', 'failed', 'timed_out', 'lost')
         ORDER BY each.started_at DESC
         LIMIT 2000) AS run
 CROSS JOIN LATERAL unnest(run.market_codes) AS code
 GROUP BY code
 ORDER BY code
"""
# By the unique index on (job_id, scheduled_for, attempt), so that a portion costs the same however long the history is.
HISTORY = """
SELECT id, status, trigger, scheduled_for, attempt, started_at, finished_at, duration_ms, node, error_class,
       left(error_message, 300) AS error_message, skip_reason, missed_count, cancel_reason, market_codes
  FROM job_executions
 WHERE job_id = %(job)s
   AND (%(before)s::timestamptz IS NULL OR (scheduled_for, attempt) < (%(before)s, %(attempt)s))
   AND (%(statuses)s::text[] IS NULL OR status = ANY (%(statuses)s))
   AND (%(trigger)s::text IS NULL OR trigger = %(trigger)s)
 ORDER BY scheduled_for DESC, attempt DESC
 LIMIT %(limit)s
"""
NEIGHBOURS = """
SELECT DISTINCT seen.job_id, job.name, seen.run_at
  FROM unnest(%(moments)s::timestamptz[]) AS wanted (moment)
  JOIN schedule_forecast AS seen
    ON seen.run_at BETWEEN wanted.moment - interval '1 hour' AND wanted.moment + make_interval(secs => %(seconds)s)
  JOIN schedule_jobs AS job ON job.id = seen.job_id
 WHERE seen.job_id IS DISTINCT FROM %(job)s
 LIMIT %(most)s
"""
MARKET_CODES = """
SELECT market_code AS code FROM market_accounts
 UNION
SELECT unnest(market_codes) FROM schedule_jobs
 ORDER BY 1
"""
CALENDARS = "SELECT name FROM calendars ORDER BY name"


def find(connection: psycopg.Connection[Any], job: int) -> Row | None:
    """Return a job with every column, None when it is gone."""
    found = list_jobs(connection, ids=[job]) if 0 < job < 2**63 else []
    return found[0] if found else None


def revision(connection: psycopg.Connection[Any], job: int) -> int:
    """Return the number of the latest edit of a job."""
    found = row(connection, REVISION, {"job": job})
    return int(found["revision"]) if found else 0


def lock(connection: psycopg.Connection[Any], job: int) -> int:
    """Keep others from editing *job* until the transaction ends, and return the number of its latest edit."""
    connection.execute(LOCKED, {"job": job})
    return revision(connection, job)


def health(connection: psycopg.Connection[Any], job: int) -> Row:
    """Return the success rates and durations of a job."""
    return row(connection, HEALTH, {"job": job}) or {}


def results(connection: psycopg.Connection[Any], job: int, count: int = 50) -> list[Row]:
    """Return the latest ends of a job, newest first."""
    return rows(connection, RESULTS, {"job": job, "count": count})


def live(connection: psycopg.Connection[Any], job: int) -> list[Row]:
    """Return what runs and what waits of a job."""
    return rows(connection, LIVE, {"job": job})


def days(connection: psycopg.Connection[Any], job: int, zone: str) -> list[Row]:
    """Return what became of a job on each local day of the last 26 weeks, with its durations; of the newest 10,000 runs."""
    return rows(connection, DAYS, {"job": job, "zone": zone, "deepest": DEEPEST})


def markets(connection: psycopg.Connection[Any], job: int) -> list[Row]:
    """Return how many of the latest runs of each market succeeded."""
    return rows(connection, MARKETS, {"job": job})


def history(
    connection: psycopg.Connection[Any], job: int, before: tuple[datetime, int] | None = None,
    statuses: Sequence[str] | None = None, trigger: str | None = None,
) -> tuple[list[Row], tuple[datetime, int] | None]:
    """Return a portion of a job's executions, newest first, and what to ask with for the next one.

    before  planned time and attempt of the last one already seen
    """
    found = rows(connection, HISTORY, {
        "job": job, "before": before[0] if before else None, "attempt": before[1] if before else None,
        "statuses": list(statuses) if statuses else None, "trigger": trigger, "limit": PORTION + 1,
    })
    if len(found) <= PORTION:
        return found, None
    last = found[PORTION - 1]
    return found[:PORTION], (last["scheduled_for"], last["attempt"])


def neighbours(connection: psycopg.Connection[Any], job: int | None, moments: Sequence[datetime], seconds: float) -> list[Row]:
    """Return which other jobs start about these moments, as the daemon has foreseen it."""
    values = {"job": job, "moments": list(moments), "seconds": seconds, "most": CROWD_ROWS}
    return rows(connection, NEIGHBOURS, values) if moments else []


def market_codes(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the markets that accounts or jobs name."""
    return [each["code"] for each in rows(connection, MARKET_CODES)]


def calendars(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the names of the calendars."""
    return [each["name"] for each in rows(connection, CALENDARS)]
