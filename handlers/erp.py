"""Our side: save what was collected, each time an idempotent upsert that an older answer never overwrites.

Rows travel as one JSON array a statement, so a window of ten thousand lines costs as many round trips as one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from handlers.markets.base import Account, BoxLine, Claim, Orders, Product, Window

Connection = psycopg.AsyncConnection[Any]

# Two collections of one account may meet; taking turns here keeps sums of boxes and the watermark right.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('erp/' || %(market_code)s || '/' || %(account)s, 0))"

SAVE_ORDERS = """
INSERT INTO erp.orders AS known (market_code, account, order_id, ordered_at, paid_at, shipping_price, execution_id, seen_at)
SELECT %(market_code)s, %(account)s, order_id, ordered_at, paid_at, shipping_price, %(execution_id)s, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (order_id text, ordered_at timestamptz, paid_at timestamptz,
                                            shipping_price bigint, read_at timestamptz)
 ORDER BY order_id
    ON CONFLICT (market_code, account, order_id) DO UPDATE
   SET ordered_at = excluded.ordered_at, paid_at = excluded.paid_at, shipping_price = excluded.shipping_price,
       known_by_claim = false, execution_id = excluded.execution_id, seen_at = excluded.seen_at
 WHERE known.seen_at <= excluded.seen_at OR known.known_by_claim
RETURNING order_id, (xmax = 0) AS is_new
"""

SAVE_ORDERS_OF_CLAIMS = """
INSERT INTO erp.orders (market_code, account, order_id, ordered_at, known_by_claim, execution_id, seen_at)
SELECT %(market_code)s, %(account)s, order_id, min(claimed_at), true, %(execution_id)s, max(read_at)
  FROM jsonb_to_recordset(%(rows)s) AS row (order_id text, claimed_at timestamptz, read_at timestamptz)
 GROUP BY order_id ORDER BY order_id
    ON CONFLICT (market_code, account, order_id) DO NOTHING
RETURNING order_id, true AS is_new
"""

SAVE_BOXES = """
INSERT INTO erp.order_boxes AS known (market_code, account, box_id, line_id, order_id, product_id, sku, name, quantity,
                                      cancelled, held, unit_price, amount, state, market_state, seen_at)
SELECT %(market_code)s, %(account)s, box_id, line_id, order_id, product_id, sku, name, quantity,
       cancelled, held, unit_price, amount, state, market_state, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (box_id text, line_id text, order_id text, product_id text, sku text, name text,
       quantity bigint, cancelled bigint, held bigint, unit_price bigint, amount bigint, state text, market_state text,
       read_at timestamptz)
    ON CONFLICT (market_code, account, box_id, line_id) DO UPDATE
   SET order_id = excluded.order_id, product_id = excluded.product_id, sku = excluded.sku, name = excluded.name,
       quantity = excluded.quantity, cancelled = excluded.cancelled, held = excluded.held,
       unit_price = excluded.unit_price, amount = excluded.amount, state = excluded.state,
       market_state = excluded.market_state, seen_at = excluded.seen_at,
       retired_at = CASE WHEN known.retired_at >= excluded.seen_at THEN known.retired_at END
 WHERE known.seen_at <= excluded.seen_at
"""

RETIRE_BOXES = """
UPDATE erp.order_boxes AS box
   SET retired_at = read.read_at
  FROM jsonb_to_recordset(%(rows)s) AS read (order_id text, box_ids text[], read_at timestamptz)
 WHERE box.market_code = %(market_code)s AND box.account = %(account)s AND box.order_id = read.order_id
   AND box.box_id <> ALL (read.box_ids) AND box.retired_at IS NULL AND box.seen_at <= read.read_at
"""

SAVE_CLAIMS = """
INSERT INTO erp.order_claims AS known (market_code, account, claim_id, line_id, order_id, kind, completed, ordered,
                                       quantity, name, market_state, claimed_at, seen_at)
SELECT %(market_code)s, %(account)s, claim_id, line_id, order_id, kind, completed, ordered,
       quantity, name, market_state, claimed_at, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (claim_id text, line_id text, order_id text, kind text, completed boolean,
       ordered bigint, quantity bigint, name text, market_state text, claimed_at timestamptz, read_at timestamptz)
    ON CONFLICT (market_code, account, claim_id, line_id) DO UPDATE
   SET order_id = excluded.order_id, kind = excluded.kind, completed = excluded.completed, ordered = excluded.ordered,
       quantity = excluded.quantity, name = excluded.name, market_state = excluded.market_state,
       claimed_at = excluded.claimed_at, seen_at = excluded.seen_at
 WHERE known.seen_at <= excluded.seen_at
"""

# A line is as far as the box that is least far. What a sheet and a receipt both call cancelled is the same quantity.
SUM_UP = """
WITH boxes AS (
    SELECT order_id, line_id, max(product_id) AS product_id, max(sku) AS sku, max(name) AS name,
           sum(quantity)::bigint AS quantity, sum(cancelled)::bigint AS cancelled, sum(held)::bigint AS held,
           max(unit_price) AS unit_price, sum(amount)::bigint AS amount,
           (array_agg(state ORDER BY array_position(ARRAY['paid', 'confirmed', 'shipping', 'delivered', 'completed',
                                                          'exchanged', 'returned', 'cancelled'], state)))[1] AS state
      FROM erp.order_boxes
     WHERE market_code = %(market_code)s AND account = %(account)s AND order_id = ANY (%(order_ids)s)
       AND retired_at IS NULL
     GROUP BY order_id, line_id
), claims AS (
    SELECT order_id, line_id, max(ordered) AS ordered, max(name) AS name, bool_or(kind = 'return') AS has_return,
           coalesce(sum(quantity) FILTER (WHERE kind = 'cancel' AND completed), 0)::bigint AS cancelled,
           coalesce(sum(quantity) FILTER (WHERE kind = 'return' AND completed), 0)::bigint AS returned
      FROM erp.order_claims
     WHERE market_code = %(market_code)s AND account = %(account)s AND order_id = ANY (%(order_ids)s)
     GROUP BY order_id, line_id
), summed AS (
    SELECT order_id, line_id, coalesce(box.product_id, item.product_id) AS product_id,
           coalesce(box.sku, item.sku) AS sku, coalesce(box.name, claim.name) AS name,
           coalesce(box.quantity, claim.ordered) AS quantity,
           least(coalesce(box.quantity, claim.ordered),
                 greatest(coalesce(box.cancelled, 0), coalesce(claim.cancelled, 0))) AS cancelled,
           coalesce(box.held, 0) AS held, coalesce(claim.returned, 0) AS returned, box.unit_price, box.amount,
           coalesce(box.state, CASE WHEN claim.has_return THEN 'delivered' ELSE 'paid' END) AS state
      FROM boxes AS box FULL JOIN claims AS claim USING (order_id, line_id)
           -- A receipt names no code of ours; where the market's line is the option itself, the catalogue knows it.
           LEFT JOIN erp.product_options AS item
                  ON item.market_code = %(market_code)s AND item.account = %(account)s AND item.item_id = line_id
)
INSERT INTO erp.order_items AS known (market_code, account, order_id, line_id, product_id, sku, name, quantity,
            cancelled_quantity, held_quantity, returned_quantity, unit_price, amount, state, changed_at)
SELECT %(market_code)s, %(account)s, order_id, line_id, product_id, sku, name, quantity, cancelled, held, returned,
       unit_price, amount,
       CASE WHEN cancelled >= quantity THEN 'cancelled'
            WHEN returned > 0 AND cancelled + returned >= quantity THEN 'returned'
            ELSE state END, now()
  FROM summed
    ON CONFLICT (market_code, account, order_id, line_id) DO UPDATE
   SET product_id = coalesce(excluded.product_id, known.product_id), sku = coalesce(excluded.sku, known.sku),
       name = coalesce(excluded.name, known.name), quantity = excluded.quantity,
       cancelled_quantity = excluded.cancelled_quantity, held_quantity = excluded.held_quantity,
       returned_quantity = excluded.returned_quantity, unit_price = coalesce(excluded.unit_price, known.unit_price),
       amount = coalesce(excluded.amount, known.amount), state = excluded.state, changed_at = excluded.changed_at
 WHERE (known.quantity, known.cancelled_quantity, known.held_quantity, known.returned_quantity, known.state)
       IS DISTINCT FROM (excluded.quantity, excluded.cancelled_quantity, excluded.held_quantity,
                         excluded.returned_quantity, excluded.state)
    OR (coalesce(excluded.product_id, known.product_id), coalesce(excluded.sku, known.sku),
        coalesce(excluded.name, known.name), coalesce(excluded.unit_price, known.unit_price),
        coalesce(excluded.amount, known.amount))
       IS DISTINCT FROM (known.product_id, known.sku, known.name, known.unit_price, known.amount)
RETURNING order_id
"""

LIVE_BOXES = """
SELECT order_id, array_agg(DISTINCT box_id)
  FROM erp.order_boxes
 WHERE market_code = %(market_code)s AND account = %(account)s AND order_id = ANY (%(order_ids)s) AND retired_at IS NULL
 GROUP BY order_id
"""

NOTE_WINDOW = """
INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, execution_id, lines_read, claims_read,
                                    inserted, updated, unchanged)
VALUES (%(market_code)s, %(account)s, %(kind)s, %(from_at)s, %(to_at)s, %(execution_id)s, %(lines_read)s,
        %(claims_read)s, %(inserted)s, %(updated)s, %(unchanged)s)
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
                 AND item.state IN ('paid', 'confirmed', 'shipping')),
             (SELECT min(claimed_at) FROM erp.order_claims
               WHERE market_code = %(market_code)s AND account = %(account)s AND NOT completed))
"""

SAVE_PRODUCTS = """
INSERT INTO erp.products AS known (market_code, account, product_id, name, brand, status, sale_from, sale_to,
                                   execution_id, seen_at)
SELECT %(market_code)s, %(account)s, product_id, name, brand, status, sale_from, sale_to, %(execution_id)s, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (product_id text, name text, brand text, status text, sale_from timestamptz,
                                            sale_to timestamptz, read_at timestamptz)
    ON CONFLICT (market_code, account, product_id) DO UPDATE
   SET name = excluded.name, brand = excluded.brand, status = excluded.status, sale_from = excluded.sale_from,
       sale_to = excluded.sale_to, execution_id = excluded.execution_id, seen_at = excluded.seen_at, gone_at = NULL,
       changed_at = CASE WHEN (known.name, known.brand, known.status, known.sale_from, known.sale_to, known.gone_at)
                              IS DISTINCT FROM (excluded.name, excluded.brand, excluded.status, excluded.sale_from,
                                                excluded.sale_to, NULL::timestamptz)
                         THEN now() ELSE known.changed_at END
 WHERE known.seen_at <= excluded.seen_at
RETURNING product_id, (xmax = 0) AS is_new, changed_at = now() AS has_changed
"""

SAVE_OPTIONS = """
INSERT INTO erp.product_options AS known (market_code, account, item_id, product_id, sku, barcode, name, original_price,
                                          price, stock, on_sale, execution_id, seen_at)
SELECT %(market_code)s, %(account)s, item_id, product_id, sku, barcode, name, original_price, price, stock, on_sale,
       %(execution_id)s, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (item_id text, product_id text, sku text, barcode text, name text,
       original_price bigint, price bigint, stock bigint, on_sale boolean, read_at timestamptz)
    ON CONFLICT (market_code, account, item_id) DO UPDATE
   SET product_id = excluded.product_id, sku = excluded.sku, barcode = excluded.barcode, name = excluded.name,
       original_price = excluded.original_price, price = excluded.price, stock = excluded.stock,
       on_sale = excluded.on_sale, execution_id = excluded.execution_id, seen_at = excluded.seen_at, gone_at = NULL,
       changed_at = CASE WHEN (known.product_id, known.sku, known.barcode, known.name, known.original_price, known.price,
                               known.stock, known.on_sale, known.gone_at)
                              IS DISTINCT FROM (excluded.product_id, excluded.sku, excluded.barcode, excluded.name,
                                                excluded.original_price, excluded.price, excluded.stock,
                                                excluded.on_sale, NULL::timestamptz)
                         THEN now() ELSE known.changed_at END
 WHERE known.seen_at <= excluded.seen_at
RETURNING product_id, (xmax = 0) AS is_new, changed_at = now() AS has_changed
"""

DROP_MISSING_OPTIONS = """
UPDATE erp.product_options AS known
   SET gone_at = read.read_at
  FROM jsonb_to_recordset(%(rows)s) AS read (product_id text, item_ids text[], read_at timestamptz)
 WHERE known.market_code = %(market_code)s AND known.account = %(account)s AND known.product_id = read.product_id
   AND known.item_id <> ALL (read.item_ids) AND known.gone_at IS NULL AND known.seen_at <= read.read_at
"""

DROP_MISSING_PRODUCTS = """
UPDATE erp.products
   SET gone_at = now(), changed_at = now()
 WHERE market_code = %(market_code)s AND account = %(account)s AND gone_at IS NULL AND seen_at < %(started)s
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """How many orders or products were new, changed, and as they had been."""

    inserted: int
    updated: int
    unchanged: int

    def figures(self, noun: str) -> dict[str, int]:
        return {f"{noun}_inserted": self.inserted, f"{noun}_updated": self.updated, f"{noun}_unchanged": self.unchanged}


def _key(account: Account, **more: Any) -> dict[str, Any]:
    return {"market_code": account.market_code, "account": account.account, **more}


def _json(rows: Iterable[dict[str, Any]]) -> Jsonb:
    return Jsonb([
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()} for row in rows
    ])


async def save_orders(
    connection: Connection, account: Account, orders: Orders, read_again: Sequence[tuple[str, Sequence[str], datetime]],
    execution_id: int,
) -> Saved:
    """Save lines and claims; the caller holds the transaction.

    read_again  orders whose boxes were read one by one: number, boxes there are now, moment of reading
    """
    await connection.execute(TAKE_TURN, _key(account))
    key = _key(account, execution_id=execution_id)
    new = await _new(connection, SAVE_ORDERS, {**key, "rows": _json(_order_rows(orders.lines))})
    await connection.execute(SAVE_BOXES, {**key, "rows": _json(asdict(line) for line in orders.lines)})
    if orders.claims:
        rows = _json(asdict(claim) for claim in orders.claims)
        new |= await _new(connection, SAVE_ORDERS_OF_CLAIMS, {**key, "rows": rows})
        await connection.execute(SAVE_CLAIMS, {**key, "rows": rows})
    if read_again:
        rows = _json({"order_id": order, "box_ids": list(boxes), "read_at": at} for order, boxes, at in read_again)
        await connection.execute(RETIRE_BOXES, {**key, "rows": rows})
    touched = order_ids(orders)
    summed = await connection.execute(SUM_UP, {**key, "order_ids": touched})
    changed = {row[0] for row in await summed.fetchall()} - new
    return Saved(len(new), len(changed), len(touched) - len(new) - len(changed))


async def _new(connection: Connection, statement: str, values: dict[str, Any]) -> set[str]:
    return {row[0] for row in await (await connection.execute(statement, values)).fetchall() if row[1]}


def order_ids(orders: Orders) -> list[str]:
    """Return the numbers of all orders named, each once."""
    items: list[BoxLine | Claim] = [*orders.lines, *orders.claims]
    return sorted({item.order_id for item in items})


def _order_rows(lines: Sequence[BoxLine]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for line in lines:
        row = rows.setdefault(line.order_id, {
            "order_id": line.order_id, "ordered_at": line.ordered_at, "paid_at": line.paid_at,
            "shipping_price": line.shipping_price, "read_at": line.read_at,
        })
        row["read_at"] = max(row["read_at"], line.read_at)
    return list(rows.values())


async def live_boxes(connection: Connection, account: Account, order_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return the boxes we believe in, by order."""
    found = await connection.execute(LIVE_BOXES, _key(account, order_ids=list(order_ids)))
    return {order_id: set(boxes) for order_id, boxes in await found.fetchall()}


async def save_window(
    connection: Connection, account: Account, kind: str, window: Window, orders: Orders,
    read_again: Sequence[tuple[str, Sequence[str], datetime]], execution_id: int,
) -> Saved:
    """Save a window, note it in the ledger and move the watermark: all of it or nothing."""
    async with connection.transaction():
        saved = await save_orders(connection, account, orders, read_again, execution_id)
        span = _key(account, kind=kind, from_at=window.start, to_at=window.end)
        await connection.execute(NOTE_WINDOW, {
            **span, "execution_id": execution_id, "lines_read": len(orders.lines), "claims_read": len(orders.claims),
            "inserted": saved.inserted, "updated": saved.updated, "unchanged": saved.unchanged,
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


async def oldest_open(connection: Connection, account: Account) -> datetime | None:
    """Return when the oldest order or return was made that is not settled yet."""
    return await _moment(connection, OLDEST_OPEN, account)


async def _moment(connection: Connection, statement: str, account: Account) -> datetime | None:
    row = await (await connection.execute(statement, _key(account))).fetchone()
    return row[0] if row else None


async def save_products(
    connection: Connection, account: Account, products: Sequence[Product], execution_id: int
) -> Saved:
    """Save products, and their options where they were read; a batch is saved whole or not at all."""
    by_id = {product.product_id: product for product in products}
    detailed = [product for product in by_id.values() if product.options is not None]
    options = {
        option.item_id: {**asdict(option), "product_id": product.product_id, "read_at": product.read_at}
        for product in detailed for option in product.options or ()
    }
    key = _key(account, execution_id=execution_id)
    async with connection.transaction():
        await connection.execute(TAKE_TURN, _key(account))
        rows = _json(_without_options(product) for product in by_id.values())
        saved = await (await connection.execute(SAVE_PRODUCTS, {**key, "rows": rows})).fetchall()
        saved += await (await connection.execute(SAVE_OPTIONS, {**key, "rows": _json(options.values())})).fetchall()
        seen = _json(
            {"product_id": product.product_id, "item_ids": [option.item_id for option in product.options or ()],
             "read_at": product.read_at}
            for product in detailed
        )
        await connection.execute(DROP_MISSING_OPTIONS, {**key, "rows": seen})
    new = {row[0] for row in saved[: len(by_id)] if row[1]}
    changed = {row[0] for row in saved if row[1] or row[2]} - new
    return Saved(len(new), len(changed), len(by_id) - len(new) - len(changed))


def _without_options(product: Product) -> dict[str, Any]:
    row = asdict(product)
    del row["options"]
    return row


async def drop_missing_products(connection: Connection, account: Account, started: datetime) -> int:
    """Mark products as gone that a complete reading since *started* has not met. Returns how many."""
    return (await connection.execute(DROP_MISSING_PRODUCTS, _key(account, started=started))).rowcount
