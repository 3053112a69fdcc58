"""Set back what a run has set: each item to the value its shop had before the run first touched it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from handlers.markets import open_market
from handlers.markets.base import Account, Clock, Item
from handlers.markets.each import Figures, each_account
from handlers.stock.differences import Judged, Kind, Verdict, Wanted
from handlers.stock.master import key
from handlers.stock.passes import Pass, finish
from handlers.stock.results import result_of
from scheduler.handler import Context, GiveUp

Connection = psycopg.AsyncConnection[Any]

# Last set, first set back. Of a quantity, what was ordered since is taken off: it must not be sold a second time. What was
# set because it had been sold stays: those goods are gone.
TO_UNDO = """
SELECT first.item_id, first.product_id, first.sku,
       CASE WHEN %(kind)s = 'stock' AND first.sku IS NOT NULL
            THEN greatest(0, first.former - erp.ordered_since(first.sku, first.at)) ELSE first.former END AS value
  FROM (SELECT DISTINCT ON (item_id) id, item_id, product_id, sku, former, at
          FROM erp.pushes
         WHERE run = %(run)s AND kind = %(kind)s AND market_code = %(market_code)s AND account = %(account)s
           AND ok IS NOT FALSE AND undone_by IS NULL AND former IS NOT NULL AND NOT sold
           AND (%(item_ids)s::text[] IS NULL OR item_id = ANY (%(item_ids)s))
         ORDER BY item_id, id) AS first
 ORDER BY first.id DESC
"""
LINK = """
UPDATE erp.pushes AS push
   SET undone_by = row.undone_by
  FROM jsonb_to_recordset(%(rows)s) AS row (item_id text, undone_by bigint)
 WHERE push.run = %(run)s AND push.kind = %(kind)s AND push.market_code = %(market_code)s AND push.account = %(account)s
   AND push.item_id = row.item_id AND push.undone_by IS NULL AND push.ok IS NOT FALSE AND NOT push.sold
"""
ONLY_SOLD = "SELECT bool_and(sold) FROM erp.pushes WHERE run = %(run)s AND kind = %(kind)s"

# The count that led to the run was wrong. One that was made after it stands.
MASTER_BACK = """
UPDATE erp.stock AS master
   SET quantity = CASE WHEN back.quantity > 0 THEN back.quantity + coalesce(master.buffer, %(buffer)s) ELSE 0 END,
       counted_at = back.at
  FROM (SELECT sku, min(former) AS quantity, min(at) AS at
          FROM (SELECT DISTINCT ON (market_code, account, item_id) sku, former, at
                  FROM erp.pushes
                 WHERE run = %(run)s AND kind = 'stock' AND ok IS NOT FALSE AND former IS NOT NULL AND sku IS NOT NULL
                   AND NOT sold
                 ORDER BY market_code, account, item_id, id) AS first
         GROUP BY sku) AS back
 WHERE master.sku = back.sku AND master.counted_at < back.at
"""
REASON = "SELECT set_config('erp.stock_reason', 'undo', true)"


def run_named(text: str) -> UUID:
    """Return the run that *text* names. Raises GiveUp when it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise GiveUp(f"undo: {text[:80]!r} is not a run; see erp.pushes.run") from None


async def set_master_back(connection: Connection, run: UUID, buffer: int) -> None:
    """Set the master of the run's skus to the lowest that their shops had before, less what was ordered since."""
    async with connection.transaction():
        await connection.execute(REASON)
        await connection.execute(MASTER_BACK, {"run": run, "buffer": buffer})


class FormerValues:
    """The Subject of undoing: what the shops had before a run."""

    def __init__(self, context: Context, account: Account, kind: Kind, run: UUID) -> None:
        self.kind: Kind = kind
        self._context = context
        self._account = account
        self._run = run

    async def load(self, item_ids: Sequence[str] | None) -> list[Wanted]:
        """Return the former values, of what was set last first."""
        connection = await self._context.adb()
        found = await connection.execute(TO_UNDO, key(
            self._account, run=self._run, kind=self.kind, item_ids=None if item_ids is None else list(item_ids)))
        return [Wanted(Item(item_id, product_id, sku), value) for item_id, product_id, sku, value in await found.fetchall()]

    def judge(self, wanted: Wanted, shown: int) -> Verdict:
        """Set it in any case, so that what is undone always has the row that undid it."""
        return "push"

    def guard(self, judged: Sequence[Judged]) -> None:
        """Let everything pass: a person has asked for exactly this."""

    async def note(self, judged: Sequence[Judged]) -> None:
        """Link what was undone to what undid it."""
        rows = [{"item_id": each.wanted.item.item_id, "undone_by": each.push_id} for each in judged if each.pushed]
        await (await self._context.adb()).execute(LINK, key(self._account, run=self._run, kind=self.kind, rows=Jsonb(rows)))


async def known_run(connection: Connection, kind: Kind, text: str) -> UUID:
    """Return the run that *text* names. Raises GiveUp when there is none, or when all of it followed sales."""
    run = run_named(text)
    row = await (await connection.execute(ONLY_SOLD, {"run": run, "kind": kind})).fetchone()
    if row is None or row[0] is None:
        raise GiveUp(f"undo: erp.pushes has no run {run} of kind {kind}")
    if row[0]:
        raise GiveUp(f"undo: run {run} has nothing to undo: all of it followed sales")
    return run


async def undo_run(context: Context, clock: Clock, kind: Kind, text: str, dry_run: bool) -> dict[str, Any]:
    """Set back, in the accounts of the execution's markets, what the run *text* has set.

    Raises  GiveUp when there is no such run, or when all of it followed sales
    """
    run = await known_run(await context.adb(), kind, text)

    async def collect(account: Account) -> Figures:
        subject = FormerValues(context, account, kind, run)
        wanted = await subject.load(None)
        async with open_market(context, account, clock, kind) as market:
            work = Pass(context, account, market, subject, dry_run=dry_run)
            await work.go(wanted, "undo")
        return {"checked": len(wanted), **finish(context, account, work)}

    return {**result_of(kind, await each_account(context, collect), dry_run), "undo": str(run)}
