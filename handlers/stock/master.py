"""The master quantities of erp.stock: taking over what shops show, and what each shop should show by now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from handlers.markets.base import Account, Item
from handlers.stock.caps import check_changes, check_zeros
from handlers.stock.differences import Judged, Kind, Verdict, Wanted, judge_stock
from scheduler.handler import Context

Connection = psycopg.AsyncConnection[Any]

# The lowest that any shop shows, as of the oldest of those readings: what was ordered since is taken off by the trigger.
ADOPT = """
INSERT INTO erp.stock (sku, quantity, counted_at, adopted)
SELECT item.sku, greatest(0, min(item.stock)), min(item.seen_at) FILTER (WHERE item.stock IS NOT NULL), true
  FROM erp.market_items AS item
 WHERE btrim(item.sku) <> '' AND NOT EXISTS (SELECT FROM erp.stock AS master WHERE master.sku = item.sku)
   AND item.sku IN (SELECT mine.sku FROM erp.market_items AS mine
                     WHERE mine.market_code = %(market_code)s AND mine.account = %(account)s)
 GROUP BY item.sku
HAVING min(item.stock) IS NOT NULL
 ORDER BY item.sku
    ON CONFLICT (sku) DO NOTHING
"""

OVERVIEW = """
SELECT count(*), count(master.sku), count(*) FILTER (WHERE item.stock IS DISTINCT FROM 0)
  FROM erp.market_items AS item LEFT JOIN erp.stock AS master ON master.sku = item.sku
 WHERE item.market_code = %(market_code)s AND item.account = %(account)s
"""

ITEMS = """
SELECT item.item_id, item.product_id, item.sku, item.stock,
       greatest(0, master.quantity - coalesce(master.buffer, %(buffer)s)) AS value, master.revision,
       master.sold_revision > coalesce(seen.revision, 0) AS sold,
       seen.value AS left_there, seen.lower_since
  FROM erp.market_items AS item
  JOIN erp.stock AS master ON master.sku = item.sku
  LEFT JOIN erp.stock_checks AS seen
         ON seen.market_code = item.market_code AND seen.account = item.account AND seen.item_id = item.item_id
 WHERE item.market_code = %(market_code)s AND item.account = %(account)s
   AND (%(item_ids)s::text[] IS NULL OR item.item_id = ANY (%(item_ids)s))
   AND (NOT %(only_sold)s OR master.sold_revision > coalesce(seen.revision, 0))
 ORDER BY sold DESC, master.sold_at DESC NULLS LAST, item.item_id
"""

COLLECTED_UNTIL = """
SELECT reached_at FROM erp.watermarks
 WHERE market_code = %(market_code)s AND account = %(account)s AND kind = 'orders'
"""

NOTE = """
INSERT INTO erp.stock_checks AS seen (market_code, account, item_id, revision, value, lower_since)
SELECT %(market_code)s, %(account)s, item_id, revision, value, CASE WHEN waits THEN clock_timestamp() END
  FROM jsonb_to_recordset(%(rows)s) AS row (item_id text, revision bigint, value bigint, waits boolean)
    ON CONFLICT (market_code, account, item_id) DO UPDATE
   SET revision = excluded.revision, value = excluded.value, checked_at = clock_timestamp(),
       lower_since = CASE WHEN excluded.lower_since IS NOT NULL THEN coalesce(seen.lower_since, excluded.lower_since) END
"""

# Where the catalogue shows what the master says, the shop counts as left like this without being asked.
NOTE_EQUAL = """
INSERT INTO erp.stock_checks AS seen (market_code, account, item_id, revision, value)
SELECT item.market_code, item.account, item.item_id, master.revision, item.stock
  FROM erp.market_items AS item
  JOIN erp.stock AS master ON master.sku = item.sku
  LEFT JOIN erp.stock_checks AS known
         ON known.market_code = item.market_code AND known.account = item.account AND known.item_id = item.item_id
 WHERE item.market_code = %(market_code)s AND item.account = %(account)s
   AND item.stock = greatest(0, master.quantity - coalesce(master.buffer, %(buffer)s))
   AND known.revision IS DISTINCT FROM master.revision AND master.sold_revision <= coalesce(known.revision, 0)
    ON CONFLICT (market_code, account, item_id) DO UPDATE
   SET revision = excluded.revision, value = excluded.value, checked_at = clock_timestamp(), lower_since = NULL
"""

LEVELS = """
WITH level AS (
    SELECT master.sku, greatest(0, master.quantity - coalesce(master.buffer, %(buffer)s)) AS sellable,
           coalesce(master.low_at, %(low_at)s) AS low_at
      FROM erp.stock AS master
     WHERE master.sku IN (SELECT sku FROM erp.market_items WHERE market_code = %(market_code)s AND account = %(account)s)
)
"""
RAISE_SOLD_OUT = LEVELS + """
INSERT INTO erp.events (kind, subject, ko, en, execution_id)
SELECT 'stock.sold_out', sku, sku || ': 품절되었습니다', sku || ' is sold out', %(execution_id)s
  FROM level WHERE sellable = 0 ORDER BY sku
    ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING
"""
RAISE_LOW = LEVELS + """
INSERT INTO erp.events (kind, subject, ko, en, details, execution_id)
SELECT 'stock.low', sku, format('%%s: 재고가 %%s개 남았습니다 (기준 %%s개)', sku, sellable, low_at),
       format('%%s: %%s left (low at %%s)', sku, sellable, low_at),
       jsonb_build_object('left', sellable, 'low_at', low_at), %(execution_id)s
  FROM level WHERE sellable > 0 AND sellable <= low_at ORDER BY sku
    ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING
"""
CLEAR_LEVELS = LEVELS + """
UPDATE erp.events AS event SET cleared_at = clock_timestamp()
  FROM level
 WHERE event.subject = level.sku AND event.cleared_at IS NULL
   AND ((event.kind = 'stock.sold_out' AND level.sellable > 0)
        OR (event.kind = 'stock.low' AND (level.sellable = 0 OR level.sellable > level.low_at)))
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """items: in the catalogue; known: with a master quantity; stocked: that have stock, or may have."""

    items: int
    known: int
    stocked: int


def key(account: Account, **more: Any) -> dict[str, Any]:
    return {"market_code": account.market_code, "account": account.account, **more}


async def adopt(connection: Connection, account: Account) -> int:
    """Take over the skus of an account that the master does not know. Returns how many."""
    return (await connection.execute(ADOPT, key(account))).rowcount


async def overview(connection: Connection, account: Account) -> Overview:
    """Count the items of an account."""
    row = await (await connection.execute(OVERVIEW, key(account))).fetchone()
    assert row is not None
    return Overview(*row)


async def note_equal(connection: Connection, account: Account, buffer: int) -> None:
    """Remember of items that need nothing that they are as the master says."""
    await connection.execute(NOTE_EQUAL, key(account, buffer=buffer))


async def tell_levels(connection: Connection, account: Account, buffer: int, low_at: int, execution_id: int) -> None:
    """Open and clear the events about skus that are sold out, or nearly so."""
    values = key(account, buffer=buffer, low_at=low_at, execution_id=execution_id)
    async with connection.transaction():
        await connection.execute(CLEAR_LEVELS, values)
        await connection.execute(RAISE_SOLD_OUT, values)
        await connection.execute(RAISE_LOW, values)


class Caps:
    """What may change at most; what a pass finds at the shop adds to what it has found before."""

    def __init__(self, counted: Overview, max_zero_percent: float, max_changed_percent: float | None) -> None:
        self._counted = counted
        self._zero_percent = max_zero_percent
        self._changed_percent = max_changed_percent
        self._zeros = 0
        self._changes = 0

    def check_plan(self, wanted: Sequence[Wanted]) -> None:
        """Hold what the catalogue lets expect against the caps, before anything is sent. Raises Refusal."""
        check_zeros(sum(each.value == 0 for each in wanted if each.differs), self._counted.stocked, self._zero_percent)
        check_changes(sum(each.differs for each in wanted), self._counted.items, self._changed_percent)

    def check(self, judged: Sequence[Judged]) -> None:
        """Hold what the shop shows against the caps. Raises Refusal."""
        pushes = [each for each in judged if each.verdict == "push"]
        self._zeros += sum(each.wanted.value == 0 for each in pushes)
        self._changes += len(pushes)
        check_zeros(self._zeros, max(self._counted.stocked, self._zeros), self._zero_percent)
        check_changes(self._changes, self._counted.items, self._changed_percent)


class MasterStock:
    """The Subject of inventory_sync: what the master says each shop should show.

    unsettled  items that were tried and are not as they should be: refused, failed, gone, or waiting
    """

    kind: Kind = "stock"

    def __init__(
        self, context: Context, account: Account, now: Callable[[], datetime], buffer: int, only_sold: bool, caps: Caps
    ) -> None:
        self._context = context
        self._account = account
        self._now = now
        self._buffer = buffer
        self._only_sold = only_sold
        self._caps = caps
        self._collected_until: datetime | None = None
        self.unsettled: set[str] = set()

    async def load(self, item_ids: Sequence[str] | None) -> list[Wanted]:
        """Return what the items should show by now, sold ones first."""
        connection = await self._context.adb()
        mark = await (await connection.execute(COLLECTED_UNTIL, key(self._account))).fetchone()
        self._collected_until = mark[0] if mark else None
        values = key(self._account, buffer=self._buffer, only_sold=self._only_sold and item_ids is None,
                     item_ids=None if item_ids is None else list(item_ids))
        rows = await (await connection.execute(ITEMS, values)).fetchall()
        self.unsettled.update(item_ids or ())
        return [
            Wanted(Item(item_id, product_id, sku), value, believed, sold, revision, left, lower_since)
            for item_id, product_id, sku, believed, value, revision, sold, left, lower_since in rows
        ]

    def judge(self, wanted: Wanted, shown: int) -> Verdict:
        return judge_stock(wanted, shown, self._collected_until, self._now())

    def guard(self, judged: Sequence[Judged]) -> None:
        self._caps.check(judged)

    async def note(self, judged: Sequence[Judged]) -> None:
        """Remember which revision of the master each shop shows by now."""
        rows = [
            {"item_id": each.wanted.item.item_id, "revision": each.wanted.revision, "value": each.wanted.value,
             "waits": each.verdict == "wait"}
            for each in judged if each.verdict != "push" or each.pushed
        ]
        self.unsettled.difference_update(row["item_id"] for row in rows if not row["waits"])
        await (await self._context.adb()).execute(NOTE, key(self._account, rows=Jsonb(rows)))
