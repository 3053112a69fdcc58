"""Every value that is set at a shop: written down before it goes out, and answered afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from handlers.markets.base import Account, Item, Market, MarketError, Push, Sent
from handlers.stock.differences import Judged, Kind

Connection = psycopg.AsyncConnection[Any]
LONGEST_MESSAGE = 500

# A process that dies between sending and noting leaves a row whose ok is NULL: what may have been set can still be undone.
RECORD = """
INSERT INTO erp.pushes (run, kind, market_code, account, item_id, product_id, sku, former, value, sold, execution_id)
SELECT %(run)s, %(kind)s, %(market_code)s, %(account)s, item_id, product_id, sku, former, value, sold, %(execution_id)s
  FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (item_id text, product_id text, sku text, former bigint, value bigint,
                                                   sold boolean))
       WITH ORDINALITY AS row (item_id, product_id, sku, former, value, sold, place)
 ORDER BY place
RETURNING id, item_id
"""
ANSWER = """
UPDATE erp.pushes AS push
   SET ok = row.ok, message = row.message
  FROM jsonb_to_recordset(%(rows)s) AS row (id bigint, ok boolean, message text)
 WHERE push.id = row.id
"""
NO_ANSWER = "UPDATE erp.pushes SET message = %(message)s WHERE id = ANY (%(ids)s)"

# An answer of the catalogue that was asked for before this moment must not put the former value back.
BELIEVE = {
    "stock": """
UPDATE erp.product_options AS known
   SET stock = row.value, execution_id = %(execution_id)s, seen_at = greatest(known.seen_at, clock_timestamp()),
       changed_at = CASE WHEN known.stock IS DISTINCT FROM row.value THEN now() ELSE known.changed_at END
  FROM jsonb_to_recordset(%(rows)s) AS row (item_id text, value bigint)
 WHERE known.market_code = %(market_code)s AND known.account = %(account)s AND known.item_id = row.item_id
""",
    "price": """
UPDATE erp.product_options AS known
   SET price = row.value, execution_id = %(execution_id)s, seen_at = greatest(known.seen_at, clock_timestamp()),
       changed_at = CASE WHEN known.price IS DISTINCT FROM row.value THEN now() ELSE known.changed_at END
  FROM jsonb_to_recordset(%(rows)s) AS row (item_id text, value bigint)
 WHERE known.market_code = %(market_code)s AND known.account = %(account)s AND known.item_id = row.item_id
""",
}
SOURCE = "SELECT set_config('erp.price_source', 'pushed', true)"


async def read(market: Market, kind: Kind, items: Sequence[Item]) -> dict[str, int]:
    """Read what the shop shows by now."""
    return await (market.stock(items) if kind == "stock" else market.prices(items))


async def push(
    connection: Connection, market: Market, account: Account, kind: Kind, run: UUID, judged: Sequence[Judged],
    execution_id: int,
) -> list[Judged]:
    """Set the values of those judged ``push`` and return all with their answers.

    Raises  MarketError; what had gone out by then stands in erp.pushes without an answer
    """
    wanted = [each for each in judged if each.verdict == "push"]
    if not wanted:
        return list(judged)
    ids = await _record(connection, account, kind, run, wanted, execution_id)
    pushes = [Push(each.wanted.item, each.wanted.value, each.shown) for each in wanted]
    try:
        answers = await (market.push_stock(pushes) if kind == "stock" else market.push_price(pushes))
    except MarketError as error:
        await connection.execute(NO_ANSWER, {"ids": list(ids.values()), "message": str(error)[:LONGEST_MESSAGE]})
        raise
    by_item = {sent.key: sent for sent in answers}
    return [_answered(each, ids, by_item) for each in judged]


def _answered(judged: Judged, ids: dict[str, int], answers: dict[str, Sent]) -> Judged:
    key = judged.wanted.item.item_id
    if judged.verdict != "push":
        return judged
    sent = answers.get(key) or Sent(key, False, "the shop did not answer for this item", again=True)
    return replace(judged, push_id=ids[key], sent=sent)


async def _record(
    connection: Connection, account: Account, kind: Kind, run: UUID, judged: Sequence[Judged], execution_id: int
) -> dict[str, int]:
    rows = [
        {"item_id": each.wanted.item.item_id, "product_id": each.wanted.item.product_id, "sku": each.wanted.item.sku,
         "former": each.shown, "value": each.wanted.value, "sold": each.wanted.sold}
        for each in judged
    ]
    found = await connection.execute(RECORD, {
        "run": run, "kind": kind, "market_code": account.market_code, "account": account.account, "rows": Jsonb(rows),
        "execution_id": execution_id,
    })
    return {item_id: number for number, item_id in await found.fetchall()}


async def save_answers(
    connection: Connection, account: Account, kind: Kind, judged: Sequence[Judged], execution_id: int
) -> None:
    """Keep the answers, and what the shop shows now; the caller holds the transaction."""
    answers = [
        {"id": each.push_id, "ok": None if not each.sent.ok and each.sent.again else each.sent.ok,
         "message": each.sent.message[:LONGEST_MESSAGE]}
        for each in judged if each.sent is not None
    ]
    await connection.execute(ANSWER, {"rows": Jsonb(answers)})
    key = {"market_code": account.market_code, "account": account.account, "execution_id": execution_id}
    shown = _rows((each.wanted.item.item_id, each.shown) for each in judged if not each.pushed)
    await connection.execute(BELIEVE[kind], {**key, "rows": shown})
    await connection.execute(SOURCE)
    pushed = _rows((each.wanted.item.item_id, each.wanted.value) for each in judged if each.pushed)
    await connection.execute(BELIEVE[kind], {**key, "rows": pushed})


def _rows(pairs: Iterable[tuple[str, int]]) -> Jsonb:
    return Jsonb([{"item_id": item_id, "value": value} for item_id, value in pairs])
