"""Collect orders from each market named in the job, window by window, so that no moment is left out or counted twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from handlers import erp
from handlers.markets import database_clock, open_market
from handlers.markets.base import Account, Clock, Market, Orders, Window
from handlers.markets.each import each_account
from handlers.windows import refresh_start, start_of, windows
from scheduler.handler import Context, Field, handler

Step = tuple[str, Window]


@handler("order_collection", timeout="30m", retries=3)
async def collect_orders(
    context: Context,
    days: Annotated[int, Field(ge=1, le=31, description="how far back the first collection goes")] = 1,
    overlap_minutes: Annotated[int, Field(ge=1, le=1440, description="how much of the last window is read again")] = 10,
    refresh_days: Annotated[int, Field(ge=0, le=31, description="how far back open orders are read again")] = 7,
) -> dict[str, Any]:
    """Collect new orders, changes of state, cancels and returns from each market."""
    clock = await database_clock(context)

    async def collect(account: Account) -> dict[str, int]:
        steps = await plan(context, account, clock(), days, timedelta(minutes=overlap_minutes), refresh_days)
        figures: Counter[str] = Counter()
        async with open_market(context, account, clock) as market:
            for number, (kind, window) in enumerate(steps, start=1):
                figures += Counter(await collect_window(context, account, market, clock, kind, window))
                context.progress(number, len(steps), f"{account.label} {window.end.isoformat(timespec='minutes')}")
        return {"windows": len(steps), **{f"orders_{word}": figures[f"orders_{word}"] for word in WORDS}}

    markets = await each_account(context, collect)
    return {"orders": sum(figures["orders_inserted"] for figures in markets.values()), "markets": markets}


WORDS = ("inserted", "updated", "unchanged")


async def plan(
    context: Context, account: Account, now: datetime, days: int, overlap: timedelta, refresh_days: int
) -> list[Step]:
    """Say which windows to read, new time first: from the watermark on, then open orders that are older.

    A job that asks for more days than the ledger reaches back gets those as well.
    """
    connection = await context.adb()
    mark = await erp.watermark(connection, account)
    begin = await erp.earliest(connection, account)
    start = start_of(mark, now, days, overlap)
    steps: list[Step] = [("orders", window) for window in windows(start, now)]
    if mark is not None and begin is not None:
        steps += [("orders", window) for window in windows(now - timedelta(days=days), begin)]
        older = refresh_start(await erp.oldest_open(connection, account), now, refresh_days)
        if older is not None:
            steps += [("refresh", window) for window in windows(older, start)]
    return steps


async def collect_window(
    context: Context, account: Account, market: Market, clock: Clock, kind: str, window: Window
) -> dict[str, int]:
    """Read one window and save it with its line in the ledger; orders that were split are read one by one."""
    connection = await context.adb()
    orders = await market.orders(window)
    known = await erp.live_boxes(connection, account, erp.order_ids(orders))
    read_again = []
    lines = list(orders.lines)
    for order_id in split_orders(orders, known):
        read_at = clock()
        now_there = await market.order(order_id)
        if now_there:
            lines = [line for line in lines if line.order_id != order_id] + now_there
            read_again.append((order_id, sorted({line.box_id for line in now_there}), read_at))
    saved = await erp.save_window(
        connection, account, kind, window, Orders(lines, orders.claims), read_again, context.execution_id
    )
    figures = saved.figures("orders")
    context.count(**figures)
    return figures


def split_orders(orders: Orders, known: dict[str, set[str]]) -> list[str]:
    """Return the orders whose boxes are not those we know: nothing else tells that one box became two."""
    boxes: dict[str, set[str]] = defaultdict(set)
    for line in orders.lines:
        boxes[line.order_id].add(line.box_id)
    return sorted(
        order_id for order_id, found in boxes.items()
        if len(found | known.get(order_id, set())) > 1 and found != known.get(order_id)
    )
