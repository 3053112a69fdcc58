"""Collect orders from each market named in the job, window by window, so that no moment is left out or counted twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from handlers.erp import ledger, orders
from handlers.markets import database_clock, open_market
from handlers.markets.base import Account, BadRequest, Clock, Market, MarketDown, Orders, Window
from handlers.markets.each import each_account, save, saved
from handlers.markets.gaps import LONGEST_FILL, watch_gaps
from handlers.sold import ask_for_stock
from handlers.windows import KOREA, refresh_start, start_of, windows
from scheduler.handler import Context, Field, GiveUp, handler

WORDS = ("inserted", "updated", "unchanged", "stale")
GAP_SECONDS = 180.0
"""What a window may cost during an outage: once one hole failed, no other is tried with less time left than this."""

Step = tuple[str, Window]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the job asks for.

    start, end  a period given by hand: it alone is read
    """

    days: int
    overlap: timedelta
    refresh_days: int
    start: datetime | None
    end: datetime | None


@handler("order_collection", timeout="30m", retries=3)
async def collect_orders(
    context: Context,
    days: Annotated[int, Field(ge=1, le=31, description="how far back the first collection goes")] = 1,
    overlap_minutes: Annotated[int, Field(ge=1, le=1440, description="how much of the last window is read again")] = 10,
    refresh_days: Annotated[int, Field(ge=0, le=31, description="how far back open orders are read again")] = 7,
    from_: Annotated[datetime | None, Field(description="only this period: its start (Korean time without an offset)")] = None,
    to: Annotated[datetime | None, Field(description="only this period: its end; now when only the start is given")] = None,
    gap_alert_minutes: Annotated[int, Field(ge=1, description="age at which time not collected becomes an event")] = 60,
) -> dict[str, Any]:
    """Collect new orders, changes of state, cancels, returns and exchanges from each market."""
    clock = await database_clock(context)
    start, end = period(from_, to, clock())
    wish = Wish(days, timedelta(minutes=overlap_minutes), refresh_days, start, end)

    async def collect(account: Account) -> dict[str, int]:
        figures: Counter[str] = Counter()
        failed: dict[Window, str] = {}
        try:
            async with open_market(context, account, clock, "orders") as market:
                steps = await plan(context, account, market, clock(), wish)
                for number, (kind, window) in enumerate(steps, start=1):
                    figures += Counter(await collect_step(context, account, market, clock, (kind, window), failed))
                    await ask_for_stock(context)  # before older windows are read: what was sold is waited for elsewhere
                    context.progress(number, len(steps), f"{account.label} {window.end.isoformat(timespec='minutes')}")
        finally:
            await watch_gaps(context, account, clock(), timedelta(minutes=gap_alert_minutes), failed)
        counts = {f"orders_{word}": figures[f"orders_{word}"] for word in WORDS}
        return {"windows": len(steps) - len(failed), **counts, "gap_failed": len(failed)}

    markets = await each_account(context, collect)
    return {"orders": sum(figures.get("orders_inserted", 0) for figures in markets.values()), "markets": markets}


def period(from_: datetime | None, to: datetime | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the period that was given by hand; (None, None) without one. Raises GiveUp for one that makes no sense."""
    if from_ is None:
        if to is not None:
            raise GiveUp("to needs from: give the start of the period as well")
        return None, None
    start, end = (each if each.tzinfo else each.replace(tzinfo=KOREA) for each in (from_, to or now))
    if start >= now:
        raise GiveUp(f"from {start.isoformat()} lies in the future")
    if start >= end:
        raise GiveUp(f"from {start.isoformat()} is not before to {end.isoformat()}")
    return start, min(end, now)


async def plan(context: Context, account: Account, market: Market, now: datetime, wish: Wish) -> list[Step]:
    """Say which windows to read: new time first, then holes, then open orders that are older; or a given period alone.

    A job that asks for more days than the ledger reaches back gets those as well.
    """
    if wish.start is not None and wish.end is not None:
        reached = backfilled(context).get(account.label)
        start = max(wish.start, datetime.fromisoformat(reached)) if reached else wish.start
        return [("backfill", window) for window in windows(start, wish.end)]
    connection = await context.adb()
    mark = await ledger.watermark(connection, account)
    begin = await ledger.earliest(connection, account)
    start = start_of(mark, now, wish.days, wish.overlap)
    steps: list[Step] = [("orders", window) for window in windows(start, now)]
    if mark is not None and begin is not None:
        steps += [("orders", window) for window in windows(now - timedelta(days=wish.days), begin)]
        oldest = await ledger.oldest_open(connection, account, market.open_states)
        older = refresh_start(oldest, now, wish.refresh_days)
        if older is not None:
            steps += [("refresh", window) for window in windows(older, start)]
        for gap in await ledger.gaps(connection, account, now - LONGEST_FILL):  # last: one that cannot be read stops nothing else
            steps += [("gap", window) for window in windows(gap.start, min(gap.end, start))]
    return steps


def backfilled(context: Context) -> dict[str, str]:
    """Return how far an earlier attempt has read a given period, by account."""
    return dict(saved(context).get("reached") or {})


def note_reached(context: Context, account: Account, kind: str, window: Window) -> None:
    """Keep how far a given period was read, so that another attempt goes on from there."""
    if kind == "backfill":
        save(context, reached={**backfilled(context), account.label: window.end.isoformat()})


async def collect_step(
    context: Context, account: Account, market: Market, clock: Clock, step: Step, failed: dict[Window, str]
) -> dict[str, int]:
    """Read one window. A hole that cannot be read is noted in *failed*: what was collected stands, a later execution tries again.

    What keeps the whole account away (a pause, maintenance, wrong keys) is raised for a hole as well.
    """
    kind, window = step
    try:
        if kind == "gap" and failed and context.seconds_left < GAP_SECONDS:
            raise MarketDown(f"{account.label}: not tried, the execution's time is nearly over")
        figures = await collect_window(context, account, market, clock, kind, window)
    except (BadRequest, MarketDown) as error:
        if kind != "gap":
            raise
        failed[window] = str(error)
        context.log.warning(
            "orders.gap_failed", market=account.label, start=window.start.isoformat(), end=window.end.isoformat(),
            error=str(error),
        )
        return {}
    note_reached(context, account, kind, window)
    return figures


async def collect_window(
    context: Context, account: Account, market: Market, clock: Clock, kind: str, window: Window
) -> dict[str, int]:
    """Read one window and save it with its line in the ledger; orders that were split are read one by one."""
    connection = await context.adb()
    made, changed = await market.orders(window), await market.changes(window)
    found = Orders([*made.lines, *changed.lines], [*made.claims, *changed.claims])
    read_again: list[tuple[str, list[str], datetime]] = []
    if market.splits:
        known = await orders.live_boxes(connection, account, orders.order_ids(found))
        found, read_again = await read_split_orders(market, clock, found, known)
    else:
        found = replace(found, lines=[replace(line, box_id=line.line_id) for line in found.lines])
    stored = await ledger.save_window(connection, account, kind, window, found, read_again, context.execution_id)
    figures = stored.figures("orders")
    context.count(**figures)
    return figures


async def read_split_orders(
    market: Market, clock: Clock, found: Orders, known: dict[str, set[str]]
) -> tuple[Orders, list[tuple[str, list[str], datetime]]]:
    """Read orders whose boxes changed one by one; give all lines, and which boxes each of these orders now has."""
    lines = list(found.lines)
    read_again = []
    for order_id in split_orders(found, known):
        read_at = clock()
        now_there = await market.order(order_id)
        if now_there:
            lines = [line for line in lines if line.order_id != order_id] + now_there
            read_again.append((order_id, sorted({line.box_id for line in now_there}), read_at))
    return Orders(lines, found.claims), read_again


def split_orders(found: Orders, known: dict[str, set[str]]) -> list[str]:
    """Return the orders whose boxes are not those we know: nothing else tells that one box became two."""
    boxes: dict[str, set[str]] = defaultdict(set)
    for line in found.lines:
        boxes[line.order_id].add(line.box_id)
    return sorted(
        order_id for order_id, there in boxes.items()
        if len(there | known.get(order_id, set())) > 1 and there != known.get(order_id)
    )
