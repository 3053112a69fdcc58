"""Holes in the ledger: found however old they are, told until they are filled, and no reason to fail what was collected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from handlers.erp import ledger
from handlers.markets.base import AuthFailed, BadRequest, Clock, MarketDown, MarketError, Orders, Window
from handlers.markets.coupang import Coupang
from handlers.markets.gaps import watch_gaps
from scheduler.handler import GiveUp
from tests.handlers import collection_support
from tests.handlers.collection_support import GAPS, NOON, SHOP, WATERMARK, collect, count
from tests.handlers.support import a_context, a_shop

clock_of = collection_support.clock_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENTS = "SELECT en, details FROM erp.events WHERE kind = 'orders.gap' AND cleared_at IS NULL"
NOTHING = Orders([], [])


async def a_hole(context: Any, start: timedelta, end: timedelta) -> None:
    """Keep a ledger that reaches from 100 days before noon to noon, with a hole."""
    connection = await context.adb()
    for window in (Window(NOON - 100 * DAY, NOON + start), Window(NOON + end, NOON)):
        await ledger.save_window(connection, SHOP, "orders", window, NOTHING, (), 1)


async def test_a_hole_whose_neighbour_ends_long_ago_is_found_and_cut(database: str) -> None:
    async with a_context(database) as (context, _):
        await a_hole(context, -40 * DAY, -20 * DAY)
        connection = await context.adb()
        whole = await ledger.gaps(connection, SHOP)
        cut = await ledger.gaps(connection, SHOP, NOON - 31 * DAY)
        none = await ledger.gaps(connection, SHOP, NOON - 20 * DAY)

    assert whole == [Window(NOON - 40 * DAY, NOON - 20 * DAY)]
    assert cut == [Window(NOON - 31 * DAY, NOON - 20 * DAY)]
    assert none == []


async def test_a_hole_that_no_collection_fills_stays_told_with_the_command_that_does(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    async with a_context(database) as (context, _):
        await a_hole(context, -50 * DAY, -45 * DAY)
        await watch_gaps(context, SHOP, NOON, HOUR)
        [(text, details)] = connection.execute(EVENTS).fetchall()
        assert details["gaps"] == [[(NOON - days * DAY).isoformat() for days in (50, 45)]]
        assert "older than 31 days" in text
        assert f"jobs run '수집' -p from={(NOON - 50 * DAY).isoformat(timespec='minutes')}" in text

        hole = Window(NOON - 50 * DAY, NOON - 45 * DAY)
        await ledger.save_window(await context.adb(), SHOP, "backfill", hole, NOTHING, (), 1)
        await watch_gaps(context, SHOP, NOON, HOUR)
    assert connection.execute(EVENTS).fetchall() == []


async def open_with_a_hole(database: str, connection: psycopg.Connection[Any], shop: Any) -> Window:
    """Collect four days, and take one of them out of the ledger."""
    shop.open_account(connection)
    shop.stand(shop.start + 4 * DAY)
    await collect(database, parameters={"days": 4, "refresh_days": 0})
    spans = connection.execute("SELECT id, from_at, to_at FROM erp.collection_windows ORDER BY from_at").fetchall()
    connection.execute("DELETE FROM erp.collection_windows WHERE id = %s", (spans[1][0],))
    return Window(spans[1][1], spans[1][2], whole_days=True)


def refuse(monkeypatch: pytest.MonkeyPatch, hole: Window, error: MarketError) -> None:
    """Let the market answer for every time but that of the hole."""
    read = Coupang.orders

    async def orders(self: Coupang, window: Window) -> Orders:
        if window == hole:
            raise error
        return await read(self, window)

    monkeypatch.setattr(Coupang, "orders", orders)


@pytest.mark.parametrize("error", [BadRequest("coupang: not so far back"), MarketDown("coupang: HTTP 500")])
async def test_a_hole_that_cannot_be_read_does_not_fail_what_was_collected(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None], monkeypatch: pytest.MonkeyPatch,
    error: MarketError,
) -> None:
    with a_shop(history=5 * DAY, per_minute=0.02) as shop:
        clock_of(shop.now)
        hole = await open_with_a_hole(database, connection, shop)
        refuse(monkeypatch, hole, error)
        now = shop.stand(shop.now() + HOUR)
        result = await collect(database, parameters={"refresh_days": 0})

    assert result["markets"]["coupang"]["gap_failed"] == 1 and result["markets"]["coupang"]["windows"] == 1
    assert count(connection, WATERMARK) == now
    assert count(connection, GAPS) == 1
    [(_, details)] = connection.execute(EVENTS).fetchall()
    assert details["failed"] == [[hole.start.isoformat(), hole.end.isoformat(), str(error)]]


async def test_what_keeps_the_account_away_fails_it_for_a_hole_as_well(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_shop(history=5 * DAY, per_minute=0.02) as shop:
        clock_of(shop.now)
        refuse(monkeypatch, await open_with_a_hole(database, connection, shop), AuthFailed("coupang: key"))
        with pytest.raises(GiveUp, match="coupang: key"):
            await collect(database, parameters={"refresh_days": 0})


async def test_with_little_time_left_one_failure_is_enough(
    database: str, connection: psycopg.Connection[Any], clock_of: Callable[[Clock], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_shop(history=5 * DAY, per_minute=0.02) as shop:
        clock_of(shop.now)
        hole = await open_with_a_hole(database, connection, shop)
        connection.execute("DELETE FROM erp.collection_windows WHERE from_at = %s", (hole.end,))
        with monkeypatch.context() as patch:
            refuse(patch, hole, MarketDown("coupang: no answer"))
            result = await collect(database, parameters={"refresh_days": 0}, seconds=100)
        assert result["markets"]["coupang"]["gap_failed"] == 2
        [(_, details)] = connection.execute(EVENTS).fetchall()
        assert [why for _, _, why in details["failed"]] == [
            "coupang: no answer", "coupang: not tried, the execution's time is nearly over"]

        result = await collect(database, parameters={"refresh_days": 0}, seconds=100)
        assert result["markets"]["coupang"]["gap_failed"] == 0
    assert count(connection, GAPS) == 0 and connection.execute(EVENTS).fetchall() == []
