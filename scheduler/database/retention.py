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

# What grows beside the executions: the ledger of order windows, moves of stock, pushes, events that are over. Prices and
# orders stay: they are the company's own history. A push that another one undid goes with it or after it.
PRUNE_LEDGERS = (
    """DELETE FROM erp.collection_windows
        WHERE to_at < now() - make_interval(days => CASE WHEN kind = 'refresh' THEN 7 ELSE %(days)s END)
          AND collected_at < now() - make_interval(days => CASE WHEN kind = 'refresh' THEN 7 ELSE %(days)s END)""",
    "DELETE FROM erp.stock_moves WHERE at < now() - make_interval(days => %(failure_days)s)",
    "DELETE FROM erp.events WHERE cleared_at < now() - make_interval(days => %(failure_days)s)",
    """DELETE FROM erp.pushes AS old
        WHERE old.at < now() - make_interval(days => %(failure_days)s)
          AND NOT EXISTS (SELECT FROM erp.pushes AS undone WHERE undone.undone_by = old.id)""",
)


async def prune(connection: psycopg.AsyncConnection[Any], days: int, failure_days: int) -> int:
    """Delete executions that ended longer ago than their kind is kept. Returns how many went."""
    total = 0
    while True:
        cursor = await connection.execute(PRUNE, {"days": days, "failure_days": failure_days})
        total += cursor.rowcount
        if cursor.rowcount < 1000:
            break
    for statement in PRUNE_LEDGERS:
        await connection.execute(statement.encode(), {"days": days, "failure_days": failure_days})
    return total
