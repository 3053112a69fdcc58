"""A pass can be undone: shops and master get back what they had, less what was ordered since."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from handlers.markets.base import MarketError
from handlers.stock import undo
from scheduler.handler import GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import count, one, open_shop, order, run
from tests.handlers.support import a_context
from tests.handlers.sync_support import BOTH, many, sync

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")


async def test_undoing_restores_what_the_shops_had(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock=many(8, 10)), open_shop(connection, "naver", stock=many(8, 12))
    count(connection, **many(8, 1))
    await sync(database, *BOTH)
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    result = await sync(database, *BOTH, undo=number)

    assert set(coupang.stock.values()) == {10} and set(naver.stock.values()) == {12}
    assert result["undo"] == number and result["stock"] == 16
    assert one(connection, "SELECT count(*) FROM erp.pushes AS a JOIN erp.pushes AS b ON a.undone_by = b.id "
               "WHERE a.former = b.value AND a.value = b.former AND a.item_id = b.item_id") == 16
    assert [sku for sku, _ in coupang.pushed[8:]] == [sku for sku, _ in reversed(coupang.pushed[:8])]
    assert connection.execute("SELECT DISTINCT quantity FROM erp.stock").fetchall() == [(10,)]
    assert one(connection, "SELECT reason FROM erp.stock_moves ORDER BY id DESC LIMIT 1") == "undo"

    again = await sync(database, *BOTH, undo=number)
    assert again["stock"] == 0


async def test_what_was_ordered_since_is_not_given_back(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10})
    count(connection, A=1)
    await sync(database)
    order(connection, "A", 1)
    await sync(database, undo=str(one(connection, "SELECT run FROM erp.pushes")))

    assert shop.stock == {"c-A": 9} and one(connection, "SELECT quantity FROM erp.stock") == 9


async def test_a_count_made_after_the_run_stands(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 10})
    count(connection, A=1)
    await sync(database)
    count(connection, A=6)
    await sync(database, undo=str(one(connection, "SELECT run FROM erp.pushes")))
    assert one(connection, "SELECT quantity FROM erp.stock") == 6


async def test_undoing_can_be_tried_dry_and_for_one_market(database: str, connection: Connection) -> None:
    coupang, naver = open_shop(connection, stock={"A": 10}), open_shop(connection, "naver", stock={"A": 12})
    count(connection, A=1)
    await sync(database, *BOTH)
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    dry = await sync(database, *BOTH, undo=number, dry_run=True)
    assert dry["markets"]["naver"]["diff"] == ["A naver 1 → 12"]
    assert coupang.stock["c-A"] == naver.stock["n-A"] == one(connection, "SELECT quantity FROM erp.stock") == 1

    await sync(database, "naver", undo=number)
    assert (coupang.stock["c-A"], naver.stock["n-A"]) == (1, 12)


async def test_a_retried_undoing_does_only_what_failed(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(3))
    count(connection, **many(3, 1))
    await sync(database)
    shop.stumbles = {"c-SKU-0002": 1}
    number = str(one(connection, "SELECT DISTINCT run FROM erp.pushes"))
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(MarketError, match="1 of 3"):
            await synchronise(context, undo=number)
    del shop.pushed[:]
    await run(synchronise, database, checkpoint=link.checkpoints[-1], attempt=2, undo=number)
    assert shop.pushed == [("c-SKU-0002", 10)] and set(shop.stock.values()) == {10}


@pytest.mark.parametrize("text", ["yesterday", "7f2c8a52-0000-4000-8000-000000000000"])
async def test_an_unknown_run_is_not_tried_again(database: str, connection: Connection, text: str) -> None:
    open_shop(connection, stock={"A": 10})
    with pytest.raises(GiveUp, match="undo: "):
        await sync(database, undo=text)


def test_a_run_has_a_name() -> None:
    with pytest.raises(GiveUp, match="is not a run"):
        undo.run_named("1; DROP TABLE erp.pushes")
