"""What an edit of calendars or overlays asks for: every job that was planned before it is planned anew.

Whoever edits writes one row and locks no job; the bumping is ours, and passes over what somebody holds.
"""

from __future__ import annotations

from typing import Any

import psycopg

# Seen is when we knew of it: a plan that began later has read the edit, whenever that was typed.
SEE = """
UPDATE schedule_replans SET seen_at = now()
 WHERE id IN (SELECT id FROM schedule_replans WHERE seen_at IS NULL FOR UPDATE SKIP LOCKED)
"""

STALE = """
SELECT job.id
  FROM schedule_jobs AS job
 CROSS JOIN (SELECT max(seen_at) AS seen_at, max(seen_at) FILTER (WHERE source = 'schedule_overlays') AS overlays
               FROM schedule_replans) AS edit
 WHERE num_nonnulls(job.interval, job.specific_times, job.cron_expression, job.run_at) > 0
   AND job.planned_version = job.spec_version
   AND job.planned_at < CASE WHEN job.calendar IS NULL THEN edit.overlays ELSE edit.seen_at END
"""

BUMP = f"""
WITH stale AS MATERIALIZED ({STALE} AND job.status IN ('active', 'paused') LIMIT 5000 FOR NO KEY UPDATE OF job SKIP LOCKED)
UPDATE schedule_jobs AS job SET spec_version = job.spec_version + 1 FROM stale WHERE job.id = stale.id
"""

# What could not be planned for want of an open day gets another chance. Becoming active writes to its edges, by trigger.
REVIVE = f"""
WITH stale AS MATERIALIZED (
    {STALE} AND job.status = 'invalid' AND job.last_error NOT LIKE 'parameters%%' LIMIT 500 FOR NO KEY UPDATE OF job SKIP LOCKED
), free_edge AS MATERIALIZED (
    SELECT job_id, depends_on FROM job_dependencies WHERE job_id IN (SELECT id FROM stale) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE schedule_jobs AS job
   SET status = 'active', last_error = NULL, spec_version = job.spec_version + 1
  FROM stale
 WHERE job.id = stale.id
   AND NOT EXISTS (SELECT FROM job_dependencies AS edge
                    WHERE edge.job_id = job.id AND (edge.job_id, edge.depends_on) NOT IN (SELECT * FROM free_edge))
"""

FORGET = f"""
DELETE FROM schedule_replans AS edit
 WHERE edit.seen_at IS NOT NULL
   AND edit.id IN (SELECT id FROM schedule_replans FOR UPDATE SKIP LOCKED)
   AND NOT EXISTS ({STALE} AND (job.status IN ('active', 'paused')
                                OR (job.status = 'invalid' AND job.last_error NOT LIKE 'parameters%%')))
"""


async def replan(connection: psycopg.AsyncConnection[Any]) -> int:
    """Mark what calendars and overlays concern to be planned anew. Returns how many jobs were marked."""
    await connection.execute(SEE)
    bumped = (await connection.execute(BUMP)).rowcount + (await connection.execute(REVIVE)).rowcount
    await connection.execute(FORGET)
    return bumped
