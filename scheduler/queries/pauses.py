"""What a pause has held up: since when jobs stand still, and the one execution that makes up for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

PAUSED = """
SELECT id, updated_at AS since
  FROM schedule_jobs
 WHERE id = ANY (%(ids)s) AND status = 'paused'
 ORDER BY id
   FOR NO KEY UPDATE
"""
# A later edit of a paused job moves updated_at; its revisions know better.
PAUSED_BY_REVISION = """
SELECT job_id AS id, max(changed_at) AS since
  FROM job_revisions
 WHERE job_id = ANY (%(ids)s) AND 'status' = ANY (changed) AND new ->> 'status' = 'paused'
 GROUP BY job_id
"""


def paused_since(connection: psycopg.Connection[Any], ids: Sequence[int]) -> dict[int, datetime]:
    """Lock these jobs and say of those that are paused since when."""
    values = {"ids": list(ids)}
    found = {int(each["id"]): each["since"] for each in rows(connection, PAUSED, values)}
    revised = rows(connection, PAUSED_BY_REVISION, values) if found else []
    return found | {int(each["id"]): each["since"] for each in revised if each["id"] in found}


QUEUE_MISSED = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, priority, parameters,
                            market_codes, missed_count)
SELECT id, name, job_type, 'catchup', 'queued', %(planned)s, clock_timestamp(), priority, parameters, market_codes, %(missed)s
  FROM schedule_jobs
 WHERE id = %(job_id)s
ON CONFLICT ON CONSTRAINT job_executions_once DO NOTHING
RETURNING id
"""
COUNT_MISSED = "UPDATE schedule_jobs SET occurrence_count = occurrence_count + 1 WHERE id = %(job_id)s AND max_runs IS NOT NULL"


def queue_missed(connection: psycopg.Connection[Any], job_id: int, planned: datetime, missed: int) -> int | None:
    """Queue one execution for the last planned time of a pause; None when that time has one already.

    missed  how many other planned times it stands for
    """
    queued: Row | None = row(connection, QUEUE_MISSED, {"job_id": job_id, "planned": planned, "missed": missed})
    if queued is None:
        return None
    connection.execute(COUNT_MISSED, {"job_id": job_id})
    return int(queued["id"])
