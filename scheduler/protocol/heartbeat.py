"""T3, heartbeat: renew this node's locks and leases in one statement; what was not renewed is no longer ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

# Rows that somebody else has locked are passed over: an operator who leaves a transaction open must not let the
# leases of all other executions of this node run out.
RENEW = """
WITH lock AS MATERIALIZED (
    SELECT job_id, slot, token, execution_id
      FROM schedule_locks
     WHERE token = ANY (%(tokens)s)
     ORDER BY job_id, slot
       FOR UPDATE SKIP LOCKED
), execution AS MATERIALIZED (
    SELECT execution.id, execution.token
      FROM job_executions AS execution
      JOIN lock ON lock.execution_id = execution.id AND lock.token = execution.token
     WHERE execution.status = 'running'
     ORDER BY execution.id
       FOR NO KEY UPDATE OF execution SKIP LOCKED
), renewed AS (
    UPDATE schedule_locks AS held
       SET heartbeat_at = now(), expires_at = now() + make_interval(secs => %(lease)s)
      FROM execution
     WHERE held.token = execution.token
    RETURNING held.token
), leased AS (
    UPDATE job_executions AS execution
       SET lease_expires_at = now() + make_interval(secs => %(lease)s)
      FROM renewed
     WHERE execution.token = renewed.token AND execution.id IN (SELECT id FROM execution)
    RETURNING execution.token, execution.cancel_requested
)
SELECT mine.token,
       leased.token IS NOT NULL AS is_renewed,
       coalesce(leased.cancel_requested, false) AS is_cancelled,
       leased.token IS NULL
           AND NOT (EXISTS (SELECT FROM schedule_locks AS held WHERE held.token = mine.token)
                    AND EXISTS (SELECT FROM job_executions AS live
                                 WHERE live.token = mine.token AND live.id = mine.id AND live.status = 'running'))
           AS is_gone
  FROM unnest(%(tokens)s::uuid[], %(ids)s::bigint[]) AS mine (token, id)
  LEFT JOIN leased ON leased.token = mine.token
"""

# Only here does a daemon read whether people have drained it: what it says of itself and what it does cannot differ.
REPORT = """
WITH drain AS (
    SELECT EXISTS (SELECT FROM schedule_drains WHERE node = %(name)s) AS is_asked
)
INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, running, job_types, state, lease_seconds)
SELECT %(instance_id)s, %(name)s, %(host)s, %(pid)s, %(version)s, %(workers)s, %(running)s, %(job_types)s,
       CASE WHEN drain.is_asked AND %(state)s::text = 'running'
            THEN CASE WHEN %(is_busy)s::boolean THEN 'draining' ELSE 'drained' END ELSE %(state)s END,
       %(lease_seconds)s
  FROM drain
ON CONFLICT (instance_id) DO UPDATE
   SET running = excluded.running, seen_at = now(),
       state = CASE scheduler_nodes.state WHEN 'stopped' THEN 'stopped' ELSE excluded.state END
RETURNING (SELECT is_asked FROM drain)
"""

FORGET_NODES = "DELETE FROM scheduler_nodes WHERE seen_at < now() - interval '7 days'"


@dataclass(frozen=True, slots=True)
class Beat:
    """What the database said of one token: renewed, cancel asked for, or gone (fenced out).

    Neither renewed nor gone means that somebody holds the row this moment; the next beat tries again.
    """

    token: UUID
    is_renewed: bool
    is_cancelled: bool
    is_gone: bool


async def renew(
    connection: psycopg.AsyncConnection[Any], held: Sequence[tuple[UUID, int]], lease_seconds: float
) -> list[Beat]:
    """Renew these (token, execution id) pairs until now + *lease_seconds*, by the database's clock."""
    cursor = await connection.execute(
        RENEW, {"tokens": [token for token, _ in held], "ids": [number for _, number in held], "lease": lease_seconds}
    )
    return [Beat(*row) for row in await cursor.fetchall()]


async def report_node(connection: psycopg.AsyncConnection[Any], facts: dict[str, Any]) -> bool:
    """Say that this daemon lives, or has stopped, which is its last word. For people's eyes; nothing is decided by it.

    Returns  whether people have drained this node
    """
    row = await (await connection.execute(REPORT, facts)).fetchone()
    return row is not None and bool(row[0])


async def forget_nodes(connection: psycopg.AsyncConnection[Any]) -> None:
    """Drop the rows of daemons that have not been seen for a week."""
    await connection.execute(FORGET_NODES)
