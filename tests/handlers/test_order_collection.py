"""Orders are collected without a hole and without a double, whatever happens on the way."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from handlers.erp import ledger
from handlers.erp.rows import Saved
from handlers.markets import no_account
from handlers.markets.base import Account, BoxLine, Claim, Clock, Orders, Window
from handlers.markets.each import MarketsFailed
from handlers.markets.gaps import watch_gaps
from handlers.order_collection import collect_orders
from handlers.sandbox.coupang_orders import first_order, item_id
from handlers.sold import ask_for_stock
from scheduler.handler import Context, GiveUp, Retry
from tests.handlers.support import Cancelled, Shop, a_context, a_shop, order_lines, truth

SHOP = Account("coupang", "default", "http://unused", {})
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)


async def collect(database: str, *, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    async with a_context(database, **more) as (context, _):
        return await collect_orders(context, **(parameters or {}))


@pytest.fixture
def clock_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], None]:
    """Let the collector go by a clock of the test's own instead of the database's."""

    def use(clock: Clock) -> None:
        async def given(context: Context) -> Clock:
            return clock

        monkeypatch.setattr("handlers.order_collection.database_clock", given)

    return use


def without_sku(lines: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Leave out what a receipt of a cancel does not say."""
    return [line[:2] + line[3:] for line in lines]


def count(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


WATERMARK = "SELECT reached_at FROM erp.watermarks"
GAPS = "SELECT count(*) FROM erp.collection_gaps"


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


# -- what an older or a torn answer must not do


def a_line(**more: Any) -> BoxLine:
    line = BoxLine(order_id="1", box_id="10", line_id="100", quantity=2, state="paid", market_state="ACCEPT",
                   ordered_at=NOON, read_at=NOON + MINUTE, sku="SKU")
    return replace(line, **more)


async def keep(database: str, lines: list[BoxLine], claims: list[Claim] | None = None, read_again: Any = ()) -> Saved:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        window = Window(NOON, NOON + 10 * MINUTE)
        return await ledger.save_window(connection, SHOP, "orders", window, Orders(lines, claims or []), read_again, 1)


async def test_a_late_page_does_not_overwrite_newer_rows(database: str, connection: psycopg.Connection[Any]) -> None:
    await keep(database, [a_line(state="shipping", market_state="DELIVERING", read_at=NOON + 5 * MINUTE)])
    saved = await keep(database, [a_line(read_at=NOON + 2 * MINUTE)])

    assert (saved.inserted, saved.updated, saved.unchanged, saved.stale) == (0, 0, 1, 1)
    assert [line[5] for line in order_lines(connection)] == ["shipping"]


async def test_a_box_read_again_after_it_was_split_stays_retired(database: str, connection: psycopg.Connection[Any]) -> None:
    await keep(database, [a_line(quantity=3)])
    torn = a_line(read_at=NOON + 5 * MINUTE)
    halves = [replace(torn, box_id="11", quantity=1), replace(torn, box_id="12", quantity=2)]
    await keep(database, halves, read_again=[("1", ["11", "12"], NOON + 5 * MINUTE)])
    await keep(database, [a_line(quantity=3, read_at=NOON + 4 * MINUTE)])

    assert [line[3] for line in order_lines(connection)] == [3]


async def test_a_sheet_and_a_receipt_count_the_same_cancel_once(database: str, connection: psycopg.Connection[Any]) -> None:
    receipt = Claim("7", "1", "100", "cancel", True, 2, 1, NOON + MINUTE, NOON + 2 * MINUTE)
    await keep(database, [a_line(cancelled=1)], [receipt])

    assert [line[3:] for line in order_lines(connection)] == [(2, 1, "paid")]


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


async def test_what_the_market_says_of_a_change_outweighs_the_moment_of_reading(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    await keep(database, [a_line(state="shipping", changed_at=NOON + 3 * MINUTE, read_at=NOON + 4 * MINUTE)])
    saved = await keep(database, [a_line(state="paid", changed_at=NOON + 1 * MINUTE, read_at=NOON + 9 * MINUTE)])
    assert (saved.stale, [line[5] for line in order_lines(connection)]) == (1, ["shipping"])
    await keep(database, [a_line(state="delivered", changed_at=NOON + 5 * MINUTE, read_at=NOON + 5 * MINUTE)])
    assert [line[5] for line in order_lines(connection)] == ["delivered"]


async def test_a_row_repeated_across_pages_is_one_row(database: str, connection: psycopg.Connection[Any]) -> None:
    saved = await keep(database, [a_line(state="confirmed", read_at=NOON + 2 * MINUTE), a_line()])
    assert (saved.inserted, [line[5] for line in order_lines(connection)]) == (1, ["confirmed"])


async def test_after_a_sale_the_stock_of_the_other_shops_is_asked_for_once(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('stock', 'inventory_sync'), ('other', 'noop')")
    connection.execute("INSERT INTO erp.stock (sku, quantity, counted_at) VALUES ('SKU', 9, %s)", (NOON - MINUTE,))
    connection.execute(no_account("coupang").partition("type: ")[2].partition(";")[0].encode())
    connection.execute(
        "INSERT INTO erp.products (market_code, account, product_id, name, seen_at) "
        "VALUES ('coupang', 'default', '5', 'P', now())")
    connection.execute(
        "INSERT INTO erp.product_options (market_code, account, item_id, product_id, sku, name, stock, seen_at) "
        "VALUES ('coupang', 'default', '100', '5', 'SKU', 'O', 9, now())")
    async with a_context(database) as (context, _):
        assert await ask_for_stock(context) == 0
        await keep(database, [a_line()])
        assert await ask_for_stock(context) == 1
        assert await ask_for_stock(context) == 0

    assert count(connection, "SELECT quantity FROM erp.stock") == 7
    assert connection.execute("SELECT job_name, trigger, parameters FROM job_executions").fetchall() == [
        ("stock", "manual", {"only_sold": True})
    ]
