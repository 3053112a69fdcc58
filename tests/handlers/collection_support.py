"""Ways to collect orders by a clock of the test's own, to save a window, and to ask what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from handlers.erp import ledger
from handlers.erp.rows import Saved
from handlers.markets.base import Account, BoxLine, Claim, Clock, Orders, Window
from handlers.order_collection import collect_orders
from scheduler.handler import Context
from tests.handlers.support import a_context

SHOP = Account("coupang", "default", "http://unused", {})
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
WATERMARK = "SELECT reached_at FROM erp.watermarks"
GAPS = "SELECT count(*) FROM erp.collection_gaps"


async def collect(database: str, *, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    async with a_context(database, **more) as (context, _):
        return await collect_orders(context, **(parameters or {}))


@pytest.fixture
def clock_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], None]:
    """Let the collector go by a clock of the test's own instead of the database's."""

    def use(clock: Clock) -> None:
        async def given(context: Context) -> Clock:
            return clock

        monkeypatch.setattr("handlers.order_collection.database_clock", given)

    return use


def without_sku(lines: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Leave out what a receipt of a cancel does not say."""
    return [line[:2] + line[3:] for line in lines]


def count(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


async def keep(database: str, lines: list[BoxLine], claims: list[Claim] | None = None, read_again: Any = ()) -> Saved:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        window = Window(NOON, NOON + 10 * MINUTE)
        return await ledger.save_window(connection, SHOP, "orders", window, Orders(lines, claims or []), read_again, 1)
