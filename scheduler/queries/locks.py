"""Locks as people read them."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, rows

LIST = """
SELECT held.job_id, job.name AS job_name, held.slot, held.execution_id, held.fence, held.node, held.locked_at,
       held.heartbeat_at, held.expires_at, held.expires_at > now() AS living, held.execution_id IS NULL AS by_hand
  FROM schedule_locks AS held
  JOIN schedule_jobs AS job ON job.id = held.job_id
 WHERE (%(job_id)s::bigint IS NULL OR held.job_id = %(job_id)s)
 ORDER BY held.job_id, held.slot
"""


def list_locks(connection: psycopg.Connection[Any], job_id: int | None = None) -> list[Row]:
    """Return the locks with their job's name, whether each lives and whether a person made it."""
    return rows(connection, LIST, {"job_id": job_id})
