"""What `doctor` asks of a database beside the promises."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

BACKEND = "SELECT pg_backend_pid() AS pid"
PROBES = 6


def changes_sessions(connection: psycopg.Connection[Any]) -> bool:
    """Say whether a pooler in transaction mode stands between: the backend differs between transactions."""
    found = {(row(connection, BACKEND) or {}).get("pid") for _ in range(PROBES)}
    return len(found) > 1


LISTEN = "LISTEN erp_scheduler_doctor"
NOTIFY = "SELECT pg_notify('erp_scheduler_doctor', %(word)s)"


def notify_arrives(listener: psycopg.Connection[Any], sender: psycopg.Connection[Any], word: str, limit: float) -> bool:
    """Send *word* over one connection and say whether it reached the other within *limit* seconds."""
    listener.execute(LISTEN)
    sender.execute(NOTIFY, {"word": word})
    return any(notice.payload == word for notice in listener.notifies(timeout=limit, stop_after=1))


ORPHAN_TYPES = """
SELECT job.job_type, array_agg(job.name ORDER BY job.id) AS names
  FROM schedule_jobs AS job
 WHERE job.status = 'active' AND NOT job.hidden
   AND NOT EXISTS (SELECT FROM scheduler_nodes AS node
                    WHERE job.job_type = ANY (node.job_types) AND node.state <> 'stopped'
                      AND node.seen_at >= now() - make_interval(secs => node.lease_seconds))
 GROUP BY job.job_type
 ORDER BY job.job_type
"""


def types_without_node(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the types of active jobs that no live node knows, with the jobs' names."""
    return rows(connection, ORPHAN_TYPES)


BY_HAND = """
SELECT held.job_id, job.name, held.expires_at
  FROM schedule_locks AS held JOIN schedule_jobs AS job ON job.id = held.job_id
 WHERE held.execution_id IS NULL
    OR NOT EXISTS (SELECT FROM job_executions AS execution WHERE execution.id = held.execution_id)
 ORDER BY held.job_id
"""


def locks_by_hand(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return locks that no execution holds: a person made them, and the job waits until they lapse."""
    return rows(connection, BY_HAND)


INVALID = "SELECT id, name, last_error FROM schedule_jobs WHERE status = 'invalid' AND NOT hidden ORDER BY id LIMIT 20"


def invalid_jobs(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return jobs that cannot be run, with the reason."""
    return rows(connection, INVALID)
