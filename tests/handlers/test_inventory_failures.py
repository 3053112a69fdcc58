"""What fails is tried again, alone; nothing is set twice, and all that was tried is on record."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from handlers.markets.base import MarketError
from tests.handlers import stock_support
from tests.handlers.stock_support import FakeShop, count, events, one, open_shop, run
from tests.handlers.support import Cancelled, a_context
from tests.handlers.sync_support import PUSHES, figures, many, sync

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")


async def test_only_what_failed_is_tried_again(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(8))
    count(connection, **many(8, 9))
    shop.stumbles = {"c-SKU-0003": 1}
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(MarketError, match="1 of 8 pushes failed"):
            await synchronise(context)
    shop.reads.clear()
    count(connection, **{"SKU-0001": 5})
    result, left = await run(synchronise, database, checkpoint=link.checkpoints[-1], attempt=2)

    assert shop.reads == [["c-SKU-0003"]] and figures(result) == (1, 1, 0)
    assert left["failed"] == {} and set(shop.stock.values()) == {9}
    counted = one(connection, "SELECT count(DISTINCT run), count(*), count(*) FILTER (WHERE ok IS NULL) FROM erp.pushes")
    assert counted == (1, 9, 1)
    await sync(database)
    assert shop.stock["c-SKU-0001"] == 5


async def test_an_item_the_shop_refuses_is_an_event_and_not_a_failed_execution(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(8))
    count(connection, **many(8, 9))
    shop.refuses = {"c-SKU-0003": "the product is deleted"}
    result = await sync(database)
    assert figures(result) == (8, 7, 1) and events(connection) == [("stock.refused", "coupang/c-SKU-0003")]

    shop.refuses = {}
    await sync(database)
    assert events(connection) == [] and shop.stock["c-SKU-0003"] == 9


async def test_a_shop_that_goes_away_leaves_what_was_done(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(60))
    count(connection, **many(60, 9))

    def leave(verb: str, items: list[str]) -> None:
        shop.down = verb == "read" and bool(shop.pushed)

    shop.before = leave
    with pytest.raises(MarketError, match="away"):
        await sync(database)
    done = len(shop.pushed)
    shop.before = FakeShop().before
    shop.down = False
    await sync(database)

    assert 0 < done < 60 == len(shop.pushed) == len(set(shop.pushed))


async def test_an_interrupted_pass_goes_on_where_it_was(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(60))
    count(connection, **many(60, 9))
    with pytest.raises(Cancelled):
        await sync(database, ends_after=1)
    assert 0 < len(shop.pushed) < 60
    await sync(database)
    assert len(shop.pushed) == len(set(shop.pushed)) == 60


async def test_a_push_without_an_answer_is_on_record(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    count(connection, A=16)

    def die(verb: str, items: list[str]) -> None:
        if verb == "push":
            raise KeyboardInterrupt

    shop.before = die
    with pytest.raises(KeyboardInterrupt):
        await sync(database)
    assert connection.execute(PUSHES).fetchall() == [("c-A", 17, 16, None)]


async def test_an_item_that_is_gone_at_the_shop_is_left_out(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17, "B": 17})
    count(connection, A=16, B=16)
    del shop.stock["c-A"]
    result = await sync(database)
    assert result["markets"]["coupang"]["gone"] == 1 and shop.stock == {"c-B": 16}


async def test_an_older_answer_of_the_catalogue_does_not_overwrite_what_was_set(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 17})
    before = one(connection, "SELECT clock_timestamp()")
    count(connection, A=16)
    await sync(database)
    assert one(connection, "SELECT seen_at > %s FROM erp.product_options", before)
