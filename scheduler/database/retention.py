"""How long history is kept: successes and skips for some months, failures longer; in small bites."""

from __future__ import annotations

from typing import Any

import psycopg

BITE = 1000

PRUNE = """
DELETE FROM job_executions
 WHERE id IN (SELECT id FROM job_executions
               WHERE finished_at < now() - make_interval(days => CASE WHEN status IN ('success', 'skipped', 'cancelled')
                                                                      THEN %(days)s ELSE %(failure_days)s END)
                 AND finished_at < now() - make_interval(days => least(%(days)s, %(failure_days)s))
               ORDER BY finished_at
               LIMIT %(bite)s
                 FOR UPDATE SKIP LOCKED)
"""

# What grows beside the executions: order windows read again, moves of stock, pushes, events that are over. Prices and
# orders stay: they are the company's own history. A push that another one undid goes with it or after it.
PRUNE_LEDGERS = (
    """DELETE FROM erp.collection_windows
        WHERE id IN (SELECT id FROM erp.collection_windows
                      WHERE kind = 'refresh' AND to_at < now() - interval '7 days' AND collected_at < now() - interval '7 days'
                      ORDER BY to_at LIMIT %(bite)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM erp.stock_moves
        WHERE id IN (SELECT id FROM erp.stock_moves WHERE at < now() - make_interval(days => %(failure_days)s)
                      ORDER BY at LIMIT %(bite)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM erp.events
        WHERE id IN (SELECT id FROM erp.events WHERE cleared_at < now() - make_interval(days => %(failure_days)s)
                      ORDER BY cleared_at LIMIT %(bite)s FOR UPDATE SKIP LOCKED)""",
    """DELETE FROM erp.pushes
        WHERE id IN (SELECT id FROM erp.pushes AS old
                      WHERE old.at < now() - make_interval(days => %(failure_days)s)
                        AND NOT EXISTS (SELECT FROM erp.pushes AS undone WHERE undone.undone_by = old.id)
                      ORDER BY old.at LIMIT %(bite)s FOR UPDATE SKIP LOCKED)""",
)

FOLDED_ACCOUNTS = """
SELECT market_code, account FROM erp.collection_windows
 WHERE kind <> 'refresh' AND to_at < now() - make_interval(days => %(days)s)
 GROUP BY market_code, account HAVING count(*) > 1
 ORDER BY market_code, account
"""

# The other windows prove which time was collected, for as long as anybody may ask for a report of it. So the old ones are
# not dropped but folded: those that touch become one row that spans them all. The union of all windows stays the same to
# the microsecond, with it the beginning of the ledger, and a hole between two rows stays a hole. A bite begins with the
# last row of the one before it, which it may make longer.
FOLD = """
WITH bite AS (
    SELECT id, kind, from_at, to_at FROM erp.collection_windows
     WHERE market_code = %(market_code)s AND account = %(account)s AND kind <> 'refresh' AND from_at >= %(after)s
       AND to_at < now() - make_interval(days => %(days)s) AND collected_at < now() - make_interval(days => %(days)s)
     ORDER BY from_at, id
     LIMIT %(bite)s
       FOR UPDATE
), spans AS (
    SELECT unnest(range_agg(tstzrange(from_at, to_at))) AS span FROM bite
), folded AS (
    SELECT span, min(id) AS id, count(*) AS windows,
           CASE WHEN bool_or(kind = 'orders') THEN 'orders' WHEN bool_or(kind = 'gap') THEN 'gap' ELSE 'backfill' END AS kind
      FROM spans JOIN bite ON bite.from_at <@ spans.span
     GROUP BY span
), kept AS (
    UPDATE erp.collection_windows AS ledger
       SET from_at = lower(folded.span), to_at = upper(folded.span), kind = folded.kind, execution_id = NULL,
           lines_read = 0, claims_read = 0, inserted = 0, updated = 0, unchanged = 0, stale = 0
      FROM folded WHERE ledger.id = folded.id AND folded.windows > 1
), dropped AS (
    DELETE FROM erp.collection_windows WHERE id IN (SELECT id FROM bite EXCEPT SELECT id FROM folded)
)
SELECT (SELECT count(*) FROM bite), (SELECT max(lower(span)) FROM spans)
"""

Connection = psycopg.AsyncConnection[Any]


async def prune(connection: Connection, days: int, failure_days: int) -> int:
    """Delete executions that ended longer ago than their kind is kept. Returns how many went.

    connection  in autocommit, so that each bite is a transaction of its own
    """
    values = {"days": days, "failure_days": failure_days, "bite": BITE}
    total = await _in_bites(connection, PRUNE, values)
    for statement in PRUNE_LEDGERS:
        await _in_bites(connection, statement, values)
    for market_code, account in await (await connection.execute(FOLDED_ACCOUNTS, values)).fetchall():
        await _fold(connection, {**values, "market_code": market_code, "account": account})
    return total


async def _in_bites(connection: Connection, statement: str, values: dict[str, Any]) -> int:
    total = 0
    while True:
        gone = (await connection.execute(statement.encode(), values)).rowcount
        total += gone
        if gone < BITE:
            return total


async def _fold(connection: Connection, values: dict[str, Any]) -> None:
    """Fold the old windows of one account, from the oldest on."""
    after: Any = "-infinity"
    while True:
        row = await (await connection.execute(FOLD, {**values, "after": after})).fetchone()
        assert row is not None
        taken, after = row
        if taken < BITE:
            return
