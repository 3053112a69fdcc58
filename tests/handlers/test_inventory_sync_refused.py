"""A shop that is left as it is leaves no quantity behind that was taken over from it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from scheduler.handler import GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import events, one, open_shop, run

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")
SKUS = {f"SKU-{each:04}": 10 for each in range(1, 11)}


async def test_zeros_that_were_read_by_mistake_are_not_taken_over(database: str, connection: Connection) -> None:
    coupang = open_shop(connection, stock=SKUS)
    open_shop(connection, "naver", stock=dict.fromkeys(SKUS, 0))
    for _ in range(2):
        with pytest.raises(GiveUp, match=r"10 of 10 items .*would go to 0"):
            await run(synchronise, database)
    assert one(connection, "SELECT count(*) FROM erp.stock") == 0
    assert one(connection, "SELECT count(*) FROM erp.stock_moves") == 0
    assert events(connection) == [("stock.refused", "coupang")] and coupang.reads == []

    connection.execute("UPDATE erp.product_options SET stock = 9 WHERE market_code = 'naver'")
    result, _ = await run(synchronise, database)
    assert result["markets"]["coupang"]["adopted"] == 10 and set(coupang.stock.values()) == {9}
    assert events(connection) == []


async def test_the_figures_of_a_refused_account_say_what_was_found(database: str, connection: Connection) -> None:
    open_shop(connection, stock=SKUS)
    open_shop(connection, "naver", stock=dict.fromkeys(SKUS, 0))
    result, _ = await run(synchronise, database, dry_run=True)
    mine = result["markets"]["coupang"]
    assert (mine["checked"], mine["adopted"], mine["pushed"], mine["diff"]) == (10, 10, 0, [])
    assert "would go to 0" in mine["refused"] and events(connection) == []
