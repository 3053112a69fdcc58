"""One market's shop in neutral words: its clock, goods, orders, stock, and what is written to it. It knows no protocol.

All moments are in the shop's own time. The moments, quantities and fates of orders follow from market, seed, start and
rate alone; only acknowledgements, stock, prices and stopped sales come from outside, and those are kept in the state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from handlers.sandbox import life
from handlers.sandbox.catalogue import Catalogue, Goods, Item
from handlers.sandbox.ledger import Ledger
from handlers.sandbox.life import Change
from handlers.sandbox.orders import LONGEST_LIFE, Line, Order, Stream
from handlers.sandbox.state import State, Write

OUR_STATES = ("paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged")
MOST_SPEED = 10_000.0
Names = Callable[[Order, Line], tuple[str, str]]
"""Gives an order's number and a line's number as the market writes them."""


def real_time() -> datetime:
    return datetime.now(UTC)


class Shop:
    """clock: real time; a test may let it stand. All methods may be called from many threads."""

    def __init__(self, market_code: str, state: State, clock: Callable[[], datetime] = real_time) -> None:
        self.market_code = market_code
        self.state = state
        self.goods = Catalogue(state.seed, state.products)
        """All that it ever sold; product, item, products and items leave out what was withdrawn."""
        self.stream = Stream(market_code, self.goods, state.start, state.per_minute, state.late_seconds)
        self._clock = clock
        self._ledger = Ledger(self.stream)

    # -- time

    @property
    def start(self) -> datetime:
        """When its first order was made."""
        return self.state.start

    def now(self) -> datetime:
        """Return the shop's time."""
        return self.state.shop_time(self._clock())

    def set_speed(self, speed: float) -> None:
        """Let the clock go so many times as fast from now on. Raises ValueError for a speed that no clock has."""
        if not 0 < speed <= MOST_SPEED:
            raise ValueError(f"speed is above 0 and at most {MOST_SPEED:g}")
        self.state.set_speed(self._clock(), speed)

    # -- goods

    def product(self, number: int) -> Goods | None:
        """Return the product of that number, None when there is none."""
        return None if self._is_withdrawn(number) else self.goods.product(number)

    def item(self, number: int) -> Item | None:
        """Return the item of that number, None when there is none."""
        item = self.goods.item(number)
        return None if item is None or self._is_withdrawn(item.product_number) else item

    def product_numbers(self) -> list[int]:
        """Return the numbers of all products, without making them: what a page is cut from."""
        return [number for number in range(1, self.goods.size + 1) if not self._is_withdrawn(number)]

    def products(self) -> Iterator[Goods]:
        """Give all products in the order of their numbers."""
        return (goods for goods in self.goods.products() if not self._is_withdrawn(goods.number))

    def items(self) -> Iterator[Item]:
        """Give all items in the order of their numbers."""
        return (item for goods in self.products() for item in goods.items)

    def withdraw(self, product_number: int) -> None:
        """Take a product out of the shop for good; orders of it go on."""
        self.state.write("withdrawn", product_number, self.now(), False, True)

    def _is_withdrawn(self, number: int) -> bool:
        return self.state.latest("withdrawn", number) is not None

    def stock(self, item: Item, now: datetime | None = None) -> int:
        """Return the quantity as the shop counts it: what was set, minus what was ordered since, plus what was cancelled."""
        now = now or self.now()
        written = self.state.latest("stock", item.number)
        base, since = (item.stock, self.start) if written is None else (
            int(written["value"]), datetime.fromisoformat(written["at"]))
        return max(0, base + self._ledger.moved(item.number, since, now))

    def price(self, item: Item) -> int:
        """Return what the item costs, in whole won."""
        return int(self._written("price", item, item.price))

    def original_price(self, item: Item) -> int:
        """Return the price that a discount is shown against, in whole won."""
        return int(self._written("original_price", item, item.original_price))

    def on_sale(self, item: Item) -> bool:
        return bool(self._written("on_sale", item, True))

    def _written(self, what: str, item: Item, otherwise: Any) -> Any:
        written = self.state.latest(what, item.number)
        return otherwise if written is None else written["value"]

    def set_stock(self, item: Item, quantity: int) -> None:
        """Set the quantity that is there now."""
        with self.state.lock:
            now = self.now()
            self._write("stock", item, now, self.stock(item, now), quantity)

    def set_price(self, item: Item, price: int) -> None:
        with self.state.lock:
            self._write("price", item, self.now(), self.price(item), price)

    def set_original_price(self, item: Item, price: int) -> None:
        with self.state.lock:
            self._write("original_price", item, self.now(), self.original_price(item), price)

    def stop_sale(self, item: Item) -> None:
        with self.state.lock:
            self._write("on_sale", item, self.now(), self.on_sale(item), False)

    def resume_sale(self, item: Item) -> None:
        with self.state.lock:
            self._write("on_sale", item, self.now(), self.on_sale(item), True)

    def _write(self, what: str, item: Item, now: datetime, former: Any, value: Any) -> None:
        self.state.write(what, item.number, now, former, value, sku=item.sku)

    def writes(self) -> list[Write]:
        """Return all that was written to the shop, oldest first."""
        with self.state.lock:
            return list(self.state.writes)

    # -- orders

    def orders(self, start: datetime, end: datetime, now: datetime | None = None) -> Iterator[Order]:
        """Give the orders made in ``[start, end)`` that show by now, in the order in which they were made."""
        now = now or self.now()
        for order in self.stream.between(start, min(end, now)):
            if order.visible_at <= now:
                yield order

    def find(self, number: int, now: datetime | None = None) -> Order | None:
        """Return the order of that number, None while it does not show."""
        order = self.stream.find(number)
        return order if order is not None and order.visible_at <= (now or self.now()) else None

    def acknowledge(self, order: Order, line: Line | None = None) -> None:
        """Confirm a line, or all lines; once confirmed, a line stays so since the first time."""
        with self.state.lock:
            now = self.now()
            for each in order.lines if line is None else (line,):
                if self.acknowledged_at(order, each) is None:
                    number = f"{order.number}/{each.number}"
                    self.state.write("acknowledged", number, now, self.stage(order, each, now), 1, sku=each.item.sku)

    def acknowledged_at(self, order: Order, line: Line) -> datetime | None:
        """Return when the line was confirmed from outside, None when it was not."""
        written = self.state.latest("acknowledged", f"{order.number}/{line.number}")
        return None if written is None else datetime.fromisoformat(written["at"])

    def stage(self, order: Order, line: Line, now: datetime | None = None) -> int:
        """Say how far the line is: a place in life.STAGES, whether or not it is cancelled or claimed back."""
        return life.stage(order, now or self.now(), self.acknowledged_at(order, line))

    def line_state(self, order: Order, line: Line, now: datetime | None = None) -> str:
        """Return the line's state in our words."""
        return life.state(order, line, now or self.now(), self.acknowledged_at(order, line))

    def changes(self, start: datetime, end: datetime, now: datetime | None = None) -> Iterator[Change]:
        """Give what happened to lines in ``[start, end)``, oldest first; of an order only once it shows."""
        now = now or self.now()
        found = [
            change for order in self.orders(start - LONGEST_LIFE, end, now)
            for change in self.changes_of(order, now) if start <= change.moment < end
        ]
        yield from sorted(found, key=lambda change: (change.moment, change.order.number, change.line.number))

    def changes_of(self, order: Order, now: datetime | None = None) -> list[Change]:
        """Return what has happened to the lines of one order so far, line by line, oldest first."""
        now = now or self.now()
        return [
            change for line in order.lines for change in life.changes(order, line, self.acknowledged_at(order, line))
            if change.moment <= now
        ]

    def truth(self, names: Names, states: Collection[str] = OUR_STATES) -> list[dict[str, object]]:
        """Return every line that shows: what a correct collection must hold in erp.order_lines.

        states  those that the market can tell; where it has no word for completed or exchanged, the line stays delivered
        """
        now = self.now()
        return [
            self._true_line(order, line, now, names, states)
            for order in self.orders(self.start, now, now) for line in order.lines
        ]

    def _true_line(
        self, order: Order, line: Line, now: datetime, names: Names, states: Collection[str]
    ) -> dict[str, object]:
        order_id, line_id = names(order, line)
        state = self.line_state(order, line, now)
        return {
            "order_id": order_id, "line_id": line_id, "sku": line.item.sku, "quantity": line.quantity,
            "cancelled_quantity": life.cancelled(order, line, now), "state": state if state in states else "delivered",
            "ordered_at": order.ordered_at.isoformat(),
        }
