"""A market that somebody adds: one class, one entry point, no file of ours edited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import psycopg
import pytest

from handlers.markets import find_client, no_client
from handlers.markets.base import BoxLine, Item, LineKey, Orders, ProductPage, Push, Sent, State, Window
from handlers.order_collection import collect_orders
from scheduler.handler import GiveUp
from tests.handlers.support import a_context, order_lines

NOON = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)


class Corner:
    """The shop at the corner: one order, nothing else."""

    splits: ClassVar[bool] = False
    open_states: ClassVar[tuple[State, ...]] = ()

    def __init__(self, *given: Any) -> None:
        self.given = given

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def orders(self, window: Window) -> Orders:
        return Orders([BoxLine("1", "1", "1", 2, "paid", "new", NOON, NOON, sku="A")], [])

    async def changes(self, window: Window) -> Orders:
        return Orders([], [])

    async def order(self, order_id: str) -> list[BoxLine]:
        return []

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        return ProductPage([], None)

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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package with the entry point on the path, as an installation would."""
    info = tmp_path / "corner-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corner\nVersion: 1\n", encoding="utf-8")
    entry = "[erp_scheduler.markets]\ncorner = tests.handlers.test_own_market:Corner\n"
    (info / "entry_points.txt").write_text(entry, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


async def test_orders_of_an_added_market_are_collected(
    installed: None, database: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(
        "INSERT INTO market_accounts (market_code, base_url, credentials) VALUES ('corner', 'https://corner.test', '{}')")
    async with a_context(database, ["corner"]) as (context, _):
        result = await collect_orders(context)

    assert result["orders"] == 1
    assert order_lines(connection) == [("1", "1", "A", 2, 0, "paid")]


async def test_a_market_without_a_client_is_named_with_those_that_have_one(installed: None, database: str) -> None:
    assert find_client("coupang") is not None and find_client("korner") is None
    assert "11st, corner, coupang, naver" in no_client("korner")
    async with a_context(database, ["korner"]) as (context, _):
        with pytest.raises(GiveUp, match="korner: this release has no client"):
            await collect_orders(context)
