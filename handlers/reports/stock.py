"""What can be sold now: stock of each code at each shop, and how many days it lasts at the pace of the last weeks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from handlers.reports.lines import Shop
from handlers.reports.periods import KOREA, Span

LOW = 5
BASE_DAYS = 28

# The key is our code, else the market's number of the item: a shop may sell what we have no code for.
STOCK = """
WITH offered AS (
    SELECT market_code, account, coalesce(nullif(btrim(sku), ''), '#' || item_id) AS key,
           min(nullif(btrim(sku), '')) AS sku, min(name) AS name, count(*) AS listings,
           sum(stock)::bigint AS stock, count(*) FILTER (WHERE stock IS NULL) AS uncounted,
           coalesce(sum(stock * price), 0)::bigint AS value,
           count(*) FILTER (WHERE price IS NULL AND stock > 0) AS unpriced,
           min(price) AS price, min(seen_at) AS seen_at
      FROM erp.market_items
     WHERE %(markets)s::text[] IS NULL OR market_code = ANY (%(markets)s)
     GROUP BY market_code, account, coalesce(nullif(btrim(sku), ''), '#' || item_id)
), sold AS (
    SELECT item.market_code, item.account,
           coalesce(nullif(btrim(item.sku), ''), nullif(btrim(known.sku), ''), '#' || item.line_id) AS key,
           sum(greatest(item.quantity - item.cancelled_quantity - item.returned_quantity, 0))::bigint AS quantity
      FROM erp.orders AS ordered
      JOIN erp.order_items AS item USING (market_code, account, order_id)
      LEFT JOIN erp.product_options AS known ON known.market_code = item.market_code AND known.account = item.account
                                            AND known.item_id = item.line_id
     WHERE ordered.ordered_at >= %(from_at)s AND ordered.ordered_at < %(to_at)s
     GROUP BY item.market_code, item.account, 3
)
SELECT offered.market_code, offered.account, offered.sku, offered.name, offered.listings, offered.stock,
       offered.uncounted, offered.value, offered.unpriced, offered.price, offered.seen_at, coalesce(sold.quantity, 0)
  FROM offered LEFT JOIN sold USING (market_code, account, key)
 ORDER BY offered.market_code, offered.account, offered.sku NULLS LAST, offered.name, key
"""

FIRST_KNOWN = """
SELECT least((SELECT min(from_at) FROM erp.collection_windows WHERE kind = 'orders'),
             (SELECT min(ordered_at) FROM erp.orders))
"""


@dataclass(frozen=True, slots=True)
class Article:
    """One code at one shop. stock: None where the market has not said; price: the lowest of its listings."""

    shop: Shop
    sku: str | None
    name: str
    listings: int
    stock: int | None
    uncounted: int
    value: int
    unpriced: int
    price: int | None
    seen_at: datetime
    sold: int

    @property
    def state(self) -> str:
        if self.stock is None:
            return "unknown"
        return "sold_out" if self.stock <= 0 else "low" if self.stock <= LOW else "enough"

    @property
    def known_value(self) -> int | None:
        """The value, or None where the stock or its price is not known."""
        return None if self.stock is None or (self.price is None and self.stock > 0) else self.value

    def cover(self, days: int) -> float | None:
        """Say how many days the stock lasts; None when nothing was sold or the stock is not known."""
        return max(self.stock, 0) * days / self.sold if self.stock is not None and self.sold > 0 else None


def read_stock(connection: psycopg.Connection[Any], base: Span, markets: list[str] | None) -> list[Article]:
    values = {"from_at": base.from_at, "to_at": base.to_at, "markets": markets}
    return [
        Article((market, account), *rest) for market, account, *rest in connection.execute(STOCK, values)
    ]


def base_of(connection: psycopg.Connection[Any], span: Span, today: date) -> Span:
    """Return the days whose sales tell the pace: 28 up to the end of the span, fewer when we know fewer."""
    end = min(span.end, today)
    first = end - timedelta(days=BASE_DAYS)
    row = connection.execute(FIRST_KNOWN).fetchone()
    if row and row[0]:
        first = max(first, row[0].astimezone(KOREA).date())
    return Span(min(first, end - timedelta(days=1)), end)


def differing(articles: list[Article]) -> dict[str, dict[Shop, Article]]:
    """Return the codes that stand with different stock in different shops."""
    by_sku: dict[str, dict[Shop, Article]] = defaultdict(dict)
    for article in articles:
        if article.sku is not None and article.stock is not None:
            by_sku[article.sku][article.shop] = article
    return {sku: shops for sku, shops in sorted(by_sku.items()) if len({one.stock for one in shops.values()}) > 1}
