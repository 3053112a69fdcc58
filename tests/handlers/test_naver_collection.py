"""Naver from end to end: the handlers, the shared budget and token, the served sandbox, and the tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from handlers.markets.base import Clock
from handlers.order_collection import collect_orders
from handlers.product_collection import collect_products
from handlers.sandbox.naver import Naver
from handlers.sandbox.naver_rows import OPTION, ORIGIN
from scheduler.handler import Skip
from tests.handlers import collection_support
from tests.handlers.support import CREDENTIALS, SECRETS, Shop, a_context, a_shop, order_lines, truth

MINUTE = timedelta(minutes=1)
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
clock_of = collection_support.clock_of
ITEMS = "SELECT item_id, product_id, sku, price, stock FROM erp.market_items ORDER BY item_id"


async def collect(database: str, **parameters: Any) -> dict[str, Any]:
    async with a_context(database, ["naver"]) as (context, _):
        return await collect_orders(context, **parameters)


def items_of(shop: Shop) -> list[tuple[Any, ...]]:
    found = []
    for goods in shop.shop.goods.products():
        product_id = str(ORIGIN + goods.number)
        for item in goods.items:
            number = str(OPTION + item.number) if len(goods.items) > 1 else product_id
            found.append((number, product_id, item.sku, shop.shop.price(item), shop.shop.stock(item)))
    return sorted(found)


async def test_collection_after_collection_the_tables_hold_what_the_shop_holds(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop("naver", late_seconds=20, per_minute=4) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        for minutes in (2, 5, 9, 15, 30, 31, 45, 60):
            shop.stand(shop.start + minutes * MINUTE)
            await collect(database, overlap_minutes=2)
            assert order_lines(connection) == truth(shop), f"after {minutes} minutes"
        states = {line[-1] for line in order_lines(connection)}
        tokens = shop.sandbox.counts.token_calls

    assert states == {"paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged"}
    assert tokens == 1


async def test_a_collection_goes_on_where_a_refused_token_and_a_lost_answer_met_it(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop("naver") as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + 60 * MINUTE)
        for kind in ("expired", "reset", "truncate", "repeat_rows"):
            shop.fault(kind, path="product-orders")
        await collect(database)

        assert order_lines(connection) == truth(shop)
        assert shop.sandbox.counts.token_calls == 2


async def test_a_quota_by_the_hour_keeps_the_next_collection_away_as_well(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop("naver") as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.fault("quota_hours", path="product-orders")
        for _ in range(2):
            with pytest.raises(Skip, match="held: naver"):  # no retry that would stand in the way of other shops for an hour
                await collect(database)
        calls = shop.sandbox.requests.total()

    assert calls == 1


async def test_every_option_of_the_shop_is_an_item(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop("naver") as shop:
        shop.open_account(connection)
        async with a_context(database, ["naver"]) as (context, _):
            await collect_products(context, batch_size=20)
        found = connection.execute(ITEMS).fetchall()

        assert found == items_of(shop)


async def test_neither_secret_nor_token_is_in_any_table_or_line(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop("naver") as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        async with a_context(database, ["naver"]) as (context, link):
            result = await collect_orders(context)
        assert isinstance(shop.market, Naver)
        token = shop.market.gate.issue(time.time()).value
    tables = connection.execute(TABLES).fetchall()
    texts = [repr(link.lines), repr(link.progress), repr(link.checkpoints), repr(result)]
    for (table,) in tables:
        texts += [str(row) for row in connection.execute(f"SELECT t::text FROM {table} AS t")]

    secret = SECRETS[CREDENTIALS["naver"]["client_secret"]]
    hidden = [token, secret, token.encode().hex(), secret.encode().hex()]
    assert shop.sandbox.counts.token_calls == 1
    assert len(tables) > 10
    assert not [text for text in texts if any(word in text for word in hidden)]
