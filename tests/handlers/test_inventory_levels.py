"""Sold out and low are told once and cleared."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.handlers import stock_support
from tests.handlers.stock_support import count, events, one, open_shop
from tests.handlers.sync_support import sync

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")


async def test_sold_out_and_low_are_told_once_and_cleared(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 5, "B": 5, "C": 50})
    count(connection, A=0, B=3, C=40)
    for _ in range(2):
        await sync(database)
    assert events(connection) == [("stock.low", "B"), ("stock.sold_out", "A")]
    assert one(connection, "SELECT count(*) FROM erp.events") == 2
    assert one(connection, "SELECT ko, en FROM erp.events WHERE subject = 'B'") == (
        "B: 재고가 3개 남았습니다 (기준 5개)", "B: 3 left (low at 5)")

    count(connection, A=2, B=0, C=6)
    connection.execute("UPDATE erp.stock SET low_at = 10 WHERE sku = 'C'")
    await sync(database)
    assert events(connection) == [("stock.low", "A"), ("stock.low", "C"), ("stock.sold_out", "B")]
