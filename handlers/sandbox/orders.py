"""The stream of orders: a pure function of seed, start, rate and the present moment, so a restart loses nothing.

An order's whole life is decided when it is made: when it is packed, sent and delivered, whether it is cancelled, split
into two boxes or returned. What an operator does to it (acknowledge) is given from outside.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from handlers.sandbox.catalogue import Item, catalogue

Fate = Literal["plain", "cancel", "partial_cancel", "split", "return"]
FATES: tuple[tuple[float, Fate], ...] = ((0.06, "cancel"), (0.11, "partial_cancel"), (0.18, "split"), (0.22, "return"))
LONGEST_LIFE = timedelta(seconds=2400)


@dataclass(frozen=True, slots=True)
class Line:
    item: Item
    quantity: int
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """One order and all that will become of it.

    passed     the moments of INSTRUCT, DEPARTURE, DELIVERING and FINAL_DELIVERY
    fate_at    when it is cancelled, split or claimed back
    settled_at when a return is completed
    """

    number: int
    order_id: int
    ordered_at: datetime
    lines: tuple[Line, ...]
    passed: tuple[datetime, datetime, datetime, datetime]
    fate: Fate
    fate_at: datetime
    settled_at: datetime

    @property
    def box_id(self) -> int:
        return self.order_id * 10 + 700_000_000_000_000


STATUSES = ("ACCEPT", "INSTRUCT", "DEPARTURE", "DELIVERING", "FINAL_DELIVERY")
OUR_STATES = ("paid", "confirmed", "shipping", "shipping", "delivered")


@dataclass(frozen=True, slots=True)
class Stream:
    """All orders of a shop since *start*, *per_minute* of them a minute."""

    seed: int
    start: datetime
    per_minute: float

    @property
    def gap(self) -> timedelta:
        return timedelta(seconds=60 / self.per_minute)

    def between(self, start: datetime, end: datetime) -> Iterator[Order]:
        """Give the orders made in ``[start, end)``, oldest first."""
        first = max(0, int((start - self.start) / self.gap) - 1)
        for number in range(first, max(0, int((end - self.start) / self.gap) + 1)):
            order = make_order(self, number)
            if start <= order.ordered_at < end:
                yield order

    def find(self, order_id: int) -> Order | None:
        """Return the order of that number, whether or not it is made already."""
        number = order_id - self.first_id
        return make_order(self, number) if 0 <= number < 10**7 else None

    @property
    def first_id(self) -> int:
        return 31_000_000_000_000 + self.seed % 10_000 * 10**7


@lru_cache(maxsize=100_000)
def make_order(stream: Stream, number: int) -> Order:
    """Make the order of that number."""
    chance = random.Random(f"{stream.seed}:order:{number}")
    ordered_at = stream.start + stream.gap * (number + chance.random())
    items = [item for goods in catalogue(stream.seed) for item in goods.items]
    lines = tuple(Line(item, chance.choice((1, 1, 1, 2, 2, 3))) for item in chance.sample(items, chance.choice((1, 1, 2, 3))))
    instruct = ordered_at + timedelta(seconds=chance.uniform(60, 240))
    departure = instruct + timedelta(seconds=chance.uniform(120, 300))
    delivering = departure + timedelta(seconds=chance.uniform(60, 120))
    final = delivering + timedelta(seconds=chance.uniform(120, 600))
    fate = _fate(chance.random(), lines)
    fate_at = {
        "split": instruct + (departure - instruct) * chance.uniform(0.1, 0.9),
        "return": final + timedelta(seconds=chance.uniform(60, 300)),
    }.get(fate, ordered_at + timedelta(seconds=chance.uniform(2, 50)))
    settled_at = fate_at + timedelta(seconds=chance.uniform(60, 300))
    return Order(
        number, stream.first_id + number, ordered_at, lines, (instruct, departure, delivering, final), fate, fate_at, settled_at
    )


def _fate(roll: float, lines: tuple[Line, ...]) -> Fate:
    fate: Fate = next((name for limit, name in FATES if roll < limit), "plain")
    if fate in ("partial_cancel", "split") and all(line.quantity < 2 for line in lines):
        return "plain"
    return fate


def stage(order: Order, now: datetime, acknowledged_at: datetime | None = None) -> int:
    """Say how far it is: the place of its status in STATUSES."""
    reached = sum(1 for moment in order.passed if moment <= now)
    return max(reached, 1) if acknowledged_at is not None and acknowledged_at <= now else reached


def boxes(order: Order, now: datetime) -> dict[int, tuple[Line, ...]]:
    """Return its boxes as the order sheets show them: none once it is cancelled or returned."""
    fallen = order.fate_at <= now
    if (order.fate == "cancel" and fallen) or (order.fate == "return" and order.settled_at <= now):
        return {}
    lines = order.lines
    if order.fate == "partial_cancel" and fallen:
        lines = tuple(
            Line(line.item, line.quantity, 1 if place == _several(order) else 0) for place, line in enumerate(lines)
        )
    if order.fate == "split" and fallen:
        place = _several(order)
        torn = lines[place]
        rest = tuple(line for number, line in enumerate(lines) if number != place)
        return {
            order.box_id + 1: (Line(torn.item, 1), *rest),
            order.box_id + 2: (Line(torn.item, torn.quantity - 1),),
        }
    return {order.box_id: lines}


def _several(order: Order) -> int:
    return next(place for place, line in enumerate(order.lines) if line.quantity > 1)


def claimed(order: Order, now: datetime) -> tuple[Line, ...]:
    """Return the lines of its cancel or return, with the claimed quantity as cancelled; none while there is none."""
    if order.fate_at > now or order.fate in ("plain", "split"):
        return ()
    if order.fate == "partial_cancel":
        line = order.lines[_several(order)]
        return (Line(line.item, line.quantity, 1),)
    return tuple(Line(line.item, line.quantity, line.quantity) for line in order.lines)


def truth(order: Order, now: datetime, acknowledged_at: datetime | None = None) -> list[dict[str, object]]:
    """Say in the scheduler's words what the lines of the order are: what a correct collection must hold."""
    gone = {line.item.vendor_item_id: line.cancelled for line in claimed(order, now)} if order.fate != "return" else {}
    state = OUR_STATES[stage(order, now, acknowledged_at)]
    if order.fate == "return" and order.settled_at <= now:
        state = "returned"
    return [
        {
            "order_id": str(order.order_id), "line_id": str(line.item.vendor_item_id), "sku": line.item.sku,
            "quantity": line.quantity, "cancelled_quantity": gone.get(line.item.vendor_item_id, 0),
            "state": "cancelled" if gone.get(line.item.vendor_item_id, 0) >= line.quantity else state,
            "ordered_at": order.ordered_at.isoformat(),
        }
        for line in order.lines
    ]
