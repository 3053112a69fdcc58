"""What only followed a sale is not set back: the goods are gone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from scheduler.handler import GiveUp
from tests.handlers import stock_support
from tests.handlers.stock_support import count, one, open_shop, order, run

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")
LAST = "SELECT run::text FROM erp.pushes ORDER BY id DESC LIMIT 1"


async def test_a_run_that_only_followed_a_sale_has_nothing_to_undo(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10})
    await run(synchronise, database)
    order(connection, "A", 3)
    await run(synchronise, database, only_sold=True)
    assert connection.execute("SELECT former, value, sold FROM erp.pushes").fetchall() == [(10, 7, True)]

    with pytest.raises(GiveUp, match="has nothing to undo: all of it followed sales"):
        await run(synchronise, database, undo=one(connection, LAST))
    assert shop.stock == {"c-A": 7} and one(connection, "SELECT quantity FROM erp.stock") == 7


async def test_of_a_full_run_only_what_was_not_sold_goes_back(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 10, "B": 10})
    await run(synchronise, database)
    order(connection, "A", 3)
    count(connection, B=2)
    await run(synchronise, database)
    await run(synchronise, database, undo=one(connection, LAST))

    assert shop.stock == {"c-A": 7, "c-B": 10}
    assert connection.execute("SELECT sku, quantity FROM erp.stock ORDER BY sku").fetchall() == [("A", 7), ("B", 10)]
    assert connection.execute("SELECT sku, sold, undone_by IS NOT NULL FROM erp.pushes ORDER BY id").fetchall() == [
        ("A", True, False), ("B", False, True), ("B", False, False)]
