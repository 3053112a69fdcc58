"""The shop behind every sandbox: the same at every start, late orders exactly once, stock that counts down."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.sandbox import life
from handlers.sandbox.catalogue import GOODS, Catalogue
from handlers.sandbox.orders import LONGEST_LIFE, Stream, make_order
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import Beginning, State

NOON = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STREAM = Stream("coupang", Catalogue(1), NOON, 6.0)


class Hand:
    """A clock that the test sets by hand."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def a_shop(
    clock: Callable[[], datetime], code: str = "coupang", path: Path | None = None, late_seconds: float = 0.0,
    per_minute: float = 6.0, history: timedelta = 2 * HOUR, seed: int = 7, products: int = len(GOODS),
) -> Shop:
    beginning = Beginning(seed, per_minute, NOON, history, late_seconds, products)
    return Shop(code, State(path, beginning, code, ("openapikey",)), clock)


def names(order: object, line: object) -> tuple[str, str]:
    return str(order.number), str(line.number)  # type: ignore[attr-defined]


# -- goods


def test_every_item_is_found_by_its_number_and_shops_of_one_seed_sell_the_same() -> None:
    goods = Catalogue(7, 100)
    items = list(goods.items())

    assert [item.number for item in items] == list(range(1, goods.item_count + 1))
    assert [goods.item(item.number) for item in items] == items
    assert len({item.sku for item in items}) == len(items)
    assert a_shop(Hand(), "naver").goods == a_shop(Hand(), "11st").goods
    assert Catalogue(8).item(1) != goods.item(1)
    assert {len(each.items) for each in goods.products()} == {1, 2, 3}
    assert goods.item(0) is goods.item(goods.item_count + 1) is None
    assert goods.product(0) is goods.product(101) is None


def test_a_hundred_thousand_products_are_made_only_when_asked_for() -> None:
    shop = a_shop(Hand(), products=100_000)
    last = shop.product(100_000)

    assert last is not None and last.items[-1].number == shop.goods.item_count > 200_000
    assert shop.item(shop.goods.item_count) == last.items[-1]


def test_a_withdrawn_product_is_gone_with_its_items_but_its_orders_stay() -> None:
    shop = a_shop(Hand())
    before = shop.truth(names)
    shop.withdraw(1)

    assert shop.product(1) is None
    assert shop.item(1) is None
    assert shop.product_numbers() == list(range(2, len(GOODS) + 1)) == [goods.number for goods in shop.products()]
    assert shop.truth(names) == before


# -- orders


def test_orders_are_the_same_for_the_same_seed_start_and_market() -> None:
    make_order.cache_clear()
    first = list(STREAM.between(NOON, NOON + HOUR / 2))
    make_order.cache_clear()

    assert list(Stream("coupang", Catalogue(1), NOON, 6.0).between(NOON, NOON + HOUR / 2)) == first
    assert [order.number for order in first] == list(range(len(first)))
    assert 170 <= len(first) <= 180
    assert all(before.ordered_at <= after.ordered_at for before, after in itertools.pairwise(first))
    assert list(Stream("naver", Catalogue(1), NOON, 6.0).between(NOON, NOON + HOUR / 2)) != first


def test_a_life_ends_within_the_longest_life() -> None:
    for order in STREAM.between(NOON, NOON + 4 * HOUR):
        assert max(order.passed[-1], order.settled_at if life.claim_kind(order) else order.fate_at) < (
            order.ordered_at + LONGEST_LIFE)
        assert all(before < after for before, after in itertools.pairwise((order.ordered_at, *order.passed)))


def test_no_quantity_is_lost_or_made_when_a_box_is_split() -> None:
    split = [order for order in STREAM.between(NOON, NOON + HOUR) if order.fate == "split"]

    assert len(split) > 5
    for order in split:
        packed = life.boxes(order, order.fate_at)
        assert set(packed) == {1, 2}
        assert life.stage(order, order.fate_at) == 1
        assert sum(line.quantity for lines in packed.values() for line in lines) == sum(line.quantity for line in order.lines)


def test_every_end_of_a_life_occurs_in_our_words() -> None:
    shop = a_shop(Hand(), history=6 * HOUR)
    told = {line["state"] for line in shop.truth(names)}
    few = ("paid", "confirmed", "shipping", "delivered", "cancelled")
    told_by_a_poor_market = {line["state"] for line in shop.truth(names, few)}

    assert told == {"paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged"}
    assert told_by_a_poor_market == set(few)


@settings(max_examples=15, deadline=None)
@given(late=st.floats(0, 600), steps=st.lists(st.integers(1, 900), min_size=5, max_size=25))
def test_a_late_order_appears_exactly_once_and_not_before_its_time(late: float, steps: list[int]) -> None:
    clock = Hand()
    shop = a_shop(clock, late_seconds=late, history=timedelta(0))
    shown: dict[int, datetime] = {}
    former = NOON
    for step in steps:
        clock.moment += timedelta(seconds=step)
        now = {order.number: order for order in shop.orders(shop.start, clock.moment)}
        assert set(shown) <= set(now)
        for number in now.keys() - shown.keys():
            order = now[number]
            assert former < order.visible_at <= clock.moment
            assert timedelta(0) <= order.visible_at - order.ordered_at <= timedelta(seconds=late)
            shown[number] = order.ordered_at
        former = clock.moment
    clock.moment += timedelta(seconds=601)
    everything = {order.number for order in shop.stream.between(NOON, former)}
    assert {order.number for order in shop.orders(NOON, former)} == everything >= set(shown)


def test_a_late_order_is_not_found_before_it_shows() -> None:
    clock = Hand()
    shop = a_shop(clock, late_seconds=600)
    order = max(shop.stream.between(NOON, NOON + HOUR), key=lambda order: order.visible_at - order.ordered_at)
    clock.moment = order.visible_at - timedelta(microseconds=1)
    before = shop.find(order.number)
    clock.moment = order.visible_at

    assert before is None
    assert shop.find(order.number) == order


def test_what_changed_adds_up_to_where_each_line_is() -> None:
    clock = Hand(NOON + HOUR)
    shop = a_shop(clock, late_seconds=20)
    told: dict[tuple[int, int], list[str]] = {}
    for minute in range(-125, 60, 5):
        start = NOON + timedelta(minutes=minute)
        for change in shop.changes(start, start + timedelta(minutes=5)):
            told.setdefault((change.order.number, change.line.number), []).append(change.what)
    words = {"sent": "shipping", "on_its_way": "shipping", "return_requested": "delivered", "exchange_requested": "delivered"}

    for line in shop.truth(names):
        changes = told.pop((int(str(line["order_id"])), int(str(line["line_id"]))))
        assert changes[0] == "paid"
        assert len(set(changes)) == len(changes)
        partly = line["cancelled_quantity"] and line["state"] != "cancelled"
        last = [what for what in changes if not (partly and what == "cancelled")][-1]
        assert words.get(last, last) == line["state"]
    assert not told


def test_an_acknowledged_line_is_confirmed_at_that_moment_and_once() -> None:
    clock = Hand()
    shop = a_shop(clock)
    order = next(order for order in shop.orders(NOON - timedelta(seconds=60), NOON) if len(order.lines) > 1)
    first, second = order.lines[:2]
    shop.acknowledge(order, first)
    clock.moment += timedelta(seconds=1)
    shop.acknowledge(order, first)

    assert shop.acknowledged_at(order, first) == NOON
    assert [shop.stage(order, line) for line in (first, second)] == [1, 0]
    assert [(change.what, change.moment) for change in shop.changes_of(order) if change.line == first] == [
        ("paid", order.ordered_at), ("confirmed", NOON)]
    assert len(shop.writes()) == 1


# -- time


def test_a_faster_clock_goes_on_from_where_it_was_also_after_a_restart(tmp_path: Path) -> None:
    clock = Hand()
    shop = a_shop(clock, path=tmp_path / "state")
    shop.set_speed(60)
    clock.moment += timedelta(minutes=1)
    again = a_shop(clock, path=tmp_path / "state", seed=99)

    assert shop.now() == again.now() == NOON + HOUR
    assert again.truth(names) == shop.truth(names)
    again.set_speed(0.5)
    clock.moment += timedelta(minutes=2)
    assert again.now() == NOON + HOUR + timedelta(minutes=1)


@pytest.mark.parametrize("speed", [0.0, -1.0, 10_001.0, float("nan")])
def test_a_speed_that_no_clock_has_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        a_shop(Hand()).set_speed(speed)


# -- stock and writes


def test_stock_is_what_was_set_minus_what_was_ordered_plus_what_was_cancelled() -> None:
    clock = Hand()
    shop = a_shop(clock, late_seconds=20, per_minute=60)
    item = shop.item(3)
    assert item is not None
    shop.set_stock(item, 5000)
    clock.moment += HOUR
    expected = 5000
    for order in shop.stream.between(NOON - timedelta(seconds=20), clock.moment):
        for line in order.lines:
            if line.item == item and NOON < order.visible_at <= clock.moment:
                expected -= line.quantity
            if line.item == item and NOON < max(order.visible_at, order.fate_at) <= clock.moment:
                expected += life.cancelled(order, line, clock.moment)

    assert shop.stock(item) == expected < 5000
    assert shop.stock(item, NOON) == 5000


def test_stock_never_goes_below_nothing_and_looking_back_gives_what_was() -> None:
    clock = Hand(NOON + 3 * HOUR)
    shop = a_shop(clock, per_minute=60)
    items = list(shop.items())
    later = [shop.stock(item) for item in items]
    clock.moment = NOON
    fresh = a_shop(clock, per_minute=60)
    before = [fresh.stock(item) for item in items]

    assert [shop.stock(item) for item in items] == before
    assert min(later) == 0
    assert sum(later) < sum(before) < sum(item.stock for item in items)


def test_writes_are_kept_with_moment_and_former_value_and_outlive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "state"
    shop = a_shop(Hand(), path=path)
    item = shop.item(5)
    assert item is not None
    former = shop.stock(item)
    shop.set_stock(item, 7)
    shop.set_price(item, 12340)
    shop.set_original_price(item, 20000)
    shop.stop_sale(item)
    shop.resume_sale(item)
    with path.open("a") as file:
        file.write('{"write": {"what": "stock", "num')
    again = a_shop(Hand(), path=path)

    assert again.writes() == shop.writes()
    assert [(write["what"], write["former"], write["value"]) for write in again.writes()] == [
        ("stock", former, 7), ("price", item.price, 12340), ("original_price", item.original_price, 20000),
        ("on_sale", True, False), ("on_sale", False, True)]
    assert {(write["at"], write["number"], write["sku"]) for write in again.writes()} == {(NOON.isoformat(), 5, item.sku)}
    assert (again.stock(item), again.price(item), again.original_price(item), again.on_sale(item)) == (7, 12340, 20000, True)
    again.set_stock(item, 8)
    assert len(a_shop(Hand(), path=path).writes()) == 6
