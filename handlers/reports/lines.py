"""What was sold and ordered in a span of days: order lines added up by day or hour, market and item.

A line counts with unit_price × quantity. Where only its amount is known, the amount is shared out over its quantity;
a line with neither is counted and left out of the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import psycopg

from handlers.reports.periods import Span

Connection = psycopg.Connection[Any]
Shop = tuple[str, str]
Key = TypeVar("Key", bound=Hashable)

LINES = """
WITH lines AS (
    SELECT date_trunc(%(step)s, ordered.ordered_at AT TIME ZONE 'Asia/Seoul') AS bucket,
           item.market_code, item.account, item.order_id, nullif(btrim(item.sku), '') AS sku,
           CASE WHEN nullif(btrim(item.sku), '') IS NULL THEN coalesce(item.name, item.line_id) END AS unnamed,
           coalesce(item.name, item.line_id) AS name, item.quantity,
           least(item.cancelled_quantity, item.quantity) AS cancelled,
           least(item.returned_quantity, item.quantity - least(item.cancelled_quantity, item.quantity)) AS returned,
           coalesce(item.unit_price::numeric, item.amount::numeric / nullif(item.quantity, 0)) AS price
      FROM erp.orders AS ordered
      JOIN erp.order_items AS item USING (market_code, account, order_id)
     WHERE ordered.ordered_at >= %(from_at)s AND ordered.ordered_at < %(to_at)s
       AND (%(markets)s::text[] IS NULL OR ordered.market_code = ANY (%(markets)s))
)
SELECT grouping(bucket) = 1 AS is_item, bucket, market_code, account, sku, max(name),
       CASE WHEN grouping(bucket) = 0 THEN count(DISTINCT order_id) ELSE 0 END, count(*),
       sum(quantity)::bigint, sum(cancelled)::bigint, sum(returned)::bigint,
       coalesce(sum(round(price * quantity)), 0)::bigint, coalesce(sum(round(price * cancelled)), 0)::bigint,
       coalesce(sum(round(price * returned)), 0)::bigint, count(*) FILTER (WHERE price IS NULL AND quantity > 0)
  FROM lines
 GROUP BY GROUPING SETS ((bucket, market_code, account), (sku, unnamed))
"""


@dataclass(frozen=True, slots=True)
class Sum:
    """Order lines added up; amounts in whole won."""

    orders: int = 0
    lines: int = 0
    quantity: int = 0
    cancelled_quantity: int = 0
    returned_quantity: int = 0
    gross: int = 0
    cancelled: int = 0
    returned: int = 0
    unpriced: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def net_quantity(self) -> int:
        return self.quantity - self.cancelled_quantity - self.returned_quantity

    @property
    def net(self) -> int:
        return self.gross - self.cancelled - self.returned


@dataclass(frozen=True, slots=True)
class Item:
    """One article over all markets; without a code of ours it is known by its name only."""

    sku: str | None
    name: str
    sum: Sum


@dataclass(frozen=True, slots=True)
class Lines:
    """All sums of one span: the cells are each hour's or day's lines at one shop."""

    cells: dict[tuple[datetime, Shop], Sum]
    items: list[Item]

    @property
    def total(self) -> Sum:
        return add(self.cells.values())

    def by_bucket(self) -> dict[datetime, Sum]:
        return _gather((bucket, cell) for (bucket, _), cell in self.cells.items())

    def by_shop(self) -> dict[Shop, Sum]:
        return _gather((shop, cell) for (_, shop), cell in self.cells.items())

    def ranked(self, measure: Callable[[Sum], int]) -> list[Item]:
        """Return the items, the greatest first; equals stand in the order of code and name."""
        return sorted(self.items, key=lambda item: (-measure(item.sum), item.sku or "~", item.name))


def read_lines(connection: Connection, span: Span, step: str, markets: list[str] | None) -> Lines:
    """Add up the lines ordered in the span. step: hour or day."""
    values = {"from_at": span.from_at, "to_at": span.to_at, "step": step, "markets": markets}
    cells: dict[tuple[datetime, Shop], Sum] = {}
    items: list[Item] = []
    for is_item, bucket, market_code, account, sku, name, *figures in connection.execute(LINES, values):
        if is_item:
            items.append(Item(sku, name, Sum(*figures)))
        else:
            cells[bucket, (market_code, account)] = Sum(*figures)
    return Lines(cells, items)


def add(sums: Iterable[Sum]) -> Sum:
    return sum(sums, Sum())


def others(items: list[Item]) -> Sum:
    """Add up the items that a list leaves out; their orders are not known, an order may hold several."""
    return replace(add(item.sum for item in items), orders=0)


def _gather(pairs: Iterable[tuple[Key, Sum]]) -> dict[Key, Sum]:
    found: dict[Key, Sum] = {}
    for key, one in pairs:
        found[key] = found.get(key, Sum()) + one
    return found
