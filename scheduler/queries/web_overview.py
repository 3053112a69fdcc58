"""What the overview and the status card read. Nothing here reads the history without a bound that an index keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

Connection = psycopg.Connection[Any]

JOBS = """
SELECT count(*) AS total, count(*) FILTER (WHERE status = 'active') AS active,
       count(*) FILTER (WHERE status = 'paused') AS paused, count(*) FILTER (WHERE status = 'invalid') AS invalid,
       count(*) FILTER (WHERE status = 'active' AND next_run_at < now() - interval '2 minutes') AS overdue
  FROM schedule_jobs WHERE NOT hidden
"""
LIVE = """
SELECT (SELECT count(*) FROM job_executions WHERE status = 'running') AS running,
       (SELECT count(*) FROM (SELECT FROM job_executions WHERE status = 'queued' LIMIT 100000) AS waiting) AS queued,
       (SELECT min(available_at) FROM job_executions
         WHERE status = 'queued' AND held_for IS NULL AND available_at <= now()) AS waiting_since
"""
NODES = """
SELECT coalesce(array_agg(name ORDER BY started_at) FILTER (WHERE alive), '{}') AS alive,
       coalesce(sum(CASE WHEN drained THEN running ELSE workers END) FILTER (WHERE alive), 0) AS workers,
       coalesce(bool_and(drained) FILTER (WHERE alive), false) AS drained,
       coalesce(array_agg(DISTINCT name) FILTER (WHERE NOT alive AND name NOT IN (SELECT name FROM schedule_nodes_live)), '{}')
           AS lost
  FROM (SELECT name, started_at, workers, running, name IN (SELECT node FROM schedule_drains) AS drained,
               seen_at > now() - make_interval(secs => lease_seconds * 2) AS alive
          FROM scheduler_nodes WHERE state <> 'stopped' AND seen_at > now() - interval '1 day') AS node
"""
NEXT = """
SELECT id, name, job_type, next_run_at FROM schedule_jobs
 WHERE status = 'active' AND next_run_at >= now() ORDER BY next_run_at LIMIT 1
"""
# The index on finished_at bounds it: what ended in a day, whatever the history holds.
ENDED = """
SELECT count(*) FILTER (WHERE status = 'success') AS succeeded,
       count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost')) AS failed,
       count(*) FILTER (WHERE status = 'skipped') AS skipped
  FROM job_executions WHERE finished_at > now() - interval '24 hours'
"""
# Seven stretches of 24 hours out of the index alone: a million ends in a week take some fifty milliseconds.
WEEK = """
SELECT span.since, ended.succeeded, ended.failed
  FROM (SELECT now() - make_interval(days => ago) AS since FROM generate_series(7, 1, -1) AS ago) AS span
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE status = 'success') AS succeeded,
              count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost')) AS failed
         FROM job_executions
        WHERE finished_at > span.since AND finished_at <= span.since + interval '24 hours') AS ended
 ORDER BY span.since
"""
RUNNING = """
SELECT id AS execution_id, job_id, job_name, status, trigger, attempt, started_at, NULL AS finished_at, NULL AS duration_ms,
       NULL AS result, NULL AS error_class, NULL AS error_message, NULL AS skip_reason
  FROM job_executions WHERE status = 'running' ORDER BY started_at DESC LIMIT %(most)s
"""
RECENT = """
SELECT execution_id, job_id, job_name, status, trigger, attempt, started_at, finished_at, duration_ms, result, error_class,
       left(error_message, 200) AS error_message, skip_reason
  FROM schedule_recent LIMIT %(most)s
"""


def status(connection: Connection) -> Row:
    """Return jobs, what runs and waits, nodes and the next run in one row."""
    found: Row = {}
    for statement in (JOBS, LIVE, NODES):
        found |= row(connection, statement) or {}
    return {**found, "next": row(connection, NEXT)}


def ended_in_a_day(connection: Connection) -> Row:
    """Count how the executions of the last 24 hours ended."""
    return row(connection, ENDED) or {}


def ended_in_a_week(connection: Connection) -> list[Row]:
    """Count how the executions of the last seven days ended, by stretches of 24 hours, the oldest first."""
    return rows(connection, WEEK, {})


def recent(connection: Connection, most: int) -> list[Row]:
    """Return what runs, then what ended last."""
    return rows(connection, RUNNING, {"most": most}) + rows(connection, RECENT, {"most": most})


# -- the day ----------------------------------------------------------------------------------------------------------------

# Those that run come first, then those that fail, then whose turn is next: a page shows as many lanes as people can read.
LANES = """
SELECT id, name FROM schedule_jobs
 WHERE NOT hidden AND status <> 'completed'
 ORDER BY EXISTS (SELECT FROM job_executions AS run WHERE run.job_id = schedule_jobs.id AND run.status = 'running') DESC,
          status = 'invalid' DESC, consecutive_failures > 0 DESC, important DESC, next_run_at NULLS LAST, id
 LIMIT %(most)s
"""
# Gathered by minute in the database: however often a job runs, a lane has at most 1,440 rows of a state.
SPANS = """
SELECT job_id, CASE WHEN status = 'skipped' AND skip_reason = 'misfire' THEN 'missed' ELSE status END AS status,
       floor(extract(epoch FROM coalesce(started_at, scheduled_for) - %(day)s) / 60)::integer AS first,
       max(ceil(extract(epoch FROM coalesce(finished_at, now()) - %(day)s) / 60))::integer AS last, count(*)::integer AS number
  FROM job_executions
 WHERE job_id = ANY (%(jobs)s) AND scheduled_for >= %(day)s AND scheduled_for < %(day)s + interval '24 hours'
   AND (status <> 'queued' OR scheduled_for <= now())
 GROUP BY 1, 2, 3
"""
COMING = """
SELECT job_id, run_at, floor(extract(epoch FROM run_at - %(day)s) / 60)::integer AS minute
  FROM schedule_forecast
 WHERE job_id = ANY (%(jobs)s) AND run_at > now() AND run_at >= %(day)s AND run_at < %(day)s + interval '24 hours'
 ORDER BY run_at
"""


def lanes(connection: Connection, most: int) -> list[Row]:
    """Return the jobs that a timeline shows."""
    return rows(connection, LANES, {"most": most})


def spans(connection: Connection, jobs: list[int], day: datetime) -> list[Row]:
    """Return what ran on the day that begins at *day*, by job, state and minute."""
    return rows(connection, SPANS, {"jobs": jobs, "day": day})


def coming(connection: Connection, jobs: list[int], day: datetime) -> list[Row]:
    """Return what will still run on that day."""
    return rows(connection, COMING, {"jobs": jobs, "day": day})


# -- the last 24 hours as numbers ---------------------------------------------------------------------------------------------

SERIES = """
WITH slots AS (
    SELECT slot FROM generate_series(%(since)s::timestamptz, now() - interval '15 minutes', interval '15 minutes') AS slot),
run AS (
    SELECT status, available_at, started_at, finished_at FROM job_executions WHERE finished_at > %(since)s
    UNION ALL SELECT status, available_at, started_at, NULL FROM job_executions WHERE status = 'running'
    UNION ALL SELECT status, available_at, NULL, NULL FROM job_executions
               WHERE status = 'queued' AND held_for IS NULL AND available_at <= now()),
part AS (
    SELECT 'busy' AS kind, greatest(started_at, %(since)s) AS since, coalesce(finished_at, now()) AS till
      FROM run WHERE started_at IS NOT NULL
    UNION ALL
    SELECT 'waiting', greatest(available_at, %(since)s), coalesce(started_at, finished_at, now()) FROM run),
spent AS (
    SELECT slot, sum(seconds) FILTER (WHERE kind = 'busy') AS busy, sum(seconds) FILTER (WHERE kind = 'waiting') AS waiting
      FROM part CROSS JOIN LATERAL (
           SELECT slot, extract(epoch FROM least(till, slot + interval '15 minutes') - greatest(part.since, slot)) AS seconds
             FROM generate_series(date_bin('15 minutes', part.since, %(since)s), till, interval '15 minutes') AS slot) AS each
     WHERE till > part.since GROUP BY slot),
ended AS (
    SELECT date_bin('15 minutes', finished_at, %(since)s) AS slot, count(*) FILTER (WHERE status = 'success') AS succeeded,
           count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost')) AS failed
      FROM run WHERE finished_at IS NOT NULL GROUP BY 1)
SELECT extract(epoch FROM slot)::bigint AS at, coalesce(ended.succeeded, 0) AS succeeded, coalesce(ended.failed, 0) AS failed,
       round(coalesce(spent.busy, 0) / 900.0, 2)::float8 AS busy, round(coalesce(spent.waiting, 0) / 900.0, 2)::float8 AS waiting
  FROM slots LEFT JOIN ended USING (slot) LEFT JOIN spent USING (slot)
 ORDER BY slot
"""


def series(connection: Connection, since: datetime) -> list[Row]:
    """Return quarters of an hour from *since*: what ended, and how many ran and waited on average."""
    return rows(connection, SERIES, {"since": since})
