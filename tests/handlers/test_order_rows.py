"""What a late, torn, repeated or stale answer must not do to the rows of an order, and what a sale sets off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg

from handlers.markets import no_account
from handlers.markets.base import BoxLine, Claim
from handlers.sold import ask_for_stock
from tests.handlers.collection_support import MINUTE, NOON, count, keep
from tests.handlers.support import a_context, order_lines


def a_line(**more: Any) -> BoxLine:
    line = BoxLine(order_id="1", box_id="10", line_id="100", quantity=2, state="paid", market_state="ACCEPT",
                   ordered_at=NOON, read_at=NOON + MINUTE, sku="SKU")
    return replace(line, **more)


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
