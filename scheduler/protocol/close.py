"""How an execution is ended in the database: one statement for a whole batch, shared by record and reap.

It never waits for anybody: a row that somebody else has locked is left alone and reported as busy, to be tried again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import random
from typing import Any

import psycopg

from scheduler.database.connection import compact
from scheduler.model import Outcome
from scheduler.rules.retry import retry_delay

CLOSE = """
WITH outcome AS MATERIALIZED (
    SELECT *
      FROM jsonb_to_recordset(%(outcomes)s::jsonb)
        AS given (id bigint, token uuid, status text, result jsonb, error_class text, error_message text,
                  skip_reason text, exit_code int, wants_retry boolean, counted boolean, delay float8, has_floor boolean)
     LIMIT {at_most}
), known AS MATERIALIZED (                        -- an unlocked look: which job
    SELECT outcome.*, execution.job_id
      FROM outcome JOIN job_executions AS execution ON execution.id = outcome.id
), job AS MATERIALIZED (                          -- lock order of the whole house: job, lock, execution; nobody waits
    SELECT job.id, job.max_retries, job.next_run_at,
           num_nonnulls(job.run_at, job.end_at, job.max_runs) > 0 AS has_end
      FROM schedule_jobs AS job
     WHERE job.id IN (SELECT job_id FROM known)
     ORDER BY job.id
       FOR NO KEY UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT held.job_id, held.token
      FROM schedule_locks AS held
     WHERE held.job_id IN (SELECT id FROM job)
     ORDER BY held.job_id, held.slot
       FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (                        -- guards as columns, not conditions: the planner must not guess "one row"
    SELECT execution.id,
           execution.status = 'running' AND execution.token = known.token
           AND (%(lapsed)s::interval IS NULL OR execution.lease_expires_at < now() - %(lapsed)s::interval) AS is_ours
      FROM job_executions AS execution
      JOIN known ON known.id = execution.id
     ORDER BY execution.id
       FOR NO KEY UPDATE OF execution SKIP LOCKED
), ready AS MATERIALIZED (
    SELECT known.*, held.token IS NOT NULL AS is_held
      FROM known
      JOIN taken ON taken.id = known.id
      LEFT JOIN job  ON job.id = known.job_id
      LEFT JOIN held ON held.job_id = known.job_id AND held.token = known.token
     WHERE taken.is_ours
       AND (known.job_id IS NULL OR job.id IS NOT NULL)
       AND (held.token IS NOT NULL                -- a lock row that is there but not ours to take is being deleted
            OR NOT EXISTS (SELECT FROM schedule_locks AS there
                            WHERE there.job_id = known.job_id AND there.token = known.token))
), released AS (
    DELETE FROM schedule_locks AS held
     USING ready
     WHERE held.job_id = ready.job_id AND held.token = ready.token AND ready.is_held
), closed AS (
    UPDATE job_executions AS execution
       SET status        = CASE WHEN ready.is_held OR ready.status = 'lost' THEN ready.status ELSE 'cancelled' END,
           result        = CASE WHEN ready.is_held THEN ready.result END,
           error_class   = CASE WHEN ready.is_held OR ready.status = 'lost' THEN ready.error_class ELSE 'revoked' END,
           error_message = CASE WHEN ready.is_held OR ready.status = 'lost' THEN ready.error_message
                                ELSE 'the lock was deleted; the result was not kept' END,
           skip_reason   = ready.skip_reason,
           exit_code     = ready.exit_code,
           finished_at   = clock_timestamp(),
           duration_ms   = (extract(epoch FROM clock_timestamp() - execution.started_at) * 1000)::bigint,
           lease_expires_at = NULL
      FROM ready
     WHERE execution.id = ready.id AND execution.status = 'running'
    RETURNING execution.*, ready.wants_retry AND (ready.is_held OR ready.status = 'lost') AS wants_retry,
              ready.counted, ready.delay, ready.has_floor
), retried AS (
    INSERT INTO job_executions (job_id, job_name, job_type, trigger, scheduled_for, attempt, failed_attempts,
                                available_at, priority, parameters, market_codes, checkpoint, retry_of)
    SELECT closed.job_id, closed.job_name, closed.job_type, 'retry', closed.scheduled_for, least(closed.attempt, 2147483646) + 1,
           least(closed.failed_attempts, 2147483646) + closed.counted::int,
           CASE WHEN closed.has_floor OR job.next_run_at IS NULL THEN now() + make_interval(secs => closed.delay)
                ELSE least(now() + make_interval(secs => closed.delay), greatest(job.next_run_at, now())) END,
           closed.priority, closed.parameters, closed.market_codes, closed.checkpoint, closed.id
      FROM closed JOIN job ON job.id = closed.job_id
     WHERE closed.wants_retry
       AND (NOT closed.counted OR closed.failed_attempts < job.max_retries)
    ON CONFLICT DO NOTHING
    RETURNING retry_of, extract(epoch FROM available_at - now())::float8 AS wait
), summed AS (                                    -- several of one job may end at once
    SELECT closed.job_id, count(*) AS ends, max(closed.finished_at) FILTER (WHERE closed.status = 'success') AS success_at,
           max(closed.finished_at) FILTER (WHERE closed.status IN ('failed', 'timed_out', 'lost') AND retried.retry_of IS NULL)
               AS failure_at,
           (array_agg(closed.id ORDER BY closed.finished_at DESC, closed.id DESC))[1] AS last_id,
           array_agg(closed.finished_at) FILTER (WHERE closed.status IN ('failed', 'timed_out', 'lost')) AS failures
      FROM closed LEFT JOIN retried ON retried.retry_of = closed.id
     GROUP BY closed.job_id
), noted AS (
    UPDATE schedule_jobs AS job
       SET last_run_at     = last.finished_at,
           last_status     = last.status,
           last_success_at = coalesce(summed.success_at, job.last_success_at),
           last_error      = CASE WHEN last.status IN ('success', 'skipped') THEN NULL
                                  WHEN last.status = 'cancelled' THEN job.last_error
                                  ELSE left(last.error_message, 2000) END,
           consecutive_failures = CASE WHEN summed.success_at IS NULL THEN least(job.consecutive_failures, 2147480000) ELSE 0 END
                                  + (SELECT count(*) FROM unnest(summed.failures) AS failed_at
                                      WHERE summed.success_at IS NULL OR failed_at > summed.success_at),
           last_failure_at = coalesce(summed.failure_at, job.last_failure_at),
           run_count       = least(job.run_count, 9223372036854770000) + summed.ends
      FROM summed JOIN closed AS last ON last.id = summed.last_id
     WHERE job.id = summed.job_id
)
SELECT outcome.id,
       CASE WHEN closed.id IS NOT NULL THEN closed.status
            WHEN known.id IS NULL OR NOT taken.is_ours THEN 'refused'
            ELSE 'busy' END AS verdict,
       retried.wait,
       job.has_end AND retried.retry_of IS NULL AS ends,
       closed.duration_ms,
       EXISTS (SELECT FROM job_dependencies AS edge WHERE edge.depends_on = known.job_id) AS is_awaited
  FROM outcome
  LEFT JOIN known   ON known.id = outcome.id
  LEFT JOIN taken   ON taken.id = outcome.id
  LEFT JOIN closed  ON closed.id = outcome.id
  LEFT JOIN retried ON retried.retry_of = outcome.id
  LEFT JOIN job     ON job.id = known.job_id
"""

# A limit tells the planner how few rows to expect; without it, it would read whole tables to join a handful.
CLOSE_UP_TO = {at_most: compact(CLOSE.replace("{at_most}", str(at_most))) for at_most in (8, 64, 1024)}

COMPLETE = """
UPDATE schedule_jobs
   SET status = 'completed'
 WHERE id IN (SELECT job.id FROM schedule_jobs AS job
 WHERE (job.run_at IS NOT NULL OR job.end_at <= now() OR job.occurrence_count >= job.max_runs)
   AND job.status = 'active'
   AND job.next_run_at IS NULL
   AND job.planned_version = job.spec_version
   AND (%(ids)s::bigint[] IS NULL OR job.id = ANY (%(ids)s))
   AND NOT EXISTS (SELECT FROM job_executions AS waiting WHERE waiting.job_id = job.id AND waiting.status = 'queued')
   AND NOT EXISTS (SELECT FROM job_executions AS live WHERE live.job_id = job.id AND live.status = 'running')
   FOR NO KEY UPDATE SKIP LOCKED)
"""

END_SESSIONS = """
SELECT pg_terminate_backend(pid, 1000)
  FROM pg_stat_activity
 WHERE application_name = ANY (%(names)s)
   AND pid <> pg_backend_pid()
   AND usename = current_user
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one outcome.

    status  the status that was written; ``refused`` when the execution was no longer ours; ``busy`` = try again
    wait    seconds until the retry that was queued with it, None without one
    ends    whether its job has an end, and may have come to it
    is_awaited  whether other jobs depend on its job
    """

    execution_id: int
    status: str
    wait: float | None
    ends: bool
    duration_ms: int | None
    is_awaited: bool = False


async def close_executions(
    connection: psycopg.AsyncConnection[Any], outcomes: Sequence[Outcome], lapsed: timedelta | None = None
) -> list[Verdict]:
    """End these executions with all that follows from it, in one statement and one commit.

    outcomes  at most 1024
    lapsed    end only those whose lease is over for this long, whatever their token's holder thinks
    """
    given = [_as_json(outcome) for outcome in outcomes]
    query = CLOSE_UP_TO[next(at_most for at_most in CLOSE_UP_TO if len(given) <= at_most)]
    cursor = await connection.execute(query, {"outcomes": json.dumps(given, separators=(",", ":")), "lapsed": lapsed})
    return [Verdict(*row) for row in await cursor.fetchall()]


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.execution_id, "token": str(outcome.token), "status": str(outcome.status), "result": outcome.result,
        "error_class": outcome.error_class, "error_message": outcome.error_message, "skip_reason": outcome.skip_reason,
        "exit_code": outcome.exit_code, "wants_retry": outcome.retry, "counted": outcome.counted,
        "delay": retry_delay(outcome.failed_attempts + 1, outcome.retry_after, random),
        "has_floor": outcome.retry_after is not None,
    }


async def complete_jobs(connection: psycopg.AsyncConnection[Any], job_ids: Sequence[int] | None = None) -> None:
    """Mark jobs that have come to their end as completed; None looks at all of them."""
    await connection.execute(COMPLETE, {"ids": None if job_ids is None else list(job_ids)})


async def end_sessions(connection: psycopg.AsyncConnection[Any], execution_ids: Sequence[int]) -> None:
    """End what killed executions still do inside PostgreSQL, before anything may follow them."""
    await connection.execute(END_SESSIONS, {"names": [f"erp-exec-{number}" for number in execution_ids]})
