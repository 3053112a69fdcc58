"""What is sold while a shop is being made equal is asked for once more, and never without end."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from handlers.markets.base import MarketError
from handlers.sold import ask_for_stock
from scheduler.handler import GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import FakeShop, count, one, open_shop, order, run
from tests.handlers.support import a_context

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")
STOCK = {f"SKU-{each:04}": 10 for each in range(1, 61)}
ASKED = "SELECT job_name, parameters -> 'only_sold' FROM job_executions WHERE status = 'queued' ORDER BY id"


@pytest.fixture(autouse=True)
def _a_job(connection: Connection) -> None:
    connection.execute("INSERT INTO schedule_jobs (name, job_type, market_codes) VALUES ('stock', 'inventory_sync', '{coupang}')")


def sell_at(shop: FakeShop, connection: Connection, sku: str, verb: str = "read", after: int = 0) -> None:
    """Save a sale when the shop is asked and that much was pushed."""
    def sell(asked: str, items: list[str]) -> None:
        if asked == verb and len(shop.pushed) > after and not one(connection, "SELECT count(*) FROM erp.orders"):
            order(connection, sku, 2)

    shop.before = sell


async def test_a_sale_in_the_middle_is_asked_for_once_more(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=STOCK)
    count(connection, **dict.fromkeys(STOCK, 8))
    sell_at(shop, connection, "SKU-0001")
    await run(synchronise, database)
    assert shop.stock["c-SKU-0001"] == 8 and connection.execute(ASKED).fetchall() == [("stock", True)]

    connection.execute("UPDATE job_executions SET status = 'running'")
    await run(synchronise, database, only_sold=True)
    assert shop.stock["c-SKU-0001"] == 6 and connection.execute(ASKED).fetchall() == []


async def test_a_sale_that_the_pass_itself_still_sets_is_not_asked_for(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=STOCK)
    count(connection, **dict.fromkeys(STOCK, 8))
    sell_at(shop, connection, "SKU-0060", "push", after=-1)
    await run(synchronise, database)
    assert shop.stock["c-SKU-0060"] == 6 and connection.execute(ASKED).fetchall() == []


@pytest.mark.parametrize("how", ["refused", "gone", "capped", "dry", "down"])
async def test_what_could_not_be_set_is_not_asked_for_at_once(database: str, connection: Connection, how: str) -> None:
    shop = open_shop(connection, stock=dict.fromkeys(list(STOCK)[:6], 10))
    await run(synchronise, database)
    for number, sku in enumerate(list(STOCK)[:6]):
        order(connection, sku, 10, number=str(number))
    if how == "refused":
        shop.refuses = {f"c-{sku}": "no" for sku in STOCK}
    if how == "gone":
        shop.stock.clear()
    shop.down = how == "down"
    async with a_context(database) as (context, _):
        try:
            await synchronise(context, only_sold=True, dry_run=how == "dry", max_zero_percent=30 if how == "capped" else 100)
        except (GiveUp, MarketError):
            assert how in ("capped", "down")
    assert one(connection, "SELECT count(*) FROM erp.sold_unpushed") == 6
    assert connection.execute(ASKED).fetchall() == []


async def test_one_that_waits_for_its_orders_is_not_asked_for(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10})
    connection.execute("INSERT INTO erp.watermarks VALUES ('coupang', 'default', 'orders', now() - interval '1 minute')")
    await run(synchronise, database)
    order(connection, "A", 1)
    shop.stock["c-A"] = 5
    connection.execute("UPDATE erp.stock_checks SET value = 10, revision = (SELECT revision FROM erp.stock) - 1")
    await run(synchronise, database, only_sold=True)
    assert connection.execute(ASKED).fetchall() == []


async def test_a_failed_item_leaves_the_others_sale_to_be_asked_for(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=STOCK)
    count(connection, **dict.fromkeys(STOCK, 8))
    shop.stumbles = {"c-SKU-0060": 9}
    sell_at(shop, connection, "SKU-0001")
    with pytest.raises(MarketError, match="1 of 60"):
        await run(synchronise, database)
    assert connection.execute(ASKED).fetchall() == [("stock", True)]


async def test_a_market_that_could_not_be_reached_is_not_asked_for_because_another_sold(
    database: str, connection: Connection
) -> None:
    connection.execute("UPDATE schedule_jobs SET market_codes = '{}'")
    connection.execute("INSERT INTO schedule_jobs (name, job_type, market_codes) VALUES ('naver', 'inventory_sync', '{naver}')")
    open_shop(connection, stock={"A": 10})
    naver = open_shop(connection, "naver", stock={"A": 10})
    await run(synchronise, database, ("coupang", "naver"))
    order(connection, "A", 1)
    naver.down = True
    with pytest.raises(MarketError, match="naver"):
        await run(synchronise, database, ("coupang", "naver"), only_sold=True)
    assert connection.execute(ASKED).fetchall() == []


async def test_a_retry_that_goes_on_with_what_was_left_asks_for_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10, "B": 10})
    await run(synchronise, database)
    order(connection, "A", 1)
    order(connection, "B", 1, number="2")
    shop.refuses, shop.stumbles = {"c-A": "no"}, {"c-B": 9}
    checkpoint = None
    for attempt in (1, 2, 3):
        async with a_context(database, checkpoint=checkpoint, attempt=attempt) as (context, link):
            with pytest.raises(MarketError, match="pushes failed"):
                await synchronise(context, only_sold=True)
        checkpoint = link.checkpoints[-1]
    assert connection.execute(ASKED).fetchall() == []


async def test_a_waiting_retry_does_not_stand_for_what_was_sold_since(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 10})
    await run(synchronise, database)
    connection.execute("INSERT INTO job_executions (job_id, attempt) SELECT id, 2 FROM schedule_jobs")
    order(connection, "A", 1)
    async with a_context(database) as (context, _):
        assert [await ask_for_stock(context) for _ in range(2)] == [1, 0]
