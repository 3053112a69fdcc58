"""The whole at a glance: what `status` shows."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows
from scheduler.words import language

SERVER = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer / 10000 AS major,
       current_setting('server_encoding') AS encoding, current_setting('max_connections')::integer AS max_connections,
       current_setting('superuser_reserved_connections')::integer AS reserved,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       clock_timestamp() AS now
"""


def server(connection: psycopg.Connection[Any]) -> Row:
    """Return what the server says of itself."""
    return row(connection, SERVER) or {}


JOBS = """
SELECT count(*)::integer AS total,
       count(*) FILTER (WHERE status = 'active')::integer AS active,
       count(*) FILTER (WHERE status = 'paused')::integer AS paused,
       count(*) FILTER (WHERE status = 'completed')::integer AS completed,
       count(*) FILTER (WHERE status = 'invalid')::integer AS invalid
  FROM schedule_jobs
 WHERE NOT hidden
"""
LIVE = """
SELECT count(*) FILTER (WHERE status = 'queued')::integer AS queued,
       count(*) FILTER (WHERE status = 'running')::integer AS running
  FROM job_executions
 WHERE status IN ('queued', 'running')
"""
LAST_DAY = """
SELECT status, count(*)::integer AS number
  FROM job_executions
 WHERE finished_at >= now() - interval '24 hours'
 GROUP BY status
"""
ENDS = ("success", "failed", "timed_out", "cancelled", "skipped", "lost")


def job_counts(connection: psycopg.Connection[Any]) -> Row:
    """Count the jobs by status."""
    return row(connection, JOBS) or {}


def execution_counts(connection: psycopg.Connection[Any]) -> Row:
    """Count what waits and runs, and how the last 24 hours ended."""
    ended = {each["status"]: each["number"] for each in rows(connection, LAST_DAY)}
    return {**(row(connection, LIVE) or {}), "last_24h": {status: ended.get(status, 0) for status in ENDS}}


# Of a node that takes no new work only the slots in use count.
WORKERS = """
SELECT coalesce(sum(running), 0)::integer AS busy,
       coalesce(sum(CASE WHEN EXISTS (SELECT FROM schedule_drains WHERE node = name) THEN running ELSE workers END), 0)::integer
           AS total
  FROM scheduler_nodes
 WHERE state <> 'stopped' AND seen_at >= now() - make_interval(secs => lease_seconds)
"""
NEXT = """
SELECT id AS job_id, name, next_run_at AS at
  FROM schedule_jobs
 WHERE status = 'active' AND next_run_at IS NOT NULL
 ORDER BY next_run_at
 LIMIT 1
"""


def workers(connection: psycopg.Connection[Any]) -> Row:
    """Add up the slots of all live nodes."""
    return row(connection, WORKERS) or {}


def next_job(connection: psycopg.Connection[Any]) -> Row | None:
    """Return the job whose turn comes first."""
    return row(connection, NEXT)


# What a snooze hides is what `schedule_problems` hides, too: the trouble of the job itself.
PROBLEMS = """
SELECT problem.* FROM (
SELECT DISTINCT 'drained' AS kind, NULL::bigint AS job_id, name,
       drained_by || coalesce(': ' || drain_reason, '') AS message, 'erp-scheduler nodes drain ' || name || ' --undo' AS command
  FROM schedule_nodes_live WHERE drained_since IS NOT NULL
UNION ALL
SELECT 'invalid' AS kind, id AS job_id, name, left(coalesce(last_error, ''), 500) AS message,
       'erp-scheduler jobs show ' || id AS command
  FROM schedule_jobs WHERE status = 'invalid' AND NOT hidden
UNION ALL
SELECT 'failing', job.id, name, left(coalesce(last_error, ''), 500), 'erp-scheduler executions logs ' || coalesce(
       (SELECT ended.id FROM job_executions AS ended WHERE ended.job_id = job.id AND ended.started_at IS NOT NULL
         ORDER BY ended.started_at DESC LIMIT 1)::text, quote_literal(name))
  FROM schedule_jobs AS job
 WHERE status = 'active' AND NOT hidden AND (consecutive_failures >= 3 OR (important AND consecutive_failures > 0))
UNION ALL
SELECT 'no_handler', id, name, job_type, 'erp-scheduler handlers list'
  FROM schedule_jobs AS job
 WHERE status = 'active' AND NOT hidden
   AND EXISTS (SELECT FROM scheduler_nodes WHERE state <> 'stopped'
                  AND seen_at >= now() - make_interval(secs => lease_seconds))
   AND NOT EXISTS (SELECT FROM scheduler_nodes WHERE state <> 'stopped' AND job.job_type = ANY (job_types)
                      AND seen_at >= now() - make_interval(secs => lease_seconds))
UNION ALL
SELECT 'lock', held.job_id, job.name,
       CASE WHEN held.execution_id IS NULL THEN 'locked by hand' ELSE 'lock of ' || coalesce(held.node, '?') || ' lapsed' END,
       'erp-scheduler locks release ' || held.job_id
  FROM schedule_locks AS held JOIN schedule_jobs AS job ON job.id = held.job_id
 WHERE held.execution_id IS NULL OR held.expires_at < now() - interval '1 minute'
UNION ALL
SELECT kind, job_id, coalesce(job_name, ''), CASE WHEN %(korean)s THEN ko ELSE en END, fix
  FROM schedule_problems
 WHERE kind IN ('dead_node', 'full_pool', 'overdue', 'stuck', 'slow', 'skipping', 'expiring_key')
) AS problem
 WHERE NOT EXISTS (SELECT FROM schedule_snoozes_live AS quiet WHERE quiet.job_id = problem.job_id)
 LIMIT 20
"""


def problems(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return what somebody should look at: kind, job, words and the command that helps."""
    return rows(connection, PROBLEMS, {"korean": language() == "ko"})
