"""Executions of code that somebody else runs: recorded beside ours, with no job and no lock."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, rows

PREFIX = "tracked:"

BEGIN = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, started_at)
VALUES (NULL, %(name)s, %(job_type)s, 'manual', 'running', clock_timestamp(), clock_timestamp())
RETURNING id
"""


def begin(connection: psycopg.Connection[Any], job_id: str, name: str) -> int:
    """Record that something has begun, and return the number of its execution."""
    found = rows(connection, BEGIN, {"name": name[:200], "job_type": PREFIX + job_id})
    return int(found[0]["id"])


END = """
UPDATE job_executions
   SET status = %(status)s, finished_at = clock_timestamp(), error_message = %(error)s,
       error_class = CASE WHEN %(status)s = 'failed' THEN 'tracked' END,
       duration_ms = (extract(epoch FROM clock_timestamp() - started_at) * 1000)::bigint
 WHERE id = %(id)s AND status = 'running' AND starts_with(job_type, %(prefix)s)
"""


def end(connection: psycopg.Connection[Any], execution_id: int, status: str, error: str | None) -> None:
    """Record how it ended; what has ended already, or is not of this kind, stays as it is."""
    connection.execute(END, {
        "id": execution_id, "status": status, "error": None if error is None else error[:4000], "prefix": PREFIX,
    })


RECENT = """
SELECT id,
       CASE WHEN starts_with(job_type, %(prefix)s) THEN substr(job_type, length(%(prefix)s) + 1) ELSE job_name END AS job_id,
       job_name, status, started_at, finished_at, duration_ms, error_message
  FROM job_executions
 WHERE started_at IS NOT NULL
   AND (%(job_id)s::text IS NULL OR job_name = %(job_id)s OR job_type = %(prefix)s || %(job_id)s)
 ORDER BY started_at DESC, id DESC
 LIMIT %(limit)s
"""


def recent(connection: psycopg.Connection[Any], job_id: str | None, limit: int) -> list[Row]:
    """Return executions that have begun, newest first: those tracked, and those of the job of that name."""
    return rows(connection, RECENT, {"prefix": PREFIX, "job_id": job_id, "limit": limit})
