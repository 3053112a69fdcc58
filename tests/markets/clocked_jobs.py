"""Order collection by the shops' own clock, so that an hour of theirs passes in minutes."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import datetime, timedelta
from typing import Any

from handlers import order_collection
from handlers.markets.base import Clock
from scheduler.handler import Context, handler


def shop_clock(url: str) -> Clock:
    """Return a clock that goes with the shop's, asked once."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        said = json.load(answer)
    began, ticks = datetime.fromisoformat(said["now"]), time.monotonic()
    return lambda: began + timedelta(seconds=(time.monotonic() - ticks) * said["speed"])


@handler("clocked_orders", timeout="2m", retries=3)
async def collect(context: Context, clock_url: str, overlap_minutes: int = 11, refresh_days: int = 1) -> dict[str, Any]:
    """Collect orders as order_collection does, but by the shop's clock."""

    async def clock(_: Context) -> Clock:
        return shop_clock(clock_url)

    setattr(order_collection, "database_clock", clock)  # noqa: B010 - the one thing that is not as in a real shop
    return await order_collection.collect_orders(context, overlap_minutes=overlap_minutes, refresh_days=refresh_days)
