"""``python -m benchmarks.crowd DSN orders|products COUNT``: collect that many from a market that answers at once.

What a shop would send is made in memory, so that what is measured is our side: reading, comparing, saving.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from handlers.markets.base import (
    Account,
    BoxLine,
    Item,
    LineKey,
    Option,
    Orders,
    Product,
    ProductPage,
    Push,
    Sent,
    State,
    Window,
)
from handlers.order_collection import collect_window
from handlers.product_collection import collect_pass
from handlers.windows import windows
from tests.handlers.support import a_context

ACCOUNT = Account("coupang", "default", "http://127.0.0.1", {})
DAYS = 30
BATCH = 500


class Crowd:
    """A market with *count* products of one option each and *count* orders of one line each, spread over a month."""

    splits: ClassVar[bool] = False
    open_states: ClassVar[tuple[State, ...]] = ("paid",)

    def __init__(self, count: int, now: datetime) -> None:
        self.count = count
        self.start = now - timedelta(days=DAYS)
        self.gap = timedelta(days=DAYS) / count

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def orders(self, window: Window) -> Orders:
        first = max(0, -(-(window.start - self.start) // self.gap))
        last = min(self.count, -(-(window.end - self.start) // self.gap))
        read_at = datetime.now(UTC)
        return Orders([self._line(number, read_at) for number in range(first, last)], [])

    def _line(self, number: int, read_at: datetime) -> BoxLine:
        ordered_at = self.start + number * self.gap
        item, quantity = number % 5000, 1 + number % 3
        return BoxLine(
            str(31_000_000_000 + number), str(number), str(3_000_000 + item), quantity, "paid", "ACCEPT", ordered_at, read_at,
            paid_at=ordered_at, product_id=str(item), sku=f"SKU-{item:05d}", name="텀블러 500ml", unit_price=12_900,
            amount=12_900 * quantity, shipping_price=3000,
        )

    async def changes(self, window: Window) -> Orders:
        return Orders([], [])

    async def order(self, order_id: str) -> list[BoxLine]:
        return []

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        first = int(token or 0)
        last = min(self.count, first + page_size)
        read_at = datetime.now(UTC)
        rows = [
            Product(str(number), f"상품 {number}", "한빛리빙", "승인완료", None, None, read_at, (
                Option(str(number), "500ml 블랙", f"SKU-{number:06d}", f"880{number:010d}", 15_900, 12_900, number % 200, True),))
            for number in range(first, last)
        ]
        return ProductPage(rows, str(last) if last < self.count else None)

    async def stock(self, items: Sequence[Item]) -> dict[str, int]:
        return {}

    async def prices(self, items: Sequence[Item]) -> dict[str, int]:
        return {}

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        return []

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        return []

    async def acknowledge(self, lines: Sequence[LineKey]) -> list[Sent]:
        return []


async def collect(dsn: str, what: str, count: int) -> float:
    """Collect all there is; return seconds."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    market = Crowd(count, now)
    async with a_context(dsn) as (context, _):
        await context.adb()
        began = time.perf_counter()
        if what == "products":
            await collect_pass(context, ACCOUNT, market, lambda: datetime.now(UTC), BATCH, True)
        else:
            for window in windows(market.start, now):
                await collect_window(context, ACCOUNT, market, lambda: datetime.now(UTC), "orders", window)
        return time.perf_counter() - began


def main() -> None:
    """Collect and tell the seconds and the most memory held, in MiB."""
    dsn, what, count = sys.argv[1:]
    seconds = asyncio.run(collect(dsn, what, int(count)))
    print(json.dumps({"seconds": seconds, "peak": peak()}))


def peak() -> float:
    """Return the most memory held so far, in MiB; getrusage would count what the parent held when it started us."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
