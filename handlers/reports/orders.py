"""How far the orders of a span are, and which older ones nobody has sent yet.

An order is as far as the line that is least far, the same rule by which a line follows its boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from handlers.reports.lines import Shop
from handlers.reports.periods import Span

STATES = ("paid", "confirmed", "shipping", "delivered", "completed", "exchanged", "returned", "cancelled")
OPEN_AFTER = timedelta(days=2)
LISTED = 1000

ORDERS = """
WITH per_order AS (
    SELECT date_trunc(%(step)s, ordered.ordered_at AT TIME ZONE 'Asia/Seoul') AS bucket,
           ordered.market_code, ordered.account, ordered.known_by_claim,
           min(array_position(%(states)s::text[], item.state)) AS state,
           sum(item.held_quantity) AS held
      FROM erp.orders AS ordered
      JOIN erp.order_items AS item USING (market_code, account, order_id)
     WHERE ordered.ordered_at >= %(from_at)s AND ordered.ordered_at < %(to_at)s
       AND (%(markets)s::text[] IS NULL OR ordered.market_code = ANY (%(markets)s))
     GROUP BY ordered.market_code, ordered.account, ordered.order_id
)
SELECT bucket, market_code, account, (%(states)s::text[])[state], count(*), sum(held)::bigint,
       count(*) FILTER (WHERE known_by_claim)
  FROM per_order
 GROUP BY bucket, market_code, account, state
"""

OPEN_ORDERS = """
SELECT ordered.market_code, ordered.account, ordered.order_id, ordered.ordered_at AT TIME ZONE 'Asia/Seoul',
       (%(states)s::text[])[min(array_position(%(states)s::text[], item.state))], count(*),
       sum(item.quantity - item.cancelled_quantity)::bigint, count(*) OVER ()
  FROM erp.orders AS ordered
  JOIN erp.order_items AS item USING (market_code, account, order_id)
 WHERE item.state IN ('paid', 'confirmed', 'shipping') AND ordered.ordered_at < %(before)s
   AND (%(markets)s::text[] IS NULL OR ordered.market_code = ANY (%(markets)s))
 GROUP BY ordered.market_code, ordered.account, ordered.order_id
 ORDER BY ordered.ordered_at, ordered.market_code, ordered.account, ordered.order_id
 LIMIT %(listed)s
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Orders of one hour or day, shop and state."""

    bucket: datetime
    shop: Shop
    state: str
    orders: int
    held: int
    by_claim: int


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that waits; *ordered_at* is Seoul's clock without a zone."""

    shop: Shop
    order_id: str
    ordered_at: datetime
    state: str
    lines: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a span by state, and those that have waited too long (the oldest of *waiting*)."""

    groups: list[Group]
    listed: list[OpenOrder]
    waiting: int

    def count(self, *, bucket: datetime | None = None, shop: Shop | None = None, state: str | None = None) -> int:
        return sum(
            group.orders for group in self.groups
            if bucket in (None, group.bucket) and shop in (None, group.shop) and state in (None, group.state)
        )


def read_orders(
    connection: psycopg.Connection[Any], span: Span, step: str, now: datetime, markets: list[str] | None
) -> Orders:
    """Count the orders of the span by state; list the open ones made up to its end and more than two days ago."""
    common = {"states": list(STATES), "markets": markets}
    rows = connection.execute(ORDERS, {**common, "from_at": span.from_at, "to_at": span.to_at, "step": step})
    groups = [Group(bucket, (market, account), *rest) for bucket, market, account, *rest in rows]
    values = {**common, "before": min(span.to_at, now - OPEN_AFTER), "listed": LISTED}
    waiting = connection.execute(OPEN_ORDERS, values).fetchall()
    listed = [OpenOrder((market, account), *rest) for market, account, *rest, _ in waiting]
    return Orders(groups, listed, waiting[0][-1] if waiting else 0)
