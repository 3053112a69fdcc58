"""The bare SQL that the daemon is compared with: no processes, no handlers, one connection, batches of 100."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import psycopg

from scheduler.database.connection import connect_daemon
from scheduler.model import ExecutionStatus, Outcome
from scheduler.protocol.claim import claim
from scheduler.protocol.record import record

BATCH = 100
TYPES = ["bench_noop", "bench_anoop"]


def own_statements(dsn: str) -> float:
    """Drive the daemon's own claim and record in a tight loop. Returns executions per second."""
    return asyncio.run(_own_statements(dsn))


async def _own_statements(dsn: str) -> float:
    connection = await connect_daemon(dsn, "bench")
    try:
        instance, count, began = uuid.uuid4(), 0, time.perf_counter()
        while taken := await claim(connection, "bench", instance, TYPES, BATCH, 60.0):
            ended = [Outcome(each.id, each.token, ExecutionStatus.SUCCESS, result={}) for each in taken]
            verdicts = await record(connection, ended)
            if any(verdict.status != "success" for verdict in verdicts):
                raise RuntimeError(f"not recorded: {verdicts[:3]}")
            count += len(taken)
        return count / (time.perf_counter() - began)
    finally:
        await connection.close()


# The least that keeps the promises of a durable running row before and a final row after, and nothing else: no job
# row, no fence, no retry, no order of locks.
TAKE = f"""
WITH picked AS MATERIALIZED (
    SELECT id, job_id FROM job_executions
     WHERE status = 'queued' AND available_at <= now()
     ORDER BY priority DESC, available_at, id
     LIMIT {BATCH}
       FOR UPDATE SKIP LOCKED
), locked AS (
    INSERT INTO schedule_locks (job_id, execution_id, node, expires_at)
    SELECT job_id, id, 'bench', now() + interval '60 seconds' FROM picked
    ON CONFLICT DO NOTHING
    RETURNING execution_id, token
)
UPDATE job_executions AS execution
   SET status = 'running', token = locked.token, node = 'bench', started_at = clock_timestamp(),
       lease_expires_at = now() + interval '60 seconds'
  FROM locked
 WHERE execution.id = locked.execution_id
RETURNING execution.id
"""
FINISH = """
WITH done AS (
    UPDATE job_executions
       SET status = 'success', result = '{}', finished_at = clock_timestamp(), lease_expires_at = NULL
     WHERE id = ANY (%(ids)s) AND status = 'running'
    RETURNING job_id, token
)
DELETE FROM schedule_locks AS held USING done WHERE held.job_id = done.job_id AND held.token = done.token
"""


def plain_statements(connection: psycopg.Connection[Any]) -> float:
    """Drive the plainest claim and completion there can be. Returns executions per second."""
    count, began = 0, time.perf_counter()
    while taken := connection.execute(TAKE, prepare=False).fetchall():
        connection.execute(FINISH, {"ids": [row[0] for row in taken]}, prepare=False)
        count += len(taken)
    return count / (time.perf_counter() - began)
