"""The ledger of order windows: what was collected, how far, and which time is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from handlers.erp.orders import portions, save_orders
from handlers.erp.rows import TAKE_TURN, Connection, Saved, key
from handlers.markets.base import Account, Orders, State, Window

NOTE_WINDOW = """
INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, execution_id, lines_read, claims_read,
                                    inserted, updated, unchanged, stale)
VALUES (%(market_code)s, %(account)s, %(kind)s, %(from_at)s, %(to_at)s, %(execution_id)s, %(lines_read)s,
        %(claims_read)s, %(inserted)s, %(updated)s, %(unchanged)s, %(stale)s)
"""

# The mark never jumps over time that was not collected: a window that begins behind it leaves it where it is.
MOVE_WATERMARK = """
INSERT INTO erp.watermarks AS mark (market_code, account, kind, reached_at)
VALUES (%(market_code)s, %(account)s, %(kind)s, %(to_at)s)
    ON CONFLICT (market_code, account, kind) DO UPDATE
   SET reached_at = greatest(mark.reached_at, excluded.reached_at), updated_at = now()
 WHERE %(from_at)s <= mark.reached_at
"""

WATERMARK = """
SELECT reached_at FROM erp.watermarks
 WHERE market_code = %(market_code)s AND account = %(account)s AND kind = 'orders'
"""

EARLIEST = """
SELECT min(from_at) FROM erp.collection_windows
 WHERE market_code = %(market_code)s AND account = %(account)s AND kind = 'orders'
"""

OLDEST_OPEN = """
SELECT least((SELECT min(ordered.ordered_at)
                FROM erp.order_items AS item JOIN erp.orders AS ordered USING (market_code, account, order_id)
               WHERE item.market_code = %(market_code)s AND item.account = %(account)s
                 AND item.state = ANY (%(states)s)),
             (SELECT min(claimed_at) FROM erp.order_claims
               WHERE market_code = %(market_code)s AND account = %(account)s AND NOT completed))
"""

# The view erp.collection_gaps for one account. All its windows count, whatever is asked for: a hole is seen between its two
# neighbours only. Old windows are folded into few rows, so this costs little at each collection.
GAPS = """
SELECT lower(gap), upper(gap)
  FROM (SELECT (tstzmultirange(tstzrange(min(from_at) FILTER (WHERE kind = 'orders'), max(to_at) FILTER (WHERE kind = 'orders')))
                   - range_agg(tstzrange(from_at, to_at))) * tstzmultirange(tstzrange(%(since)s, 'infinity')) AS missing
          FROM erp.collection_windows
         WHERE market_code = %(market_code)s AND account = %(account)s AND kind IN ('orders', 'gap', 'backfill')
        HAVING count(*) FILTER (WHERE kind = 'orders') > 0) AS latest
 CROSS JOIN LATERAL unnest(latest.missing) AS gap
 ORDER BY gap
"""


async def save_window(
    connection: Connection, account: Account, kind: str, window: Window, orders: Orders,
    read_again: Sequence[tuple[str, Sequence[str], datetime]], execution_id: int,
) -> Saved:
    """Save a window, note it in the ledger and move the watermark: all of it or nothing."""
    async with connection.transaction():
        await connection.execute(TAKE_TURN, key(account))
        saved = Saved(0, 0, 0)
        for portion in portions(orders):
            named = {line.order_id for line in portion.lines}
            again = [entry for entry in read_again if entry[0] in named]
            saved += await save_orders(connection, account, portion, again, execution_id)
        span = key(account, kind=kind, from_at=window.start, to_at=window.end)
        await connection.execute(NOTE_WINDOW, {
            **span, "execution_id": execution_id, "lines_read": len(orders.lines), "claims_read": len(orders.claims),
            "inserted": saved.inserted, "updated": saved.updated, "unchanged": saved.unchanged, "stale": saved.stale,
        })
        if kind == "orders":
            await connection.execute(MOVE_WATERMARK, span)
    return saved


async def watermark(connection: Connection, account: Account) -> datetime | None:
    """Return the moment before which every order of the account is collected; None before the first collection."""
    return await _moment(connection, WATERMARK, account)


async def earliest(connection: Connection, account: Account) -> datetime | None:
    """Return where the ledger of the account begins."""
    return await _moment(connection, EARLIEST, account)


async def oldest_open(connection: Connection, account: Account, states: Sequence[State]) -> datetime | None:
    """Return when the oldest order was made that is in one of these states, or whose claim is not settled yet."""
    return await _moment(connection, OLDEST_OPEN, account, states=list(states))


async def gaps(connection: Connection, account: Account, since: datetime | None = None) -> list[Window]:
    """Return the time after *since* that lies between what was collected and was never read, oldest first.

    since  None: from the beginning of the ledger; a hole that reaches further back is cut there
    """
    rows = await (await connection.execute(GAPS, key(account, since=since or "-infinity"))).fetchall()
    return [Window(start, end) for start, end in rows]


async def _moment(connection: Connection, statement: str, account: Account, **more: Any) -> datetime | None:
    row = await (await connection.execute(statement, key(account, **more))).fetchone()
    return row[0] if row else None
