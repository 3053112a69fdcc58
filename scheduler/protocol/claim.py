"""T2, claim: queued executions become running, with their lock, in one statement and at most one per free slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from scheduler.database.connection import compact
from scheduler.model import Execution

# The filters here only save work. What decides is: the job row taken (SKIP LOCKED, checked again), the execution still
# queued, the INSERT into schedule_locks, and the unique index on running executions.
# They are scalar subqueries, which the planner never turns into joins: with or without statistics this walks the queue
# in its order and stops at the limit.
CANDIDATES = """
    SELECT execution.id, execution.job_id
      FROM job_executions AS execution
     WHERE execution.status = 'queued'
       AND execution.available_at <= now()
       AND execution.job_type = ANY (%(job_types)s)
       AND ({only}::bigint IS NULL OR execution.job_id = {only})
       AND (SELECT (job.status = 'active'
                    OR (job.status = 'completed' AND execution.trigger IN ('manual', 'retry', 'backfill')))
                   AND CASE WHEN job.max_instances = 1 THEN
                           coalesce((SELECT held.expires_at FROM schedule_locks AS held
                                      WHERE held.job_id = execution.job_id AND held.slot = 0), '-infinity') <= now()
                           AND (SELECT live.id FROM job_executions AS live
                                 WHERE live.job_id = execution.job_id AND live.status = 'running' LIMIT 1) IS NULL
                       ELSE
                           job.max_instances > (SELECT count(*) FROM schedule_locks AS held
                                                 WHERE held.job_id = execution.job_id AND held.expires_at > now())
                           AND job.max_instances > (SELECT count(*) FROM job_executions AS live
                                                     WHERE live.job_id = execution.job_id AND live.status = 'running')
                       END
              FROM schedule_jobs AS job WHERE job.id = execution.job_id)
       AND execution.id = (SELECT ahead.id FROM job_executions AS ahead
                            WHERE ahead.job_id = execution.job_id AND ahead.status = 'queued'
                              AND ahead.available_at <= now()
                            ORDER BY ahead.priority DESC, ahead.available_at, ahead.id
                            LIMIT 1)
     ORDER BY execution.priority DESC, execution.available_at, execution.id
     LIMIT {limit}
"""

CLAIM = compact(
    "WITH candidate AS MATERIALIZED (" + CANDIDATES + """), picked AS MATERIALIZED (
    SELECT job.id AS job_id, execution.id AS execution_id,
           CASE WHEN job.max_instances = 1 THEN 0 ELSE
               (SELECT min(place) FROM generate_series(0, job.max_instances - 1) AS place
                 WHERE NOT EXISTS (SELECT FROM schedule_locks AS held
                                    WHERE held.job_id = job.id AND held.slot = place AND held.expires_at > now())
                   AND NOT EXISTS (SELECT FROM job_executions AS live
                                    WHERE live.job_id = job.id AND live.slot = place AND live.status = 'running')) END AS slot
      FROM candidate
      JOIN job_executions AS execution ON execution.id = candidate.id
      JOIN schedule_jobs  AS job       ON job.id = candidate.job_id
     WHERE execution.status = 'queued'
       AND (job.status = 'active' OR (job.status = 'completed' AND execution.trigger IN ('manual', 'retry', 'backfill')))
     ORDER BY job.id
       FOR NO KEY UPDATE OF job, execution SKIP LOCKED
), fenced AS (
    UPDATE schedule_jobs AS job
       SET fence = least(job.fence, 9223372036854775806) + 1
      FROM picked
     WHERE job.id = picked.job_id AND picked.slot IS NOT NULL
    RETURNING job.id AS job_id, picked.execution_id, picked.slot, job.fence, job.name, job.timeout_minutes, job.max_retries,
              job.max_instances,
              CASE WHEN job.last_success_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.last_success_at END AS last_success_at
), leased AS (
    INSERT INTO schedule_locks (job_id, slot, execution_id, fence, node, expires_at)
    SELECT job_id, slot, execution_id, fence, %(node)s, now() + make_interval(secs => %(lease)s) FROM fenced
    ON CONFLICT (job_id, slot) DO UPDATE
       SET execution_id = excluded.execution_id, token = excluded.token, fence = excluded.fence, node = excluded.node,
           locked_at = now(), heartbeat_at = now(), expires_at = excluded.expires_at
     WHERE schedule_locks.expires_at <= now()
    RETURNING execution_id, token
)
UPDATE job_executions AS execution
   SET status = 'running', token = leased.token, fence = fenced.fence, slot = fenced.slot, node = %(node)s,
       instance_id = %(instance_id)s, started_at = clock_timestamp(),
       lease_expires_at = now() + make_interval(secs => %(lease)s)
  FROM leased
  JOIN fenced ON fenced.execution_id = leased.execution_id
 WHERE execution.id = leased.execution_id
   AND execution.status = 'queued'
RETURNING execution.id, execution.job_id, fenced.name, execution.job_type, execution.trigger,
          least(greatest(execution.scheduled_for, '1970-01-01'), '2300-01-01'),
          execution.attempt, execution.failed_attempts, execution.slot, execution.token, fenced.fence,
          least(greatest(fenced.timeout_minutes, 0.001), 10080) * 60, fenced.max_retries, execution.parameters,
          execution.market_codes, execution.checkpoint, fenced.last_success_at, fenced.max_instances > 1,
          EXISTS (SELECT FROM job_dependencies AS edge WHERE edge.job_id = execution.job_id)
"""
)


async def claim(
    connection: psycopg.AsyncConnection[Any],
    node: str,
    instance_id: UUID,
    job_types: Sequence[str],
    free_slots: int,
    lease_seconds: float,
) -> list[Execution]:
    """Take at most *free_slots* queued executions, best priority and oldest first, one per job.

    Returns  the claimed executions, already running and leased in the database; [] when there is nothing to do
    """
    given = {"node": node, "instance_id": instance_id, "job_types": list(job_types), "lease": lease_seconds}
    try:
        return await _take(connection, given, free_slots)
    except (errors.UniqueViolation, errors.LockNotAvailable):
        # Two nodes met at one job, or somebody locked it by hand. One by one, only that job is left out.
        return await _take_singly(connection, given, free_slots)


async def _take(
    connection: psycopg.AsyncConnection[Any], given: dict[str, Any], limit: int, only: int | None = None
) -> list[Execution]:
    # a literal limit: the planner must know how few rows are wanted
    cursor = await connection.execute(_literal(CLAIM, limit, only), given)
    return [Execution(*row) for row in await cursor.fetchall()]


async def _take_singly(connection: psycopg.AsyncConnection[Any], given: dict[str, Any], limit: int) -> list[Execution]:
    cursor = await connection.execute(_literal(CANDIDATES, limit, None), given)
    taken: list[Execution] = []
    for _, job_id in await cursor.fetchall():
        try:
            taken += await _take(connection, given, 1, only=job_id)
        except (errors.UniqueViolation, errors.LockNotAvailable):
            continue
    return taken


def _literal(query: str, limit: int, only: int | None) -> str:
    return query.replace("{limit}", str(int(limit))).replace("{only}", "NULL" if only is None else str(int(only)))
