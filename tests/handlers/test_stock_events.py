"""A fact is told once for as long as it holds."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from handlers.events import clear_event, raise_event
from tests.handlers.stock_support import events, one

Connection = psycopg.Connection[Any]


async def test_an_event_is_open_once_cleared_once_and_may_come_again(database: str, connection: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as mine:
        async def tell(en: str) -> bool:
            return await raise_event(mine, "orders.gap", "coupang", ko="빈 구간", en=en, market_code="coupang",
                                     details={"gaps": 1}, execution_id=7)

        assert [await tell("one hole"), await tell("two holes")] == [True, False]
        assert one(connection, "SELECT ko, en, details, execution_id FROM erp.events") == ("빈 구간", "two holes", {"gaps": 1}, 7)
        assert [await clear_event(mine, "orders.gap", "coupang") for _ in range(2)] == [True, False]
        assert events(connection) == []
        assert await tell("another") and events(connection) == [("orders.gap", "coupang")]


async def test_an_unknown_kind_is_refused(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as mine:
        with pytest.raises(psycopg.errors.CheckViolation):
            await raise_event(mine, "stock.odd", "A", ko="-", en="-")


def test_every_table_column_and_function_of_ours_is_described(connection: Connection) -> None:
    assert connection.execute(
        "SELECT class.relname, attname FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid "
        "WHERE relnamespace = 'erp'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped "
        "AND (coalesce(col_description(class.oid, attnum), '') NOT LIKE E'%\\n%' "
        "     OR obj_description(class.oid, 'pg_class') IS NULL)").fetchall() == []
    assert connection.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'erp'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL"
    ).fetchall() == []
