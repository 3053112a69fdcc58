"""An order whose time becomes right later counts from then on, and never twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.erp.orders import save_orders
from handlers.markets.base import Account, BoxLine, Claim, Orders
from tests.handlers.stock_support import one

Connection = psycopg.Connection[Any]
ACCOUNT = Account("11st", "default", "http://127.0.0.1:9", {}, 1.0)
NOW = datetime.now(UTC)
COUNTED = NOW - timedelta(hours=2)
MOVES = "SELECT delta, reason, order_id, line_id FROM erp.stock_moves WHERE reason <> 'count' ORDER BY id"
WORTH = """
SELECT 10 - coalesce(sum(item.quantity - item.cancelled_quantity), 0)
  FROM erp.order_items AS item JOIN erp.orders AS made USING (market_code, account, order_id)
 WHERE item.sku = 'A' AND made.ordered_at > %s AND NOT made.known_by_claim
"""


@pytest.fixture
def counted(connection: Connection) -> Connection:
    connection.execute("INSERT INTO erp.stock (sku, quantity, counted_at) VALUES ('A', 10, %s)", (COUNTED,))
    connection.execute(
        "INSERT INTO erp.products (market_code, account, product_id, name, seen_at) VALUES ('11st', 'default', 'p', 'P', now())")
    connection.execute(
        "INSERT INTO erp.product_options (market_code, account, item_id, product_id, sku, name, seen_at) "
        "VALUES ('11st', 'default', 'l', 'p', 'A', '', now())")
    return connection


def a_line(ordered_at: datetime, quantity: int = 3, read: int = 0) -> BoxLine:
    return BoxLine("1", "l", "l", quantity, "paid", "202", ordered_at, NOW + timedelta(minutes=read), sku="A")


def a_claim(quantity: int, completed: bool = True, read: int = 0) -> Claim:
    return Claim("9", "1", "l", "cancel", completed, 3, quantity, NOW, NOW + timedelta(minutes=read))


async def keep(database: str, *rows: BoxLine | Claim) -> None:
    orders = Orders([row for row in rows if isinstance(row, BoxLine)], [row for row in rows if isinstance(row, Claim)])
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as mine, mine.transaction():
        await save_orders(mine, ACCOUNT, orders, [], 1)


async def test_an_order_whose_hour_is_known_later_is_taken_then(database: str, counted: Connection) -> None:
    await keep(database, a_line(COUNTED - timedelta(hours=1)))
    assert one(counted, "SELECT quantity FROM erp.stock") == 10
    for minute in (1, 2):
        await keep(database, a_line(NOW, read=minute))

    assert one(counted, "SELECT quantity, sold_revision > 0 FROM erp.stock") == (7, True)
    assert counted.execute(MOVES).fetchall() == [(-3, "order", "1", "l")]


async def test_an_order_known_by_a_claim_is_taken_when_it_is_read_whole(database: str, counted: Connection) -> None:
    await keep(database, a_claim(1))
    assert one(counted, "SELECT quantity FROM erp.stock") == 10
    await keep(database, a_line(NOW, read=1))
    assert one(counted, "SELECT quantity FROM erp.stock") == 8
    await keep(database, a_line(NOW, quantity=3, read=2), a_claim(3, read=2))
    assert one(counted, "SELECT quantity FROM erp.stock") == 10


async def test_a_time_and_a_quantity_that_change_together_count_once(database: str, counted: Connection) -> None:
    await keep(database, a_line(COUNTED - timedelta(hours=1)))
    await keep(database, a_line(NOW, quantity=5, read=1))
    assert one(counted, "SELECT quantity FROM erp.stock") == 5
    assert one(counted, "SELECT sum(delta) FROM erp.stock_moves WHERE reason <> 'count'") == -5


def test_a_time_that_falls_before_the_count_gives_back(counted: Connection) -> None:
    counted.execute("INSERT INTO erp.orders (market_code, account, order_id, ordered_at, seen_at) "
                    "VALUES ('11st', 'default', '1', now(), now())")
    counted.execute("INSERT INTO erp.order_items (market_code, account, order_id, line_id, sku, quantity, state, changed_at) "
                    "VALUES ('11st', 'default', '1', 'l', 'A', 3, 'paid', now())")
    assert one(counted, "SELECT quantity FROM erp.stock") == 7
    counted.execute("UPDATE erp.orders SET ordered_at = %s", (COUNTED,))
    assert one(counted, "SELECT quantity FROM erp.stock") == 10
    assert counted.execute(MOVES).fetchall()[-1] == (3, "cancel", "1", "l")


STEP = st.one_of(
    st.tuples(st.just("line"), st.sampled_from([-3, -1, 1]), st.integers(1, 5)),
    st.tuples(st.just("claim"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("both"), st.sampled_from([-3, 1]), st.integers(1, 3)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=6))
async def test_the_master_is_what_the_orders_say_in_whatever_order_they_come(
    database: str, counted: Connection, steps: list[Any]
) -> None:
    counted.execute("TRUNCATE erp.orders CASCADE")
    counted.execute("DELETE FROM erp.stock")
    counted.execute("INSERT INTO erp.stock (sku, quantity, counted_at) VALUES ('A', 10, %s)", (COUNTED,))
    for read, (kind, first, second) in enumerate(steps):
        hour = COUNTED + timedelta(hours=first)
        if kind == "line":
            await keep(database, a_line(hour, second, read))
        elif kind == "claim":
            await keep(database, a_claim(first, second, read))
        else:
            await keep(database, a_line(hour, 3, read), a_claim(second, True, read))
        assert one(counted, "SELECT quantity - oversold FROM erp.stock") == one(counted, WORTH, COUNTED)
