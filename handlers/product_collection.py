"""Collect the products of each market named in the job, batch by batch; an interrupted pass goes on where it was."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from handlers.erp.products import drop_missing_products, save_products
from handlers.markets import database_clock, open_market
from handlers.markets.base import Account, BadRequest, Clock, Market, Product
from handlers.markets.each import each_account, save, saved
from scheduler.handler import Context, Field, Retry, handler

ENOUGH_SECONDS = 20.0


@handler("product_collection", timeout="60m", retries=3)
async def collect_products(
    context: Context,
    batch_size: Annotated[int, Field(ge=1, le=1000, description="products saved at once")] = 100,
    with_details: Annotated[bool, Field(description="also options, prices and stock")] = True,
) -> dict[str, Any]:
    """Collect products, and with details their options, prices and stock, from each market."""
    clock = await database_clock(context)

    async def collect(account: Account) -> dict[str, int]:
        async with open_market(context, account, clock, "products") as market:
            try:
                return await collect_pass(context, account, market, clock, batch_size, with_details)
            except BadRequest:
                if account.label not in passes(context):
                    raise
            # The market no longer knows the page an earlier attempt had come to: begin anew.
            save(context, passes={**passes(context), account.label: None})
            return await collect_pass(context, account, market, clock, batch_size, with_details)

    markets = await each_account(context, collect)
    return {"products": sum(figures.get("products", 0) for figures in markets.values()), "markets": markets}


def passes(context: Context) -> dict[str, Any]:
    """Return the passes that an earlier attempt did not finish: page and moment of beginning, by account."""
    return {label: entry for label, entry in (saved(context).get("passes") or {}).items() if entry}


async def collect_pass(
    context: Context, account: Account, market: Market, clock: Clock, batch_size: int, with_details: bool
) -> dict[str, int]:
    """Read all pages, saving whenever a batch is full; at the end mark as gone what two passes in a row have not met."""
    unfinished = passes(context).get(account.label) or {}
    token: str | None = unfinished.get("token")
    started = datetime.fromisoformat(unfinished["started"]) if unfinished else clock()
    figures: Counter[str] = Counter(unfinished.get("figures") or {})
    batch: list[Product] = []
    while True:
        page = await market.products(token, batch_size, with_details)
        batch += page.products
        token = page.next_token
        if batch and (len(batch) >= batch_size or token is None):
            figures += await save_batch(context, account, batch)
            batch = []
            context.progress(figures["products"], None, account.label)
        if token is None:
            break
        if not batch:
            entry = {"token": token, "started": started.isoformat(), "figures": dict(figures)}
            save(context, passes={**passes(context), account.label: entry})
            if context.seconds_left < ENOUGH_SECONDS:
                raise Retry(f"{account.label}: time is nearly over; the next attempt goes on", after=1)
    connection = await context.adb()
    figures["products_gone"] = await drop_missing_products(connection, account, started)
    return dict(figures)


async def save_batch(context: Context, account: Account, batch: list[Product]) -> Counter[str]:
    """Save a batch and return its figures."""
    outcome = await save_products(await context.adb(), account, batch, context.execution_id)
    figures = outcome.figures("products")
    options = sum(len(product.options or ()) for product in batch)
    context.count(**figures, options=options)
    return Counter({**figures, "products": len(batch), "options": options})
