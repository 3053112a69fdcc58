"""What planning writes: queued and skipped executions, and where each job stands afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from scheduler.rules.jitter import jitter
from scheduler.rules.misfire import Planned

QUEUE = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, held_for, finished_at,
                            priority, parameters, market_codes, missed_count, skip_reason)
SELECT job.id, job.name, job.job_type, planned.trigger, planned.status, planned.scheduled_for,
       CASE WHEN planned.is_held THEN '9999-01-01' ELSE planned.available_at END,
       CASE WHEN planned.is_held THEN 'dependency' END,
       CASE WHEN planned.status = 'skipped' THEN now() END,
       job.priority, job.parameters, job.market_codes, planned.missed_count, planned.skip_reason
  FROM unnest(%(job_ids)s::bigint[], %(triggers)s::text[], %(statuses)s::text[], %(times)s::timestamptz[],
              %(available)s::timestamptz[], %(held)s::boolean[], %(missed)s::int[], %(reasons)s::text[])
    AS planned (job_id, trigger, status, scheduled_for, available_at, is_held, missed_count, skip_reason)
  JOIN schedule_jobs AS job ON job.id = planned.job_id
ON CONFLICT DO NOTHING
"""

MOVE_ON = """
UPDATE schedule_jobs AS job
   SET next_run_at = moved.next_run_at, planned_version = job.spec_version, planned_at = now(),
       occurrence_count = least(greatest(job.occurrence_count, 0), 1000000) + moved.queued,
       last_error = CASE WHEN moved.clears THEN NULL ELSE coalesce(moved.problem, job.last_error) END
  FROM unnest(%(job_ids)s::bigint[], %(next)s::timestamptz[], %(queued)s::int[], %(problems)s::text[],
              %(clears)s::boolean[])
    AS moved (job_id, next_run_at, queued, problem, clears)
 WHERE job.id = moved.job_id
"""

SET_ASIDE = """
UPDATE schedule_jobs AS job
   SET status = bad.status, next_run_at = NULL, planned_version = job.spec_version, planned_at = now(),
       last_error = coalesce(bad.reason, job.last_error)
  FROM unnest(%(job_ids)s::bigint[], %(statuses)s::text[], %(reasons)s::text[]) AS bad (job_id, status, reason)
 WHERE job.id = bad.job_id
"""

# overlap_policy cancel_running: the newest planned time replaces what runs and what waits.
MAKE_ROOM = """
WITH stopped AS (
    UPDATE job_executions SET cancel_requested = true
     WHERE job_id = ANY (%(job_ids)s) AND status = 'running' AND NOT cancel_requested
    RETURNING id
), replaced AS (
    UPDATE job_executions
       SET status = 'skipped', finished_at = now(), skip_reason = 'overlap', held_for = NULL
     WHERE job_id = ANY (%(job_ids)s) AND status = 'queued' AND trigger NOT IN ('manual', 'backfill')
    RETURNING id
)
SELECT pg_notify('erp_scheduler', 'job_executions') WHERE EXISTS (SELECT FROM stopped)
"""

# What somebody else holds this moment: then its job is planned at the next turn.
HELD_BY_OTHERS = """
WITH way AS MATERIALIZED (
    SELECT id FROM job_executions
     WHERE job_id = ANY (%(make_room)s)
       AND (status = 'running' OR (status = 'queued' AND trigger NOT IN ('manual', 'backfill')))
       FOR NO KEY UPDATE SKIP LOCKED
), seen AS MATERIALIZED (
    SELECT job_id, depends_on FROM job_dependencies WHERE job_id = ANY (%(sees)s) FOR NO KEY UPDATE SKIP LOCKED
)
SELECT job_id FROM job_executions
 WHERE job_id = ANY (%(make_room)s)
   AND (status = 'running' OR (status = 'queued' AND trigger NOT IN ('manual', 'backfill')))
   AND id NOT IN (SELECT id FROM way)
 UNION
SELECT job_id FROM job_dependencies
 WHERE job_id = ANY (%(sees)s) AND (job_id, depends_on) NOT IN (SELECT job_id, depends_on FROM seen)
"""

# What a planned time was waiting for is answered by it.
NOTE_SEEN = """
UPDATE job_dependencies AS edge
   SET seen_at = CASE edge.outcome WHEN 'success' THEN former.last_success_at ELSE former.last_failure_at END
  FROM schedule_jobs AS former
 WHERE edge.job_id = ANY (%(job_ids)s) AND former.id = edge.depends_on
   AND edge.seen_at < CASE edge.outcome WHEN 'success' THEN former.last_success_at ELSE former.last_failure_at END
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What planning decided for one good row.

    makes_room  whether what runs and waits has to give way to the new rows
    is_held     whether the new rows wait for other jobs
    sees        whether the new rows answer what other jobs did
    """

    job_id: int
    next_run_at: datetime | None
    rows: tuple[Planned, ...] = ()
    problem: str | None = None
    clears: bool = False
    jitter_seconds: int = 0
    makes_room: bool = False
    is_held: bool = False
    sees: bool = False

    @property
    def queued(self) -> int:
        return sum(row.status == "queued" for row in self.rows)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that is not to be run: invalid with its reason, or a one-off that has run."""

    job_id: int
    name: str
    status: str
    reason: str | None


async def free_to_move(connection: psycopg.AsyncConnection[Any], moved: Sequence[Moved]) -> list[Moved]:
    """Return those for which nobody holds a row that is to be written; the caller holds the transaction."""
    make_room = [each.job_id for each in moved if each.makes_room]
    sees = [each.job_id for each in moved if each.sees]
    if not make_room and not sees:
        return list(moved)
    cursor = await connection.execute(HELD_BY_OTHERS, {"make_room": make_room, "sees": sees})
    held = {row[0] for row in await cursor.fetchall()}
    return [each for each in moved if each.job_id not in held]


async def write(
    connection: psycopg.AsyncConnection[Any], moved: Sequence[Moved], aside: Sequence[SetAside]
) -> None:
    """Write down what was decided about each row; the caller holds the transaction."""
    gives_way = [each.job_id for each in moved if each.makes_room]
    if gives_way:
        await connection.execute(MAKE_ROOM, {"job_ids": gives_way})
    await _queue(connection, [(each, row) for each in moved for row in each.rows])
    if moved:
        await connection.execute(MOVE_ON, {
            "job_ids": [each.job_id for each in moved], "next": [each.next_run_at for each in moved],
            "queued": [each.queued for each in moved], "problems": [each.problem for each in moved],
            "clears": [each.clears for each in moved],
        })
    sees = [each.job_id for each in moved if each.sees]
    if sees:
        await connection.execute(NOTE_SEEN, {"job_ids": sees})
    if aside:
        await connection.execute(SET_ASIDE, {
            "job_ids": [each.job_id for each in aside], "statuses": [each.status for each in aside],
            "reasons": [each.reason for each in aside],
        })


async def _queue(connection: psycopg.AsyncConnection[Any], rows: Sequence[tuple[Moved, Planned]]) -> None:
    if not rows:
        return
    column: Callable[[str], list[Any]] = lambda name: [getattr(row, name) for _, row in rows]  # noqa: E731
    await connection.execute(QUEUE, {
        "job_ids": [each.job_id for each, _ in rows], "triggers": column("trigger"), "statuses": column("status"),
        "times": column("scheduled_for"), "missed": column("missed_count"), "reasons": column("skip_reason"),
        "available": [row.scheduled_for + jitter(each.job_id, row.scheduled_for, each.jitter_seconds) for each, row in rows],
        "held": [each.is_held and row.status == "queued" for each, row in rows],
    })
