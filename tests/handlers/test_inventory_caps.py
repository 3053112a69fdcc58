"""A pass that would empty a shop, or change too much of it, is refused; a dry run says so and sets nothing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from scheduler.handler import GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import count, events, one, open_shop, run
from tests.handlers.support import a_context
from tests.handlers.sync_support import BOTH, many, sync

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")


@pytest.mark.parametrize(("zeros", "refused"), [(29, False), (30, False), (31, True)])
async def test_more_than_the_cap_may_not_go_to_nothing(
    database: str, connection: Connection, zeros: int, refused: bool
) -> None:
    shop = open_shop(connection, stock=many(100))
    count(connection, **{sku: 0 if number < zeros else 10 for number, sku in enumerate(many(100))})
    if not refused:
        await sync(database)
        assert list(shop.stock.values()).count(0) == zeros
        return
    with pytest.raises(GiveUp, match=r"31 of 100 items .*max_zero_percent"):
        await sync(database)

    assert shop.reads == [] and one(connection, "SELECT count(*) FROM erp.pushes") == 0
    assert ("stock.refused", "coupang") in events(connection)


async def test_four_items_are_never_too_many(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(4))
    count(connection, **many(4, 0))
    await sync(database)
    assert set(shop.stock.values()) == {0}


async def test_a_refused_shop_does_not_hold_up_the_other_and_the_event_goes_when_it_is_right(
    database: str, connection: Connection
) -> None:
    coupang, naver = open_shop(connection, stock=many(10)), open_shop(connection, "naver", stock=many(3))
    count(connection, **many(10, 0))
    for _ in range(2):
        with pytest.raises(GiveUp, match=r"refused: coupang: .*\(done: naver\)"):
            await sync(database, *BOTH)
    assert set(naver.stock.values()) == {0} and coupang.pushed == []
    assert [event for event in events(connection) if event[0] == "stock.refused"] == [("stock.refused", "coupang")]

    await sync(database, *BOTH, max_zero_percent=100)
    assert set(coupang.stock.values()) == {0}
    assert one(connection, "SELECT count(*), count(cleared_at) FROM erp.events WHERE kind = 'stock.refused'") == (1, 1)


async def test_the_checkpoint_of_a_refused_account_says_so_and_a_retry_looks_again(
    database: str, connection: Connection
) -> None:
    shop = open_shop(connection, stock=many(10))
    count(connection, **many(10, 0))
    async with a_context(database, ["coupang"]) as (context, link):
        with pytest.raises(GiveUp):
            await synchronise(context)
    assert "would go to 0" in link.checkpoints[-1]["done"]["coupang"]["refused"]

    count(connection, **many(10, 9))
    await run(synchronise, database, checkpoint=link.checkpoints[-1], attempt=2)
    assert set(shop.stock.values()) == {9}


async def test_what_the_shop_shows_counts_where_the_catalogue_was_wrong(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(10))
    connection.execute("UPDATE erp.product_options SET stock = 0 WHERE item_id <> 'c-SKU-0010'")
    count(connection, **many(10, 0))
    with pytest.raises(GiveUp, match="would go to 0"):
        await sync(database, check_all=True)
    assert shop.pushed == []


@pytest.mark.parametrize(("catalogue", "master", "words"), [
    (False, True, "the catalogue of the shop is empty"), (True, False, "erp.stock knows none"),
])
async def test_an_empty_feed_changes_nothing(
    database: str, connection: Connection, catalogue: bool, master: bool, words: str
) -> None:
    shop = open_shop(connection, stock=many(10), catalogue=catalogue)
    if master:
        count(connection, **many(10, 1))
    with pytest.raises(GiveUp, match=words):
        await sync(database, adopt=False)
    assert shop.pushed == [] and events(connection) == [("stock.refused", "coupang")]


async def test_too_many_changes_are_refused_where_that_is_asked_for(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock=many(10))
    count(connection, **many(6, 9))
    with pytest.raises(GiveUp, match=r"6 of 10 items \(60.0 %\) would change"):
        await sync(database, max_changed_percent=50)
    assert shop.pushed == []


# -- dry run


async def test_a_dry_run_says_what_would_be_set_and_sets_nothing(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"SKU-0001": 17, "SKU-0002": 4})
    count(connection, **{"SKU-0001": 16})
    async with a_context(database, ["coupang"]) as (context, link):
        result = await synchronise(context, dry_run=True)

    assert result["markets"]["coupang"]["diff"] == ["SKU-0001 coupang 17 → 16"] and result["stock"] == 1
    assert "SKU-0001 coupang 17 → 16" in [fields.get("difference") for _, _, fields in link.lines]
    assert shop.pushed == [] and events(connection) == []
    tables = ("pushes", "stock_checks")
    assert [one(connection, f"SELECT count(*) FROM erp.{table}") for table in tables] == [0, 0]
    assert connection.execute("SELECT sku FROM erp.stock").fetchall() == [("SKU-0001",)]


async def test_a_dry_run_says_that_it_would_be_refused(database: str, connection: Connection) -> None:
    open_shop(connection, stock=many(10))
    count(connection, **many(10, 0))
    result = await sync(database, dry_run=True)
    assert "would go to 0" in result["markets"]["coupang"]["refused"] and events(connection) == []
