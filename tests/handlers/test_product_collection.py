"""Products are collected whole, again and again, and an interrupted pass goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from handlers.erp.products import drop_missing_products
from handlers.markets.base import ProductPage
from handlers.markets.coupang import Coupang
from handlers.markets.each import MarketsFailed
from handlers.product_collection import collect_products
from scheduler.handler import GiveUp, Retry
from tests.handlers.support import Shop, a_context, a_shop

MISSED = "SELECT product_id, gone_at IS NOT NULL FROM erp.products WHERE missed_since IS NOT NULL"
ITEMS = "SELECT item_id, product_id, sku, name, price, stock FROM erp.market_items ORDER BY item_id"


async def collect(database: str, *, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    async with a_context(database, **more) as (context, _):
        return await collect_products(context, **(parameters or {}))


def items_of(shop: Shop) -> list[tuple[Any, ...]]:
    """List what the sandbox sells, with what was written to it."""
    return sorted(
        (str(3_000_000_000 + item.number), str(15_000_000_000 + item.product_number), item.sku, item.full_name,
         shop.shop.price(item), shop.shop.stock(item))
        for item in shop.shop.items()
    )


async def test_every_option_of_the_shop_is_an_item(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        result = await collect(database, parameters={"batch_size": 7})

        assert connection.execute(ITEMS).fetchall() == items_of(shop)
    assert result["products"] == 31
    assert result["markets"]["coupang"]["products_inserted"] == 31


async def test_collecting_twice_changes_nothing_and_a_new_price_is_one_change(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        await collect(database)
        same = await collect(database)
        item = shop.shop.item(1)
        assert item is not None
        shop.shop.set_price(item, 13900)
        shop.shop.set_stock(item, 0)
        changed = await collect(database)

        assert connection.execute(ITEMS).fetchall() == items_of(shop)
    assert same["markets"]["coupang"].get("products_updated", 0) == 0
    assert same["markets"]["coupang"]["products_unchanged"] == 31
    assert changed["markets"]["coupang"]["products_updated"] == 1


async def test_without_details_only_the_list_is_read(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        await collect(database, parameters={"with_details": False})

        assert shop.sandbox.requests.total() == shop.calls("/seller-products") == 1
    assert connection.execute("SELECT count(*) FROM erp.products").fetchall() == [(31,)]


async def test_a_list_without_details_keeps_the_details_of_before(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        await collect(database)
        await collect(database, parameters={"with_details": False})

        assert connection.execute(ITEMS).fetchall() == items_of(shop)


async def test_what_the_shop_no_longer_has_leaves_the_items_but_not_the_table(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        await collect(database)
        gone = shop.shop.product(1)
        assert gone is not None
        shop.shop.withdraw(1)
        once = await collect(database)
        result = await collect(database)

    assert once["markets"]["coupang"]["products_gone"] == 0
    left = {row[0] for row in connection.execute(ITEMS).fetchall()}
    assert left.isdisjoint(str(3_000_000_000 + item.number) for item in gone.items)
    assert result["markets"]["coupang"]["products_gone"] == 1
    assert connection.execute("SELECT count(*) FROM erp.products WHERE gone_at IS NOT NULL").fetchall() == [(1,)]


async def test_a_product_that_slips_to_a_page_already_read_is_not_gone(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, slips = Coupang.products, {"15000000001"}

    async def slipping(self: Coupang, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        page = await read(self, token, page_size, with_details)
        return replace(page, products=[product for product in page.products if product.product_id not in slips])

    async def gone() -> int:
        return int((await collect(database))["markets"]["coupang"]["products_gone"])

    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        await collect(database)
        before = connection.execute(ITEMS).fetchall()
        monkeypatch.setattr(Coupang, "products", slipping)
        assert await gone() == 0 and connection.execute(MISSED).fetchall() == [("15000000001", False)]
        assert connection.execute(ITEMS).fetchall() == before
        found, slips = slips, set()
        assert await gone() == 0 and connection.execute(MISSED).fetchall() == []
        slips = found
        assert [await gone() for _ in range(3)] == [0, 1, 0]
        assert connection.execute(MISSED).fetchall() == [("15000000001", True)]
        slips = set()
        assert await gone() == 0
        assert connection.execute(ITEMS).fetchall() == before


async def test_the_end_of_one_pass_counts_once_however_often_it_is_reached(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        await collect(database)
        started = datetime.now(UTC)
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
            assert [await drop_missing_products(other, shop.account(), started) for _ in range(2)] == [0, 0]


async def test_an_interrupted_pass_goes_on_at_its_page(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        shop.fault("503", 3, path="nextToken=3")
        async with a_context(database) as (context, link):
            with pytest.raises(MarketsFailed):
                await collect_products(context, batch_size=10)
        assert connection.execute("SELECT count(*) FROM erp.products").fetchall() == [(20,)]
        shop.sandbox.requests.clear()
        result = await collect(database, parameters={"batch_size": 10}, checkpoint=link.checkpoints[-1], attempt=2)

        assert shop.calls("/seller-products") == 2
        assert connection.execute(ITEMS).fetchall() == items_of(shop)
    assert result["products"] == 31
    assert result["markets"]["coupang"].get("products_gone", 0) == 0


async def test_a_page_the_market_has_forgotten_makes_the_pass_begin_anew(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    stale = {"passes": {"coupang": {"token": "forgotten", "started": "2026-03-09T00:00:00+00:00", "figures": {}}}}
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        result = await collect(database, checkpoint=stale, attempt=2)

    assert result["products"] == 31


async def test_when_time_is_nearly_over_the_next_attempt_goes_on(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        async with a_context(database, seconds=5) as (context, link):
            with pytest.raises(Retry, match="nearly over"):
                await collect_products(context, batch_size=10)

    assert link.checkpoints[-1]["passes"]["coupang"]["token"] == "2"


async def test_the_markets_of_the_printed_statement_fail_one_by_one(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.stand(shop.now())
        shop.open_account(connection)
        with pytest.raises(GiveUp, match=r"naver: market_accounts has no enabled account.*done: coupang"):
            await collect(database, markets=["coupang", "naver"])

        assert connection.execute(ITEMS).fetchall() == items_of(shop)
