"""The master quantity follows the orders exactly once, whatever order they come in."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.handlers.stock_support import Connection, cancel, count, one, order

QUANTITY = "SELECT quantity FROM erp.stock WHERE sku = %s"
BALANCE = "SELECT quantity - oversold FROM erp.stock WHERE sku = %s"
MOVES = "SELECT delta, quantity_after, reason, order_id FROM erp.stock_moves WHERE sku = %s ORDER BY id"


def moves(connection: Connection, sku: str = "A") -> list[tuple[Any, ...]]:
    return connection.execute(MOVES, (sku,)).fetchall()


def test_an_order_lowers_the_quantity_and_a_cancel_gives_it_back(connection: Connection) -> None:
    count(connection, A=10)
    order(connection, "A", 3)
    cancel(connection, "A", 2)

    assert moves(connection) == [(10, 10, "count", None), (-3, 7, "order", "1"), (2, 9, "cancel", "1")]
    assert one(connection, "SELECT sold_revision, revision, sold_at IS NOT NULL FROM erp.stock") == (2, 3, True)


def test_a_line_saved_again_as_it_was_moves_nothing(connection: Connection) -> None:
    count(connection, A=10)
    order(connection, "A", 3)
    connection.execute("UPDATE erp.order_items SET changed_at = now(), state = 'shipping', quantity = 3")

    assert one(connection, QUANTITY, "A") == 7 and len(moves(connection)) == 2


def test_what_was_ordered_before_the_count_is_in_the_count(connection: Connection) -> None:
    count(connection, A=10)
    order(connection, "A", 3, ago="1 hour")
    order(connection, "A", 2, number="2")
    count(connection, A=20)
    cancel(connection, "A", 2, number="2")

    assert one(connection, QUANTITY, "A") == 20


def test_an_edit_by_hand_is_a_count_of_that_moment(connection: Connection) -> None:
    connection.execute("INSERT INTO erp.stock (sku, quantity, counted_at) VALUES ('A', 5, now() - interval '1 day')")
    connection.execute("UPDATE erp.stock SET quantity = 5 WHERE sku = 'A'")
    assert one(connection, "SELECT counted_at > now() - interval '1 minute' FROM erp.stock")

    before = one(connection, "SELECT counted_at FROM erp.stock")
    connection.execute("UPDATE erp.stock SET buffer = 1, cost = 900")
    assert one(connection, "SELECT counted_at FROM erp.stock") == before


def test_a_count_of_an_earlier_moment_has_later_orders_taken_off(connection: Connection) -> None:
    order(connection, "A", 3, ago="1 hour")
    order(connection, "A", 4, number="2", ago="3 hours")
    connection.execute("INSERT INTO erp.stock (sku, quantity, counted_at) VALUES ('A', 10, now() - interval '2 hours')")
    assert one(connection, QUANTITY, "A") == 7


def test_a_return_does_not_raise_it_and_more_than_there_is_goes_to_nothing(connection: Connection) -> None:
    count(connection, A=2)
    order(connection, "A", 5)
    connection.execute("UPDATE erp.order_items SET returned_quantity = 5, state = 'returned'")
    assert one(connection, "SELECT quantity, oversold FROM erp.stock") == (0, 3)
    cancel(connection, "A", 4)
    assert one(connection, "SELECT quantity, oversold FROM erp.stock") == (1, 0)


def test_a_line_whose_sku_becomes_known_or_other_moves_to_it(connection: Connection) -> None:
    count(connection, A=10, B=10)
    order(connection, "A", 3)
    connection.execute("UPDATE erp.order_items SET sku = NULL")
    assert one(connection, QUANTITY, "A") == 10
    connection.execute("UPDATE erp.order_items SET sku = 'B'")
    assert (one(connection, QUANTITY, "A"), one(connection, QUANTITY, "B")) == (10, 7)


@pytest.mark.parametrize("quantity", [-1, None])
def test_a_quantity_below_nothing_is_refused(connection: Connection, quantity: int | None) -> None:
    with pytest.raises(psycopg.errors.IntegrityError):
        connection.execute("INSERT INTO erp.stock (sku, quantity) VALUES ('A', %s)", (quantity,))


def test_two_collections_that_meet_in_the_middle_do_not_block_each_other(database: str, connection: Connection) -> None:
    count(connection, A=10, B=10)
    failures: list[Exception] = []

    def collect_the_other_way_round() -> None:
        try:
            with psycopg.connect(database) as other:
                order(other, "B", 1, market_code="naver")
                order(other, "A", 1, number="2", market_code="naver")
        except Exception as error:
            failures.append(error)

    meeting = threading.Thread(target=collect_the_other_way_round)
    with psycopg.connect(database) as mine:
        order(mine, "A", 1)
        meeting.start()
        wait_until(connection, WAITS)
        order(mine, "B", 1, number="2")
    meeting.join(60)

    assert failures == []
    assert connection.execute("SELECT sku, quantity FROM erp.stock ORDER BY sku").fetchall() == [("A", 8), ("B", 8)]


WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


def wait_until(connection: Connection, statement: str, seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not one(connection, statement):
        assert time.monotonic() < limit, statement
        time.sleep(0.01)


def test_a_sku_that_is_taken_over_while_its_order_is_being_saved_misses_nothing(database: str, connection: Connection) -> None:
    def take_over() -> None:
        with psycopg.connect(database, autocommit=True) as other:
            other.execute("INSERT INTO erp.stock (sku, quantity, counted_at) VALUES ('A', 10, now() - interval '1 hour')")

    meeting = threading.Thread(target=take_over)
    with psycopg.connect(database) as mine:
        order(mine, "A", 3, ago="10 minutes")
        meeting.start()
        wait_until(connection, WAITS)
    meeting.join(60)

    assert one(connection, QUANTITY, "A") == 7


# -- any order of updates, against a model

LINES = st.tuples(st.sampled_from("123"), st.integers(0, 6), st.integers(0, 6), st.sampled_from(["A", "B", None]))
STEPS = st.lists(st.one_of(LINES.map(lambda line: ("line", *line)), st.tuples(st.just("count"), st.integers(0, 9))), max_size=14)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(0, 9), steps=STEPS)
def test_the_quantity_is_what_the_lines_say_however_they_came(connection: Connection, first: int, steps: list[Any]) -> None:
    connection.execute("TRUNCATE erp.orders, erp.stock, erp.stock_moves CASCADE")
    count(connection, A=first, B=100)
    model: dict[str, int] = {"A": first, "B": 100}
    lines: dict[str, tuple[int, str | None, int]] = {}
    counted = 0
    for step in steps:
        if step[0] == "count":
            count(connection, A=step[1])
            model["A"] = step[1]
            counted += 1
            continue
        number, quantity, cancelled, sku = step[1], step[2], min(step[2], step[3]), step[4]
        net = quantity - cancelled
        former_net, former_sku, born = lines.get(number, (0, None, counted))
        for name, change in ((former_sku, former_net), (sku, -net)):
            # A was counted again since the order: nothing of it moves A any more; B never was.
            if name == "B" or (name == "A" and born == counted):
                model[name] += change
        lines[number] = (net, sku, born)
        save(connection, number, quantity, cancelled, sku)

        for name, expected in model.items():
            assert one(connection, BALANCE, name) == expected
            assert one(connection, QUANTITY, name) == max(0, expected)
    for name in "AB":
        total = one(connection, "SELECT coalesce(sum(delta), 0) FROM erp.stock_moves WHERE sku = %s", name)
        assert total == model[name]


def save(connection: Connection, number: str, quantity: int, cancelled: int, sku: str | None) -> None:
    """Save a line as the collection does: one upsert."""
    connection.execute(
        "INSERT INTO erp.orders (market_code, account, order_id, ordered_at, seen_at) "
        "VALUES ('coupang', 'default', %s, clock_timestamp(), now()) ON CONFLICT DO NOTHING", (number,))
    connection.execute(
        "INSERT INTO erp.order_items (market_code, account, order_id, line_id, sku, quantity, cancelled_quantity, state, "
        "changed_at) VALUES ('coupang', 'default', %(n)s, 'l', %(sku)s, %(q)s, %(c)s, 'paid', now()) "
        "ON CONFLICT (market_code, account, order_id, line_id) DO UPDATE "
        "SET sku = excluded.sku, quantity = excluded.quantity, cancelled_quantity = excluded.cancelled_quantity",
        {"n": number, "q": quantity, "c": cancelled, "sku": sku})
