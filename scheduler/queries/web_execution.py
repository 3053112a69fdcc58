"""One execution with what stands around it: its attempts, what came before and after, and its lines page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

ATTEMPTS = """
SELECT id, attempt, status, created_at, available_at, started_at, finished_at, duration_ms, node, error_class, trigger
  FROM job_executions
 WHERE job_id = %(job)s AND scheduled_for = %(scheduled_for)s
 ORDER BY attempt DESC
 LIMIT 50
"""
ONE = """
SELECT id, attempt, status, created_at, available_at, started_at, finished_at, duration_ms, node, error_class, trigger
  FROM job_executions
 WHERE id = %(id)s
"""


def attempts(connection: psycopg.Connection[Any], execution: Row) -> list[Row]:
    """Return all attempts at the planned time of *execution*, the first one first; the last 50 of very many."""
    if execution["job_id"] is None:
        return rows(connection, ONE, {"id": execution["id"]})
    found = rows(connection, ATTEMPTS, {"job": execution["job_id"], "scheduled_for": execution["scheduled_for"]})
    return list(reversed(found))


# By the index of a job's starts, so that a year of them costs nothing.
FORMER = """
SELECT id, status, started_at FROM job_executions
 WHERE job_id = %(job)s AND started_at < %(at)s AND scheduled_for <> %(scheduled_for)s
 ORDER BY started_at DESC LIMIT 1
"""
LATTER = """
SELECT id, status, started_at FROM job_executions
 WHERE job_id = %(job)s AND started_at > %(at)s AND scheduled_for <> %(scheduled_for)s
 ORDER BY started_at LIMIT 1
"""
WAITS_FOR = """
SELECT former.id, former.name, former.last_status, edge.outcome
  FROM job_dependencies AS edge JOIN schedule_jobs AS former ON former.id = edge.depends_on
 WHERE edge.job_id = %(job)s ORDER BY former.name LIMIT 50
"""
FOLLOWED_BY = """
SELECT later.id, later.name, later.last_status, edge.outcome
  FROM job_dependencies AS edge JOIN schedule_jobs AS later ON later.id = edge.job_id
 WHERE edge.depends_on = %(job)s ORDER BY later.name LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class Chain:
    """What stands before and after an execution: of its own job, and jobs that wait for one another."""

    former: Row | None = None
    latter: Row | None = None
    waits_for: tuple[Row, ...] = ()
    followed_by: tuple[Row, ...] = ()


def chain(connection: psycopg.Connection[Any], execution: Row) -> Chain:
    """Return what came before *execution* and what comes after it."""
    if execution["job_id"] is None:
        return Chain()
    values = {"job": execution["job_id"], "at": execution["started_at"], "scheduled_for": execution["scheduled_for"]}
    has_begun = execution["started_at"] is not None
    return Chain(
        row(connection, FORMER, values) if has_begun else None, row(connection, LATTER, values) if has_begun else None,
        tuple(rows(connection, WAITS_FOR, values)), tuple(rows(connection, FOLLOWED_BY, values)),
    )


JOB = """
SELECT id, name, timezone, timeout_minutes, max_retries, status FROM schedule_jobs WHERE id = %(job)s
"""


def job_of(connection: psycopg.Connection[Any], execution: Row) -> Row | None:
    """Return the job's name, zone, time limit and retries; None when it was deleted."""
    return row(connection, JOB, {"job": execution["job_id"]})


LINES = """
SELECT line, logged_at, level, stream, message, fields
  FROM (SELECT * FROM execution_logs
         WHERE execution_id = %(id)s AND line > %(after)s AND line < %(before)s
           AND (%(levels)s::text[] IS NULL OR level = ANY (%(levels)s))
           AND (%(pattern)s::text IS NULL OR message ILIKE %(pattern)s OR fields::text ILIKE %(pattern)s)
         ORDER BY line DESC LIMIT %(limit)s) AS newest
 ORDER BY line
"""
LAST_LINE = 2**31 - 1


def lines(
    connection: psycopg.Connection[Any], execution_id: int, *, after: int = -1, before: int | None = None,
    levels: list[str] | None = None, text: str | None = None, limit: int = 2000,
) -> list[Row]:
    """Return lines of an execution in order: the last *limit* between *after* and *before* that match."""
    pattern = None
    if text:
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return rows(connection, LINES, {
        "id": execution_id, "after": max(-1, min(after, LAST_LINE)), "levels": levels, "pattern": pattern, "limit": limit,
        "before": LAST_LINE if before is None else max(0, min(before, LAST_LINE)),
    })
