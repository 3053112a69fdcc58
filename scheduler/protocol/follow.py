"""What happens by itself between two plans: jobs follow those they depend on, and pauses come to their end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg

# An edge is met by what happened after its seen_at, or (ever) by anything at all. A waiting planned time is let go once all
# edges are met; a job without a schedule is queued when, besides, one of them is new. Whatever was answered is seen, in the
# same statement. A job that is still at work is looked at again when it is done: nothing that happened is forgotten.
FOLLOW = """
WITH edge AS MATERIALIZED (
    SELECT edge.job_id, edge.depends_on, edge.condition, edge.seen_at,
           CASE edge.outcome WHEN 'success' THEN former.last_success_at ELSE former.last_failure_at END AS came_at
      FROM job_dependencies AS edge
      JOIN schedule_jobs AS former ON former.id = edge.depends_on
), candidate AS MATERIALIZED (
    SELECT job_id, true AS is_held FROM job_executions WHERE held_for IS NOT NULL AND status = 'queued'
     UNION
    SELECT job_id, false FROM edge WHERE came_at > seen_at
), fit AS MATERIALIZED (
    SELECT job.id, job.name, job.job_type, job.priority, job.parameters, job.market_codes
      FROM candidate
      JOIN schedule_jobs AS job ON job.id = candidate.job_id
     WHERE job.status = 'active'
       AND NOT EXISTS (SELECT FROM edge
                        WHERE edge.job_id = job.id
                          AND NOT coalesce(edge.came_at > edge.seen_at OR (edge.condition = 'ever' AND edge.came_at IS NOT NULL),
                                           false))
       AND (candidate.is_held
            OR (num_nonnulls(job.interval, job.specific_times, job.cron_expression, job.run_at) = 0
                AND NOT EXISTS (SELECT FROM job_executions AS live WHERE live.job_id = job.id AND live.status = 'running')
                AND NOT EXISTS (SELECT FROM job_executions AS waiting
                                 WHERE waiting.job_id = job.id AND waiting.status = 'queued' AND waiting.trigger <> 'backfill'
                                   AND (waiting.trigger <> 'manual' OR waiting.available_at <= now()))))
     ORDER BY job.id
       FOR NO KEY UPDATE OF job SKIP LOCKED
), free_edge AS MATERIALIZED (                    -- what somebody else holds is left for the next look, with its job
    SELECT job_id, depends_on FROM job_dependencies WHERE job_id IN (SELECT id FROM fit) FOR NO KEY UPDATE SKIP LOCKED
), free_row AS MATERIALIZED (
    SELECT id FROM job_executions
     WHERE job_id IN (SELECT id FROM fit) AND status = 'queued' AND held_for IS NOT NULL
       FOR NO KEY UPDATE SKIP LOCKED
), ready AS MATERIALIZED (
    SELECT * FROM fit
     WHERE NOT EXISTS (SELECT FROM edge
                        WHERE edge.job_id = fit.id AND (edge.job_id, edge.depends_on) NOT IN (SELECT * FROM free_edge))
       AND NOT EXISTS (SELECT FROM job_executions AS held
                        WHERE held.job_id = fit.id AND held.status = 'queued' AND held.held_for IS NOT NULL
                          AND held.id NOT IN (SELECT id FROM free_row))
), released AS (
    UPDATE job_executions AS execution
       SET available_at = now(), held_for = NULL
      FROM ready
     WHERE execution.job_id = ready.id AND execution.status = 'queued' AND execution.held_for IS NOT NULL
    RETURNING execution.job_id
), queued AS (
    INSERT INTO job_executions (job_id, job_name, job_type, trigger, scheduled_for, available_at, priority, parameters,
                                market_codes)
    SELECT ready.id, ready.name, ready.job_type, 'dependency', latest.came_at, now(), ready.priority, ready.parameters,
           ready.market_codes
      FROM ready
      JOIN LATERAL (SELECT max(edge.came_at) AS came_at FROM edge WHERE edge.job_id = ready.id) AS latest
        ON latest.came_at IS NOT NULL
     WHERE NOT EXISTS (SELECT FROM job_executions AS held
                        WHERE held.job_id = ready.id AND held.held_for IS NOT NULL AND held.status = 'queued')
    ON CONFLICT DO NOTHING
    RETURNING job_id
), seen AS (
    UPDATE job_dependencies AS known
       SET seen_at = edge.came_at
      FROM edge
     WHERE known.job_id = edge.job_id AND known.depends_on = edge.depends_on AND edge.came_at > known.seen_at
       AND known.job_id IN (SELECT job_id FROM released UNION SELECT job_id FROM queued)
)
SELECT (SELECT count(*) FROM released) + (SELECT count(*) FROM queued)
"""

# A pause that ends by itself is an edit like any other: it plans strictly after now, and fires nothing.
WAKE = """
WITH over AS MATERIALIZED (
    SELECT id FROM schedule_jobs
     WHERE status = 'paused' AND paused_until <= now()
     ORDER BY paused_until LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED
), free_edge AS MATERIALIZED (                    -- resuming a job writes to its edges, by trigger
    SELECT job_id, depends_on FROM job_dependencies WHERE job_id IN (SELECT id FROM over) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE schedule_jobs AS job
   SET status = 'active', paused_until = NULL, pause_reason = NULL, next_run_at = NULL,
       spec_version = job.spec_version + 1, updated_at = now()
 WHERE job.id IN (SELECT id FROM over)
   AND NOT EXISTS (SELECT FROM job_dependencies AS edge
                    WHERE edge.job_id = job.id AND (edge.job_id, edge.depends_on) NOT IN (SELECT * FROM free_edge))
RETURNING job.id, job.name
"""

RESULTS = """
SELECT edge.job_id, former.name, edge.outcome, ended.id, ended.status, ended.result, ended.error_message
  FROM job_dependencies AS edge
  JOIN schedule_jobs AS former ON former.id = edge.depends_on
 CROSS JOIN LATERAL (
       SELECT execution.id, execution.status, execution.result, execution.error_message
         FROM job_executions AS execution
        WHERE execution.job_id = former.id
          AND CASE edge.outcome WHEN 'success' THEN execution.status = 'success'
                                ELSE execution.status IN ('failed', 'timed_out', 'lost') END
        ORDER BY execution.started_at DESC
        LIMIT 1) AS ended
 WHERE edge.job_id = ANY (%(job_ids)s)
"""


async def follow(connection: psycopg.AsyncConnection[Any]) -> int:
    """Let go or queue whatever other jobs have made ready. Returns how many executions."""
    row = await (await connection.execute(FOLLOW)).fetchone()
    return int(row[0]) if row else 0


async def wake(connection: psycopg.AsyncConnection[Any]) -> list[tuple[int, str]]:
    """Resume jobs whose pause is over. Returns their ids and names."""
    return await (await connection.execute(WAKE)).fetchall()


async def results_of_others(
    connection: psycopg.AsyncConnection[Any], job_ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return, for each job, what the jobs before it gave: by name, the result of the last success; after a failure
    ``{"execution_id", "status", "error"}``.
    """
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for job_id, name, outcome, number, status, result, error in await (
        await connection.execute(RESULTS, {"job_ids": list(job_ids)})
    ).fetchall():
        failure = {"execution_id": number, "status": status, "error": error}
        found[job_id][name] = result if outcome == "success" else failure
    return found
