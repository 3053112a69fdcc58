"""T5, reap: executions whose lease lapsed are lost; their retry is queued in the same commit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from scheduler.model import ExecutionStatus, Outcome
from scheduler.protocol.close import Verdict, close_executions, complete_jobs, end_sessions

LAPSED = """
SELECT id, token, attempt, failed_attempts, node
  FROM job_executions
 WHERE status = 'running'
   AND lease_expires_at < now() - %(grace)s::interval
 ORDER BY lease_expires_at
 LIMIT 100
"""

LEFT_BY_INSTANCE = """
SELECT id, token, attempt, failed_attempts, node
  FROM job_executions
 WHERE status = 'running'
   AND instance_id = %(instance_id)s
"""

DROP_STALE_LOCKS = """
DELETE FROM schedule_locks
 WHERE (job_id, slot) IN (
SELECT held.job_id, held.slot
  FROM schedule_locks AS held
 WHERE held.expires_at < now() - %(grace)s::interval
   AND held.execution_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM job_executions AS live
                    WHERE live.id = held.execution_id AND live.token = held.token AND live.status = 'running')
   FOR UPDATE SKIP LOCKED)
"""


async def reap(connection: psycopg.AsyncConnection[Any], grace: timedelta) -> list[Verdict]:
    """End what nobody has renewed for its lease and *grace*. The lease is checked again in the UPDATE itself."""
    cursor = await connection.execute(LAPSED, {"grace": grace})
    outcomes = [_lost(row, "its lease lapsed") for row in await cursor.fetchall()]
    verdicts = await _end(connection, outcomes, grace) if outcomes else []
    await connection.execute(DROP_STALE_LOCKS, {"grace": grace})
    await complete_jobs(connection)
    return verdicts


async def reap_instance(connection: psycopg.AsyncConnection[Any], instance_id: UUID) -> list[Verdict]:
    """End at once what a daemon left that is proven dead: its state folder's lock has come to us."""
    cursor = await connection.execute(LEFT_BY_INSTANCE, {"instance_id": instance_id})
    outcomes = [_lost(row, "its daemon died") for row in await cursor.fetchall()]
    return await _end(connection, outcomes, None) if outcomes else []


def _lost(row: tuple[Any, ...], reason: str) -> Outcome:
    number, token, attempt, failed_attempts, node = row
    return Outcome(
        execution_id=number, token=token, attempt=attempt, failed_attempts=failed_attempts,
        status=ExecutionStatus.LOST, error_class="lost", error_message=f"lost on node {node}: {reason}", retry=True,
    )


async def _end(
    connection: psycopg.AsyncConnection[Any], outcomes: list[Outcome], lapsed: timedelta | None
) -> list[Verdict]:
    await end_sessions(connection, [outcome.execution_id for outcome in outcomes])
    return await close_executions(connection, outcomes, lapsed)
