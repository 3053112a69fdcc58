"""Shops are made equal to the master, and what was sold goes first."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.handlers import stock_support
from tests.handlers.stock_support import cancel, count, list_item, one, open_shop, order
from tests.handlers.sync_support import BOTH, PUSHES, figures, many, sync

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")


async def test_a_sale_at_one_shop_lowers_the_other(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock={"A": 17}), open_shop(connection, "naver", stock={"A": 17})
    await sync(database, *BOTH)
    order(connection, "A", 1)
    coupang.stock["c-A"] = 16
    result = await sync(database, *BOTH)

    assert (coupang.stock, naver.stock) == ({"c-A": 16}, {"n-A": 16})
    assert (coupang.pushed, naver.pushed) == ([], [("n-A", 16)])
    assert result["markets"]["naver"]["sold_first"] == 1 and figures(result) == (0, 0, 0)
    assert connection.execute(PUSHES).fetchall() == [("n-A", 17, 16, True)]
    assert connection.execute("SELECT stock FROM erp.product_options").fetchall() == [(16,), (16,)]


async def test_a_second_run_asks_the_shops_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(20))
    count(connection, **many(20, 7))
    await sync(database)
    shop.reads.clear()
    result = await sync(database)

    assert shop.reads == [] and result["stock"] == 0 and result["markets"]["coupang"]["checked"] == 20


async def test_a_cancel_goes_back_to_the_shops_at_the_next_full_run(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10})
    await sync(database)
    order(connection, "A", 4)
    await sync(database, only_sold=True)
    cancel(connection, "A", 4)
    await sync(database)
    assert shop.stock == {"c-A": 10}


async def test_an_item_that_is_new_at_a_shop_gets_the_master(database: str, connection: Connection) -> None:
    naver = open_shop(connection, "naver", stock={"A": 1})
    count(connection, A=8, B=6)
    list_item(connection, "naver", "B")
    naver.stock["n-B"] = 999
    await sync(database, "naver")
    assert naver.stock == {"n-A": 8, "n-B": 6}


# -- taking over


async def test_an_unknown_sku_is_taken_over_with_the_lowest_stock_of_any_shop(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 9, "B": 3})
    naver = open_shop(connection, "naver", stock={"A": 5, "B": 4})
    result = await sync(database)

    assert connection.execute("SELECT sku, quantity, adopted FROM erp.stock ORDER BY sku").fetchall() == [
        ("A", 5, True), ("B", 3, True)]
    assert result["markets"]["coupang"]["adopted"] == 2 and figures(result) == (1, 1, 0)
    assert naver.pushed == []
    assert connection.execute("SELECT DISTINCT reason FROM erp.stock_moves").fetchall() == [("adopt",)]


async def test_what_was_ordered_since_the_shops_were_read_is_taken_off(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 9})
    connection.execute("UPDATE erp.product_options SET seen_at = now() - interval '1 hour'")
    order(connection, "A", 2, ago="10 minutes")
    shop.stock["c-A"] = 7
    await sync(database)

    assert one(connection, "SELECT quantity FROM erp.stock") == 7 and shop.pushed == []


async def test_nothing_is_taken_over_where_that_is_not_wanted(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 9, "B": 2})
    count(connection, A=4)
    result = await sync(database, adopt=False)

    assert shop.pushed == [("c-A", 4)] and result["markets"]["coupang"]["without_master"] == 1


# -- buffer and order


@pytest.mark.parametrize(("own", "expected"), [(None, 7), (0, 10), (4, 6), (20, 0)])
async def test_the_buffer_is_kept_back(database: str, connection: Connection, own: int | None, expected: int) -> None:
    shop = open_shop(connection, stock={"A": 99})
    connection.execute("INSERT INTO erp.stock (sku, quantity, buffer) VALUES ('A', 10, %s)", (own,))
    await sync(database, buffer=3)

    assert shop.stock == {"c-A": expected}


async def test_what_was_sold_goes_first(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(120))
    count(connection, **many(120, 8))
    order(connection, "SKU-0119", 1)
    await sync(database)

    assert shop.pushed[0] == ("c-SKU-0119", 7) and len(shop.pushed) == 120


async def test_only_sold_reads_nothing_else_and_each_shop_on_its_own(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock=many(60)), open_shop(connection, "naver", stock=many(60))
    await sync(database, *BOTH)
    count(connection, **{"SKU-0002": 3})
    order(connection, "SKU-0001", 2)
    await sync(database, "coupang", only_sold=True)
    await sync(database, "naver", only_sold=True)
    await sync(database, *BOTH, only_sold=True)

    assert coupang.reads == [["c-SKU-0001"]] and naver.reads == [["n-SKU-0001"]]
    assert coupang.stock["c-SKU-0001"] == naver.stock["n-SKU-0001"] == 8


async def test_a_sale_while_the_pass_goes_on_is_in_what_is_sent(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(60))
    count(connection, **many(60, 8))

    def sell(verb: str, items: list[str]) -> None:
        if verb == "push" and "c-SKU-0001" in items:
            order(connection, "SKU-0060", 5)

    shop.before = sell
    await sync(database)

    assert ("c-SKU-0060", 3) in shop.pushed and ("c-SKU-0060", 8) not in shop.pushed


async def test_a_shop_that_sold_something_uncollected_is_not_raised_again(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    connection.execute("INSERT INTO erp.watermarks VALUES ('coupang', 'default', 'orders', now() - interval '1 minute')")
    await sync(database)
    shop.stock["c-A"] = 16
    connection.execute("UPDATE erp.product_options SET stock = 16")
    result = await sync(database)
    assert shop.stock["c-A"] == 16 and result["markets"]["coupang"]["waiting"] == 1

    connection.execute("UPDATE erp.watermarks SET reached_at = now() + interval '11 minutes'")
    await sync(database)
    assert shop.stock["c-A"] == 17


async def test_a_new_count_raises_a_shop_at_once(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    connection.execute("INSERT INTO erp.watermarks VALUES ('coupang', 'default', 'orders', now())")
    await sync(database)
    count(connection, A=40)
    await sync(database)

    assert shop.stock["c-A"] == 40
