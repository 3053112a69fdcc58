"""Orders are collected without a hole: windows, the watermark, given periods, and holes that fill."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from handlers.erp import ledger
from handlers.markets.base import Clock, Orders, Window
from handlers.markets.each import MarketsFailed
from handlers.markets.gaps import watch_gaps
from handlers.order_collection import collect_orders
from scheduler.handler import GiveUp
from tests.handlers import collection_support
from tests.handlers.collection_support import GAPS, MINUTE, NOON, SHOP, WATERMARK, collect, count, keep, without_sku
from tests.handlers.support import Cancelled, a_context, a_shop, order_lines, truth

clock_of = collection_support.clock_of


async def test_windows_go_on_from_the_watermark_however_long_the_pause_was(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop(history=timedelta(days=4), per_minute=0.05) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        first = shop.stand(shop.start + timedelta(hours=2))
        await collect(database)
        last = shop.stand(shop.start + timedelta(days=3, hours=5))
        await collect(database)

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))
    spans = connection.execute(
        "SELECT from_at, to_at FROM erp.collection_windows WHERE kind = 'orders' AND from_at >= %s ORDER BY from_at",
        (first - 11 * MINUTE,),
    ).fetchall()
    assert spans[0][0] == (first - 10 * MINUTE).replace(second=0, microsecond=0)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
    assert spans[-1][1] == last == count(connection, WATERMARK)
    assert count(connection, GAPS) == 0
    connection.execute("DELETE FROM erp.collection_windows WHERE from_at = %s", (spans[1][0],))
    assert connection.execute("SELECT from_at, to_at FROM erp.collection_gaps").fetchall() == [spans[1]]


async def test_the_overlap_finds_orders_that_the_market_showed_late(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        now = shop.start + 30 * MINUTE
        clock_of(lambda: now)
        shop.stand(now - 6 * MINUTE)
        await collect(database)
        assert count(connection, WATERMARK) == now
        shop.stand(now)
        assert len(order_lines(connection)) < len(truth(shop))
        clock_of(shop.now)
        shop.stand(now + MINUTE)
        await collect(database)

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))


@pytest.mark.parametrize("ends_after", [1, 2, 3, 5])
async def test_killed_between_two_windows_it_goes_on_without_hole_or_double(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None], ends_after: int
) -> None:
    with a_shop(history=timedelta(days=3), per_minute=0.1) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + timedelta(days=2, hours=20))
        with pytest.raises(Cancelled):
            await collect(database, parameters={"days": 3}, ends_after=ends_after)
        assert count(connection, WATERMARK) == count(connection, "SELECT max(to_at) FROM erp.collection_windows")
        await collect(database, parameters={"days": 3}, attempt=2)

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))
    assert count(connection, GAPS) == 0


async def test_a_window_is_saved_with_its_ledger_line_and_watermark_or_not_at_all(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_shop() as shop:
        shop.open_account(connection)
        monkeypatch.setattr(ledger, "MOVE_WATERMARK", "SELECT 1 / 0")
        with pytest.raises(psycopg.errors.DivisionByZero):
            await collect(database)

    assert count(connection, "SELECT count(*) FROM erp.collection_windows") == 0
    assert count(connection, "SELECT count(*) FROM erp.orders") == 0


async def test_a_job_that_asks_for_more_days_gets_what_lies_before_the_ledger(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop(history=timedelta(days=5), per_minute=0.05) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + timedelta(days=4))
        await collect(database, parameters={"days": 1})
        assert len(order_lines(connection)) < len(truth(shop))
        await collect(database, parameters={"days": 5})

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))
    assert count(connection, GAPS) == 0


async def test_the_watermark_does_not_jump_over_time_that_was_not_collected(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    await keep(database, [])
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
        later = Window(NOON + 20 * MINUTE, NOON + 30 * MINUTE)
        await ledger.save_window(other, SHOP, "orders", later, Orders([], []), (), 1)

    assert count(connection, WATERMARK) == NOON + 10 * MINUTE
    assert connection.execute("SELECT from_at, to_at FROM erp.collection_gaps").fetchall() == [
        (NOON + 10 * MINUTE, NOON + 20 * MINUTE)
    ]


# -- a given period, and holes


async def test_a_given_period_alone_is_read_and_leaves_the_watermark(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop(history=timedelta(days=4), per_minute=0.05) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + timedelta(days=4))
        start, end = shop.start + timedelta(days=1), shop.start + timedelta(days=2, hours=3)
        await collect(database, parameters={"from_": start, "to": end})

        made = [(line["order_id"], datetime.fromisoformat(str(line["ordered_at"]))) for line in shop.market.truth()]
    wanted = {order_id for order_id, ordered_at in made if start <= ordered_at < end}
    found = {line[0] for line in order_lines(connection)}
    assert wanted and wanted <= found
    assert len(found) < 3 * len(wanted)
    assert connection.execute("SELECT DISTINCT kind FROM erp.collection_windows").fetchall() == [("backfill",)]
    assert count(connection, "SELECT count(*) FROM erp.watermarks") == count(connection, GAPS) == 0


async def test_another_attempt_at_a_given_period_goes_on_where_it_was(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop(history=timedelta(days=4), per_minute=0.05) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + timedelta(days=4))
        given = {"from_": shop.start, "to": shop.start + timedelta(days=3)}
        async with a_context(database, ends_after=2) as (context, link):
            with pytest.raises(Cancelled):
                await collect_orders(context, **given)
        done = count(connection, "SELECT count(*) FROM erp.collection_windows")
        await collect(database, parameters=given, checkpoint=link.checkpoints[-1], attempt=2)

    spans = connection.execute("SELECT from_at, to_at FROM erp.collection_windows ORDER BY id").fetchall()
    assert 0 < done < len(spans)
    assert spans[done][0] in spans[done - 1]  # the last one again when the end came between its saving and its noting


@pytest.mark.parametrize(("given", "words"), [
    ({"to": NOON}, "to needs from"), ({"from_": NOON, "to": NOON}, "not before"),
    ({"from_": datetime(2999, 1, 1)}, "lies in the future"),
])
async def test_a_period_that_makes_no_sense_is_refused(database: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(GiveUp, match=words):
        await collect(database, parameters=given)


async def test_a_hole_fills_itself_and_an_old_one_that_stays_is_an_event(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None]
) -> None:
    with a_shop(history=timedelta(days=4), per_minute=0.05) as shop:
        shop.open_account(connection)
        clock_of(shop.now)
        shop.stand(shop.start + timedelta(days=4))
        await collect(database, parameters={"days": 4, "refresh_days": 0})
        spans = connection.execute("SELECT id, from_at FROM erp.collection_windows ORDER BY from_at").fetchall()
        connection.execute("DELETE FROM erp.collection_windows WHERE id = %s", (spans[1][0],))
        connection.execute("DELETE FROM erp.orders WHERE ordered_at >= %s AND ordered_at < %s", (spans[1][1], spans[2][1]))
        assert count(connection, GAPS) == 1
        shop.fault("503", 100)
        with pytest.raises(MarketsFailed):
            await collect(database, parameters={"refresh_days": 0})
        shop.sandbox.faults.clear()
        await collect(database, parameters={"refresh_days": 0})

        assert without_sku(order_lines(connection)) == without_sku(truth(shop))
    assert count(connection, GAPS) == 0
    assert count(connection, "SELECT count(*) FROM erp.collection_windows WHERE kind = 'gap'") == 1


async def test_time_that_was_not_collected_becomes_an_event_and_the_event_is_cleared(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    await keep(database, [])
    async with a_context(database) as (context, _):
        db = await context.adb()
        await ledger.save_window(db, SHOP, "orders", Window(NOON + 20 * MINUTE, NOON + 30 * MINUTE), Orders([], []), (), 1)
        await watch_gaps(context, SHOP, NOON + 60 * MINUTE, timedelta(minutes=30))
        await watch_gaps(context, SHOP, NOON + 61 * MINUTE, timedelta(minutes=30))
        events = connection.execute("SELECT kind, subject, cleared_at IS NULL FROM erp.events").fetchall()
        await ledger.save_window(db, SHOP, "gap", Window(NOON + 10 * MINUTE, NOON + 20 * MINUTE), Orders([], []), (), 1)
        await watch_gaps(context, SHOP, NOON + 62 * MINUTE, timedelta(minutes=30))

    assert events == [("orders.gap", "coupang", True)]
    assert count(connection, "SELECT count(*) FROM erp.events WHERE cleared_at IS NULL") == 0
