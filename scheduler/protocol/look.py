"""The poll: one cheap look that says which of the other steps has anything to do, and when the next one will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

# An order and a limit where EXISTS would do: the planner expects half of all rows to match and would read the table.
LOOK = """
SELECT (SELECT id FROM schedule_jobs WHERE status = 'active' AND planned_version <> spec_version ORDER BY id LIMIT 1)
           IS NOT NULL
       OR coalesce((SELECT min(next_run_at) <= now() FROM schedule_jobs WHERE status = 'active'), false) AS can_plan,
       EXISTS (SELECT FROM job_dependencies AS edge JOIN schedule_jobs AS former ON former.id = edge.depends_on
                WHERE CASE edge.outcome WHEN 'success' THEN former.last_success_at ELSE former.last_failure_at END > edge.seen_at)
       OR EXISTS (SELECT FROM job_executions WHERE held_for IS NOT NULL AND status = 'queued') AS can_follow,
       EXISTS (SELECT FROM schedule_jobs WHERE status = 'paused' AND paused_until <= now()) AS can_wake,
       EXISTS (SELECT FROM schedule_replans) AS can_replan,
       EXISTS (SELECT FROM job_executions AS execution
                WHERE execution.status = 'queued' AND execution.available_at <= now()
                  AND execution.job_type = ANY (%(job_types)s)
                  AND (SELECT job.status = 'active'
                              OR (job.status = 'completed' AND execution.trigger IN ('manual', 'retry', 'backfill'))
                         FROM schedule_jobs AS job WHERE job.id = execution.job_id)
                  AND (SELECT job.max_instances > (SELECT count(*) FROM schedule_locks AS held
                                                    WHERE held.job_id = job.id AND held.expires_at > now())
                         FROM schedule_jobs AS job WHERE job.id = execution.job_id))
           AS can_claim,
       EXISTS (SELECT FROM job_executions
                WHERE status = 'running' AND lease_expires_at < now() - %(grace)s::interval) AS can_reap,
       extract(epoch FROM least(
           (SELECT min(next_run_at) FROM schedule_jobs WHERE status = 'active' AND next_run_at > now()),
           (SELECT min(paused_until) FROM schedule_jobs WHERE status = 'paused' AND paused_until > now()),
           (SELECT min(available_at) FROM job_executions WHERE status = 'queued' AND available_at > now()))
           - clock_timestamp())::float8 AS wait,
       extract(epoch FROM clock_timestamp())::float8 AS clock
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to do now.

    can_follow  jobs depend on something that has happened; perhaps not on all they need
    can_wake    a pause is over
    can_replan  calendars or overlays were edited
    wait        seconds until the nearest planned time, retry or end of a pause; None when there is none
    clock       the database's clock, in seconds since 1970
    """

    can_plan: bool
    can_follow: bool
    can_wake: bool
    can_replan: bool
    can_claim: bool
    can_reap: bool
    wait: float | None
    clock: float


async def look(connection: psycopg.AsyncConnection[Any], job_types: Sequence[str], grace: timedelta) -> Sight:
    """Look once, in one transaction, at what is due, queued and lapsed."""
    cursor = await connection.execute(LOOK, {"job_types": list(job_types), "grace": grace})
    row = await cursor.fetchone()
    assert row is not None
    plan, follow, wake, replan, claim, reap, wait, clock = row
    return Sight(plan, follow, wake, replan, claim, reap, None if wait is None else float(min(wait, 1e9)), clock)
