"""How long history is kept: successes and skips for some months, failures longer; in small bites."""

from __future__ import annotations

from typing import Any

import psycopg

PRUNE = """
DELETE FROM job_executions
 WHERE id IN (SELECT id FROM job_executions
               WHERE finished_at < now() - make_interval(days => CASE WHEN status IN ('success', 'skipped', 'cancelled')
                                                                      THEN %(days)s ELSE %(failure_days)s END)
                 AND finished_at < now() - make_interval(days => least(%(days)s, %(failure_days)s))
               ORDER BY finished_at
               LIMIT 1000
                 FOR UPDATE SKIP LOCKED)
"""


async def prune(connection: psycopg.AsyncConnection[Any], days: int, failure_days: int) -> int:
    """Delete executions that ended longer ago than their kind is kept. Returns how many went."""
    total = 0
    while True:
        cursor = await connection.execute(PRUNE, {"days": days, "failure_days": failure_days})
        total += cursor.rowcount
        if cursor.rowcount < 1000:
            return total
