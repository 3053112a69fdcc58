"""Shops in memory that implement the verbs of Market, and the rows that go with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import psycopg
import pytest

from handlers.markets import CLIENTS
from handlers.markets.base import (
    Account,
    BoxLine,
    Budget,
    Clock,
    Item,
    LineKey,
    MarketDown,
    Orders,
    ProductPage,
    Push,
    Sent,
    Window,
)
from tests.handlers.support import a_context

Connection = psycopg.Connection[Any]


@dataclass
class FakeShop:
    """What a shop shows, what was asked of it, and how it misbehaves.

    refuses    items it says no to for good, with its words
    stumbles   how often it fails to set an item before it does
    before     called with each call before it is answered: "read" or "push", and the items
    """

    stock: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    stumbles: dict[str, int] = field(default_factory=dict)
    before: Callable[[str, list[str]], None] = lambda verb, items: None
    reads: list[list[str]] = field(default_factory=list)
    pushed: list[tuple[str, int]] = field(default_factory=list)
    down: bool = False


SHOPS: dict[str, FakeShop] = {}


class FakeMarket:
    """A client whose shop lies in SHOPS, by the account's label."""

    def __init__(self, account: Account, secret: Callable[[str], str], now: Clock, budget: Budget) -> None:
        self.shop = SHOPS[account.label]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def orders(self, window: Window) -> Orders:
        return Orders([], [])

    async def changes(self, window: Window) -> Orders:
        return Orders([], [])

    async def order(self, order_id: str) -> list[BoxLine]:
        return []

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        return ProductPage([], None)

    async def acknowledge(self, lines: Sequence[LineKey]) -> list[Sent]:
        return [Sent(line.line_id, True) for line in lines]

    async def stock(self, items: Sequence[Item]) -> dict[str, int]:
        return self._read(self.shop.stock, items)

    async def prices(self, items: Sequence[Item]) -> dict[str, int]:
        return self._read(self.shop.prices, items)

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        return self._push(self.shop.stock, pushes)

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        return self._push(self.shop.prices, pushes)

    def _read(self, values: dict[str, int], items: Sequence[Item]) -> dict[str, int]:
        ids = [item.item_id for item in items]
        self.shop.before("read", ids)
        self.shop.reads.append(ids)
        if self.shop.down:
            raise MarketDown("the shop is away")
        return {item_id: values[item_id] for item_id in ids if item_id in values}

    def _push(self, values: dict[str, int], pushes: Sequence[Push]) -> list[Sent]:
        self.shop.before("push", [push.item.item_id for push in pushes])
        return [self._set(values, push) for push in pushes]

    def _set(self, values: dict[str, int], push: Push) -> Sent:
        key = push.item.item_id
        if key in self.shop.refuses:
            return Sent(key, False, self.shop.refuses[key])
        if self.shop.stumbles.get(key, 0) > 0:
            self.shop.stumbles[key] -= 1
            return Sent(key, False, "no answer", again=True)
        values[key] = push.value
        self.shop.pushed.append((key, push.value))
        return Sent(key, True, former=push.former)


@pytest.fixture
def shops(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, FakeShop]]:
    """Give the shops of a test; all markets lead to them."""
    for code in ("coupang", "naver"):
        monkeypatch.setitem(CLIENTS, code, f"{__name__}:FakeMarket")
    SHOPS.clear()
    yield SHOPS
    SHOPS.clear()


def open_shop(
    connection: Connection, market_code: str = "coupang", *, stock: dict[str, int] | None = None,
    prices: dict[str, int] | None = None, catalogue: bool = True,
) -> FakeShop:
    """Open a shop; its items are named by sku, such as ``c-SKU-0001`` at coupang, and known to the catalogue."""
    letter = market_code[0]
    shop = SHOPS[market_code] = FakeShop(
        {f"{letter}-{sku}": value for sku, value in (stock or {}).items()},
        {f"{letter}-{sku}": value for sku, value in (prices or {}).items()})
    connection.execute(
        "INSERT INTO market_accounts (market_code, base_url, credentials) VALUES (%s, 'http://127.0.0.1:9', %s)",
        (market_code, json.dumps({"access_key": "secret://env/ACCESS"})))
    for sku in {**(stock or {}), **(prices or {})} if catalogue else ():
        list_item(connection, market_code, sku, (stock or {}).get(sku), (prices or {}).get(sku))
    return shop


def list_item(
    connection: Connection, market_code: str, sku: str, stock: int | None = None, price: int | None = None
) -> None:
    """Put an item into the catalogue as a collection would."""
    item_id = f"{market_code[0]}-{sku}"
    connection.execute(
        "INSERT INTO erp.products (market_code, account, product_id, name, seen_at) "
        "VALUES (%s, 'default', %s, %s, now()) ON CONFLICT DO NOTHING", (market_code, f"p-{item_id}", sku))
    connection.execute(
        "INSERT INTO erp.product_options (market_code, account, item_id, product_id, sku, name, stock, price, seen_at) "
        "VALUES (%s, 'default', %s, %s, %s, '', %s, %s, clock_timestamp())",
        (market_code, item_id, f"p-{item_id}", sku, stock, price))


def order(
    connection: Connection, sku: str, quantity: int, *, number: str = "1", market_code: str = "coupang", ago: str = "0",
) -> None:
    """Save an order line as a collection would; *ago* is how long ago it was made, an interval."""
    connection.execute(
        "INSERT INTO erp.orders (market_code, account, order_id, ordered_at, seen_at) "
        "VALUES (%s, 'default', %s, clock_timestamp() - %s::interval, now()) ON CONFLICT DO NOTHING",
        (market_code, number, ago))
    connection.execute(
        "INSERT INTO erp.order_items (market_code, account, order_id, line_id, sku, quantity, state, changed_at) "
        "VALUES (%s, 'default', %s, %s, %s, %s, 'paid', now())", (market_code, number, sku, sku, quantity))


def cancel(connection: Connection, sku: str, quantity: int, number: str = "1") -> None:
    connection.execute(
        "UPDATE erp.order_items SET cancelled_quantity = %s WHERE order_id = %s AND line_id = %s", (quantity, number, sku))


def count(connection: Connection, **quantities: int) -> None:
    """Write down counted quantities: ``A=3``."""
    for sku, quantity in quantities.items():
        connection.execute(
            "INSERT INTO erp.stock (sku, quantity) VALUES (%s, %s) "
            "ON CONFLICT (sku) DO UPDATE SET quantity = excluded.quantity", (sku, quantity))


def one(connection: Connection, statement: str, *values: Any) -> Any:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def events(connection: Connection) -> list[tuple[str, str]]:
    """Return the open events."""
    return connection.execute("SELECT kind, subject FROM erp.events WHERE cleared_at IS NULL ORDER BY kind, subject").fetchall()


async def run(
    function: Callable[..., Any], database: str, markets: Sequence[str] = ("coupang",), *, checkpoint: Any = None,
    attempt: int = 1, ends_after: int | None = None, **parameters: Any,
) -> tuple[dict[str, Any], Any]:
    """Run a handler and return its result and its last checkpoint."""
    async with a_context(
        database, list(markets), checkpoint=checkpoint, attempt=attempt, ends_after=ends_after
    ) as (context, link):
        result = await function(context, **parameters)
        return result, link.checkpoints[-1] if link.checkpoints else None
