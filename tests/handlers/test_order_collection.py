"""What a collection of orders holds, and what the failure of one market does to it and to the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from handlers.markets import no_account
from handlers.markets.base import Clock
from handlers.markets.each import MarketsFailed
from handlers.order_collection import collect_orders
from handlers.sandbox.coupang_orders import first_order, item_id
from scheduler.handler import GiveUp, Retry
from tests.handlers import collection_support
from tests.handlers.collection_support import GAPS, MINUTE, WATERMARK, collect, count, without_sku
from tests.handlers.support import Shop, a_context, a_shop, order_lines, truth

clock_of = collection_support.clock_of


async def test_the_first_collection_holds_what_the_market_holds(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        now = shop.stand(shop.start + 60 * MINUTE)
        result = await collect(database)

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))
        assert result["orders"] == len({line[0] for line in truth(shop)}) > 100
        assert count(connection, WATERMARK) == now


async def test_collecting_twice_changes_no_row(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    everything = "SELECT * FROM erp.order_lines ORDER BY order_id, line_id"
    with a_shop() as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + 60 * MINUTE)
        await collect(database)
        before = connection.execute(everything).fetchall()
        result = await collect(database)

    assert connection.execute(everything).fetchall() == before
    assert result["markets"]["coupang"]["orders_inserted"] == result["markets"]["coupang"]["orders_updated"] == 0
    assert result["markets"]["coupang"]["orders_unchanged"] > 0


async def test_later_collections_follow_states_cancels_returns_and_split_boxes(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        for minutes in (1, 4, 9, 15, 30, 45, 60):
            shop.stand(shop.start + minutes * MINUTE)
            await collect(database, parameters={"overlap_minutes": 1})
            assert without_sku(order_lines(connection)) == without_sku(truth(shop)), f"after {minutes} minutes"

    assert count(connection, "SELECT count(*) FROM erp.order_boxes WHERE retired_at IS NOT NULL") > 0
    assert count(connection, "SELECT count(*) FROM erp.order_lines WHERE state = 'cancelled'") > 0
    assert count(connection, "SELECT count(*) FROM erp.order_lines WHERE state = 'returned'") > 0
    assert count(connection, "SELECT count(*) FROM erp.order_lines WHERE state = 'paid'") > 0
    assert count(connection, GAPS) == 0


async def test_an_order_cancelled_between_two_polls_is_known_from_the_list_of_cancels(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        made = shop.shop.stream.between(shop.start, shop.start + 60 * MINUTE)
        cancelled = next(order for order in made if order.fate == "cancel")
        shop.stand(cancelled.fate_at + MINUTE)
        await collect(database)

    found = [line for line in order_lines(connection) if line[0] == str(first_order(7) + cancelled.number)]
    assert {(line[1], line[3], line[4], line[5]) for line in found} == {
        (str(item_id(line)), line.quantity, line.quantity, "cancelled") for line in cancelled.lines
    }


async def test_nothing_about_a_buyer_is_stored_or_logged(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        async with a_context(database) as (context, link):
            await collect_orders(context)
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'erp'").fetchall()
    stored = [
        str(connection.execute(f"SELECT * FROM erp.{table}".encode()).fetchall()) for (table,) in tables
    ]

    assert any("31000070" in text for text in stored)
    assert not any(word in f"{stored}{link.lines}{link.progress}" for word in ("홍시험", "0502-000", "시험로"))


async def test_two_shops_of_one_market_are_kept_apart(database: str, connection: psycopg.Connection[Any]) -> None:
    def markets(shop: Shop, name: str) -> None:
        shop.open_account(connection, account=name)

    with a_shop() as one, a_shop(seed=8) as other:
        markets(one, "default")
        markets(other, "second")
        result = await collect(database, markets=[])

    assert set(result["markets"]) == {"coupang", "coupang/second"}
    counted = dict(connection.execute("SELECT account, count(*) FROM erp.orders GROUP BY account").fetchall())
    assert counted == {
        "default": result["markets"]["coupang"]["orders_inserted"],
        "second": result["markets"]["coupang/second"]["orders_inserted"],
    }


# -- failures of one market


async def test_a_market_that_cannot_be_done_does_not_undo_the_others_and_only_it_is_tried_again(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        async with a_context(database, ["naver", "coupang"]) as (context, link):
            with pytest.raises(GiveUp, match=r"naver: .*\(done: coupang\)"):
                await collect_orders(context)
        assert len(order_lines(connection)) > 100
        calls = shop.sandbox.requests.total()
        with pytest.raises(GiveUp, match="naver"):
            await collect(database, markets=["naver", "coupang"], checkpoint=link.checkpoints[-1], attempt=2)

        assert shop.sandbox.requests.total() == calls


async def test_a_market_without_account_is_told_the_statement_that_helps(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with pytest.raises(GiveUp) as failure:
        await collect(database)

    assert no_account("coupang") in str(failure.value)
    statement = str(failure.value).partition("type: ")[2].partition(";")[0]
    connection.execute(statement.encode())
    assert connection.execute("SELECT market_code, account, enabled FROM market_accounts").fetchall() == [
        ("coupang", "default", True)
    ]


@pytest.mark.parametrize(("kind", "more"), [
    ("429", {"retry_after": 0}), ("503", {}), ("reset", {}), ("truncate", {}), ("expired", {}), ("v4_money", {}),
])
async def test_a_passing_fault_leaves_no_trace(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None], kind: str, more: dict[str, Any]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + 20 * MINUTE)
        shop.fault(kind, 1, path="status=INSTRUCT", **more)
        await collect(database)

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))


@pytest.mark.parametrize(("kind", "attempt", "least"), [("429", 1, 60), ("429", 3, 240), ("html403", 1, 300)])
async def test_a_market_that_wants_a_pause_is_left_alone_longer_each_time(
    database: str, connection: psycopg.Connection[Any], kind: str, attempt: int, least: float
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        shop.fault(kind, 5)
        with pytest.raises(Retry, match="coupang") as failure:
            await collect(database, attempt=attempt)

        assert failure.value.after == least
        assert shop.sandbox.requests.total() == 1
    assert count(connection, "SELECT count(*) FROM erp.watermarks") == 0


async def test_a_market_that_stays_away_is_a_failed_attempt_that_names_it(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        shop.fault("503", 100)
        with pytest.raises(MarketsFailed, match=r"coupang: HTTP 503 \(done: none\)"):
            await collect(database)

        assert shop.sandbox.requests.total() == 3


async def test_wrong_keys_are_not_tried_again_and_not_repeated(database: str, connection: psycopg.Connection[Any]) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        shop.market.state.content["keys"]["secret_key"] = "another"
        async with a_context(database) as (context, link):
            with pytest.raises(GiveUp, match="Invalid signature") as failure:
                await collect_orders(context)

        assert shop.sandbox.requests.total() == 1
    assert "test-secret-key" not in f"{failure.value}{link.lines}"
