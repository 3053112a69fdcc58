"""Executions as people read them: history, queue, what runs, and the lines they wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

# Beside the columns: what a planned time still waits for, by name.
COLUMNS = """
SELECT id, job_id, job_name, job_type, trigger, status, scheduled_for, attempt, failed_attempts, available_at, held_for,
       priority, parameters, market_codes, slot, fence, node, instance_id, lease_expires_at, cancel_requested, cancel_reason,
       started_at, finished_at, duration_ms, exit_code, result, checkpoint, progress, error_class, error_message, skip_reason,
       missed_count, retry_of, created_at,
       CASE WHEN held_for = 'dependency' AND status = 'queued' THEN ARRAY(
           SELECT former.name
             FROM job_dependencies AS edge
             JOIN schedule_jobs AS former ON former.id = edge.depends_on
            WHERE edge.job_id = execution.job_id
              AND NOT coalesce(CASE WHEN edge.condition = 'ever' THEN former.last_success_at IS NOT NULL
                                    WHEN edge.outcome = 'success' THEN former.last_success_at > edge.seen_at
                                    ELSE former.last_failure_at > edge.seen_at END, false)
            ORDER BY former.name) END AS waits_for
  FROM job_executions AS execution
"""

LIST = COLUMNS + """
 WHERE (%(job_id)s::bigint IS NULL OR job_id = %(job_id)s)
   AND (%(statuses)s::text[] IS NULL OR status = ANY (%(statuses)s))
   AND (%(trigger)s::text IS NULL OR trigger = %(trigger)s)
   AND (%(node)s::text IS NULL OR node = %(node)s)
   AND (%(since)s::timestamptz IS NULL OR coalesce(finished_at, now()) >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR finished_at < %(until)s)
   AND (%(after)s::bigint IS NULL OR id > %(after)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""


def list_executions(
    connection: psycopg.Connection[Any],
    *,
    job_id: int | None = None,
    statuses: list[str] | None = None,
    trigger: str | None = None,
    node: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    limit: int | None = 50,
) -> list[Row]:
    """Return executions, newest first. The token is nobody's business and stays out.

    since  what ended from then on, and what has not ended yet
    until  what ended before then
    after  only ids above this one
    """
    return rows(connection, LIST, {
        "job_id": job_id, "statuses": statuses, "trigger": trigger, "node": node, "since": since, "until": until, "after": after,
        "limit": limit,
    })


SHOW = COLUMNS + """
 WHERE id = %(id)s
"""


def execution(connection: psycopg.Connection[Any], execution_id: int) -> Row:
    """Return one execution. Raises NotFound."""
    found = row(connection, SHOW, {"id": execution_id}) if execution_id < 2**63 else None
    if found is None:
        raise NotFound(
            say(f"실행 {execution_id}이(가) 없습니다", f"there is no execution {execution_id}")
            + "\nerp-scheduler executions list"
        )
    return found


LATEST = """
SELECT id
  FROM job_executions
 WHERE job_id = %(job_id)s
 ORDER BY (status = 'running') DESC, started_at DESC NULLS LAST, id DESC
 LIMIT 1
"""


def latest_of(connection: psycopg.Connection[Any], job_id: int) -> int:
    """Return the execution of a job that runs, or the last that ran. Raises NotFound when there is none."""
    found = row(connection, LATEST, {"job_id": job_id})
    if found is None:
        raise NotFound(
            say(f"작업 {job_id}은(는) 아직 실행된 적이 없습니다", f"job {job_id} has not been run yet")
            + f"\nerp-scheduler jobs run {job_id}"
        )
    return int(found["id"])


LOGS = """
SELECT execution_id, line, logged_at, level, stream, message, fields
  FROM (SELECT * FROM execution_logs
         WHERE execution_id = %(id)s AND line > %(after)s
           AND (%(levels)s::text[] IS NULL OR level = ANY (%(levels)s))
         ORDER BY line DESC LIMIT %(tail)s) AS newest
 ORDER BY line
"""


def logs(
    connection: psycopg.Connection[Any],
    execution_id: int,
    *,
    after: int = -1,
    tail: int | None = None,
    levels: list[str] | None = None,
) -> list[Row]:
    """Return the lines of an execution in order, those past line *after*, at most the last *tail*."""
    return rows(connection, LOGS, {"id": execution_id, "after": after, "tail": tail, "levels": levels})


FAILED_LAST = """
SELECT DISTINCT ON (job_id, scheduled_for) id, status
  FROM job_executions
 WHERE job_id IS NOT NULL
   AND created_at >= now() - make_interval(secs => %(since)s)
   AND (%(job_id)s::bigint IS NULL OR job_id = %(job_id)s)
 ORDER BY job_id, scheduled_for, attempt DESC
"""


def failed_since(connection: psycopg.Connection[Any], since: float, job_id: int | None = None) -> list[int]:
    """Return the executions whose planned time ended in a failure in the last *since* seconds: the last attempt of each."""
    found = rows(connection, FAILED_LAST, {"since": since, "job_id": job_id})
    return sorted(int(each["id"]) for each in found if each["status"] in ("failed", "timed_out", "lost"))


SUCCESSOR = """
SELECT later.id
  FROM job_executions AS former
  JOIN job_executions AS later
    ON later.job_id = former.job_id AND later.scheduled_for = former.scheduled_for AND later.attempt > former.attempt
 WHERE former.id = %(id)s
 ORDER BY later.attempt
 LIMIT 1
"""


def successor(connection: psycopg.Connection[Any], execution_id: int) -> int | None:
    """Return the attempt that follows an execution at the same planned time, None when there is none."""
    found = row(connection, SUCCESSOR, {"id": execution_id})
    return None if found is None else int(found["id"])
