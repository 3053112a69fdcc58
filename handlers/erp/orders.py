"""Save order lines and claims, and add them up to one row per line a customer ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from handlers.erp.rows import Connection, Saved, as_json, as_row, key
from handlers.markets.base import Account, BoxLine, Claim, Orders

Row = TypeVar("Row", BoxLine, Claim)
PORTION = 500

# Some answers know only the day of an order, and no payment: what is known better stays.
SAVE_ORDERS = """
INSERT INTO erp.orders AS known (market_code, account, order_id, ordered_at, paid_at, shipping_price, execution_id, seen_at)
SELECT %(market_code)s, %(account)s, order_id, ordered_at, paid_at, shipping_price, %(execution_id)s, read_at
  FROM jsonb_to_recordset(%(rows)s) AS row (order_id text, ordered_at timestamptz, paid_at timestamptz,
                                            shipping_price bigint, read_at timestamptz)
 ORDER BY order_id
    ON CONFLICT (market_code, account, order_id) DO UPDATE
   SET ordered_at = CASE WHEN known.known_by_claim THEN excluded.ordered_at
                         ELSE greatest(known.ordered_at, excluded.ordered_at) END,
       paid_at = coalesce(excluded.paid_at, known.paid_at),
       shipping_price = coalesce(excluded.shipping_price, known.shipping_price),
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

# What the market says about the time of a change decides; where it says nothing, the moment of reading does.
NEWER = """CASE WHEN known.source_changed_at <> excluded.source_changed_at
            THEN known.source_changed_at < excluded.source_changed_at ELSE known.seen_at <= excluded.seen_at END"""

SAVE_BOXES = f"""
INSERT INTO erp.order_boxes AS known (market_code, account, box_id, line_id, order_id, product_id, sku, name, quantity,
                                      cancelled, held, unit_price, amount, state, market_state, seen_at, source_changed_at)
SELECT %(market_code)s, %(account)s, box_id, line_id, order_id, product_id, sku, name, quantity,
       cancelled, held, unit_price, amount, state, market_state, read_at, changed_at
  FROM jsonb_to_recordset(%(rows)s) AS row (box_id text, line_id text, order_id text, product_id text, sku text, name text,
       quantity bigint, cancelled bigint, held bigint, unit_price bigint, amount bigint, state text, market_state text,
       read_at timestamptz, changed_at timestamptz)
    ON CONFLICT (market_code, account, order_id, box_id, line_id) DO UPDATE
   SET product_id = excluded.product_id, sku = excluded.sku, name = excluded.name,
       quantity = excluded.quantity, cancelled = excluded.cancelled, held = excluded.held,
       unit_price = excluded.unit_price, amount = excluded.amount, state = excluded.state,
       market_state = excluded.market_state, seen_at = excluded.seen_at,
       source_changed_at = greatest(known.source_changed_at, excluded.source_changed_at),
       retired_at = CASE WHEN known.retired_at >= excluded.seen_at THEN known.retired_at END
 WHERE {NEWER}
"""

RETIRE_BOXES = """
UPDATE erp.order_boxes AS box
   SET retired_at = read.read_at
  FROM jsonb_to_recordset(%(rows)s) AS read (order_id text, box_ids text[], read_at timestamptz)
 WHERE box.market_code = %(market_code)s AND box.account = %(account)s AND box.order_id = read.order_id
   AND box.box_id <> ALL (read.box_ids) AND box.retired_at IS NULL AND box.seen_at <= read.read_at
"""

SAVE_CLAIMS = f"""
INSERT INTO erp.order_claims AS known (market_code, account, claim_id, line_id, order_id, kind, completed, ordered,
                                       quantity, name, market_state, claimed_at, seen_at, source_changed_at)
SELECT %(market_code)s, %(account)s, claim_id, line_id, order_id, kind, completed, ordered,
       quantity, name, market_state, claimed_at, read_at, changed_at
  FROM jsonb_to_recordset(%(rows)s) AS row (claim_id text, line_id text, order_id text, kind text, completed boolean,
       ordered bigint, quantity bigint, name text, market_state text, claimed_at timestamptz, read_at timestamptz,
       changed_at timestamptz)
    ON CONFLICT (market_code, account, order_id, claim_id, line_id) DO UPDATE
   SET kind = excluded.kind, completed = excluded.completed, ordered = excluded.ordered,
       quantity = excluded.quantity, name = excluded.name, market_state = excluded.market_state,
       claimed_at = excluded.claimed_at, seen_at = excluded.seen_at,
       source_changed_at = greatest(known.source_changed_at, excluded.source_changed_at)
 WHERE {NEWER}
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
    SELECT order_id, line_id, max(ordered) AS ordered, max(name) AS name, bool_or(kind <> 'cancel') AS was_delivered,
           bool_or(kind = 'exchange' AND completed) AS exchanged,
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
           CASE WHEN claim.exchanged THEN 'exchanged'
                ELSE coalesce(box.state, CASE WHEN claim.was_delivered THEN 'delivered' ELSE 'paid' END) END AS state
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


async def save_orders(
    connection: Connection, account: Account, orders: Orders, read_again: Sequence[tuple[str, Sequence[str], datetime]],
    execution_id: int,
) -> Saved:
    """Save lines and claims; the caller holds the transaction and the account's turn.

    read_again  orders whose boxes were read one by one: number, boxes there are now, moment of reading
    """
    lines = newest({(line.order_id, line.box_id, line.line_id): line for line in in_order(orders.lines)})
    claims = newest({(claim.order_id, claim.claim_id, claim.line_id): claim for claim in in_order(orders.claims)})
    values = key(account, execution_id=execution_id)
    new = await _new(connection, SAVE_ORDERS, {**values, "rows": as_json(_order_rows(lines))})
    taken = await _count(connection, SAVE_BOXES, {**values, "rows": as_json(as_row(line) for line in lines)})
    if claims:
        rows = as_json(as_row(claim) for claim in claims)
        new |= await _new(connection, SAVE_ORDERS_OF_CLAIMS, {**values, "rows": rows})
        taken += await _count(connection, SAVE_CLAIMS, {**values, "rows": rows})
    if read_again:
        rows = as_json({"order_id": order, "box_ids": list(boxes), "read_at": at} for order, boxes, at in read_again)
        await connection.execute(RETIRE_BOXES, {**values, "rows": rows})
    touched = order_ids(orders)
    summed = await connection.execute(SUM_UP, {**values, "order_ids": touched})
    changed = {row[0] for row in await summed.fetchall()} - new
    return Saved(len(new), len(changed), len(touched) - len(new) - len(changed), len(lines) + len(claims) - taken)


def portions(orders: Orders) -> Iterator[Orders]:
    """Cut what was read into portions of whole orders, so that a crowded window is held in memory once, not thrice."""
    by_order: dict[str, Orders] = {}
    for line in orders.lines:
        by_order.setdefault(line.order_id, Orders([], [])).lines.append(line)
    for claim in orders.claims:
        by_order.setdefault(claim.order_id, Orders([], [])).claims.append(claim)
    numbers = sorted(by_order)
    for first in range(0, len(numbers), PORTION):
        chosen = [by_order[number] for number in numbers[first : first + PORTION]]
        yield Orders([line for one in chosen for line in one.lines], [claim for one in chosen for claim in one.claims])


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Sort what was read such that of two readings of one thing the later comes last."""
    return sorted(rows, key=lambda row: row.read_at)


def newest(rows: dict[Any, Row]) -> list[Row]:
    """Return one row for each key: pages may repeat rows, and a statement may touch a row only once."""
    return list(rows.values())


async def _count(connection: Connection, statement: str, values: dict[str, Any]) -> int:
    return (await connection.execute(statement, values)).rowcount


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
    found = await connection.execute(LIVE_BOXES, key(account, order_ids=list(order_ids)))
    return {order_id: set(boxes) for order_id, boxes in await found.fetchall()}
