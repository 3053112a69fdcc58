"""A pass of the inventory sync over shops in memory, and its figures."""

from __future__ import annotations

from typing import Any

from handlers.inventory_sync import synchronise
from tests.handlers.stock_support import run

BOTH = ("coupang", "naver")
PUSHES = "SELECT item_id, former, value, ok FROM erp.pushes ORDER BY id"


def figures(result: dict[str, Any], label: str = "coupang") -> tuple[int, int, int]:
    """Return how many items of a shop differed, were set, and could not be set."""
    mine = result["markets"][label]
    return mine["differing"], mine["pushed"], mine["failed"]


async def sync(database: str, *markets: str, **more: Any) -> dict[str, Any]:
    """Run one pass, at Coupang unless told otherwise, and return its result."""
    result, _ = await run(synchronise, database, markets or ("coupang",), **more)
    return result


def many(number: int, value: int = 10) -> dict[str, int]:
    """Return so many SKUs, all with this quantity."""
    return {f"SKU-{each:04}": value for each in range(1, number + 1)}
