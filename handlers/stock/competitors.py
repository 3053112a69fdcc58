"""Where competitors' prices come from: rows that anybody wrote, or a function that a package registers.

A source is an entry point of the group ``erp_scheduler.competitors``: an async function of a context and skus that gives
(sku, price) pairs. What it gives is kept in erp.competitor_prices under its name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib.metadata import entry_points
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.handler import Context, GiveUp

GROUP = "erp_scheduler.competitors"

Source = Callable[[Context, Sequence[str]], Awaitable[Iterable[tuple[str, int]]]]
Connection = psycopg.AsyncConnection[Any]

SOURCES: dict[str, Source] = {}

SAVE = """
INSERT INTO erp.competitor_prices (sku, source, price, seen_at)
SELECT sku, %(source)s, min(price), clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS row (sku text, price bigint)
 WHERE price > 0
 GROUP BY sku ORDER BY sku
    ON CONFLICT (sku, source) DO UPDATE SET price = excluded.price, seen_at = excluded.seen_at
"""
SKUS = """
SELECT DISTINCT sku FROM erp.market_items
 WHERE sku IS NOT NULL AND (cardinality(%(codes)s::text[]) = 0 OR market_code = ANY (%(codes)s))
 ORDER BY sku
"""


def competitor_source(name: str) -> Callable[[Source], Source]:
    """Register a function as the source *name*, for those who bring it in a module of their own."""

    def register(source: Source) -> Source:
        SOURCES[name] = source
        return source

    return register


def find_source(name: str) -> Source:
    """Return the source *name*. Raises GiveUp naming those that are known."""
    if name in SOURCES:
        return SOURCES[name]
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()  # type: ignore[no-any-return]
    known = sorted({*SOURCES, *(entry.name for entry in entry_points(group=GROUP))})
    raise GiveUp(f"competitor_source: there is no source {name!r}; known: {', '.join(known) or 'none'}")


async def ask(context: Context, name: str) -> int:
    """Let the source *name* look at the skus of the job's markets and keep what it finds. Returns how many prices."""
    source = find_source(name)
    connection = await context.adb()
    skus = [row[0] for row in await (await connection.execute(SKUS, {"codes": list(context.market_codes)})).fetchall()]
    rows = [{"sku": sku, "price": int(price)} for sku, price in await source(context, skus)]
    return (await connection.execute(SAVE, {"source": name, "rows": Jsonb(rows)})).rowcount
