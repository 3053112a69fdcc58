"""The stream of orders: a pure function of market, seed, start and rate, so a restart loses nothing.

An order's whole life is decided when it is made: when it is packed, sent and delivered, whether it is cancelled, split
into two boxes, returned or exchanged, and how late it shows. What an operator does to it is given from outside.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from handlers.sandbox.catalogue import Catalogue, Item

Fate = Literal["plain", "cancel", "partial_cancel", "split", "return", "exchange"]
FATES: tuple[tuple[float, Fate], ...] = (
    (0.06, "cancel"), (0.11, "partial_cancel"), (0.18, "split"), (0.22, "return"), (0.25, "exchange"),
)
LONGEST_LIFE = timedelta(hours=1)
"""From the order to the last thing that happens to it."""
MOST_LATE_SECONDS = 600.0
MOST_ORDERS = 10**7


@dataclass(frozen=True, slots=True)
class Line:
    """number: its place in the order, from 1. cancelled: how many of the quantity are cancelled, or claimed."""

    number: int
    item: Item
    quantity: int
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """One order and all that will become of it.

    number      its place in the stream, from 0
    visible_at  when the shop begins to show it, a little after it was made
    passed      when it is confirmed, sent, on its way, delivered, and (unless it is claimed back) completed
    fate_at     when it is cancelled, split or claimed back
    settled_at  when a return or an exchange is completed
    """

    number: int
    ordered_at: datetime
    visible_at: datetime
    lines: tuple[Line, ...]
    passed: tuple[datetime, ...]
    fate: Fate
    fate_at: datetime
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Stream:
    """All orders of a shop since *start*, *per_minute* of them a minute, each shown up to *late_seconds* late."""

    market_code: str
    catalogue: Catalogue
    start: datetime
    per_minute: float
    late_seconds: float = 0.0

    @property
    def gap(self) -> timedelta:
        return timedelta(seconds=60 / self.per_minute)

    def between(self, start: datetime, end: datetime) -> Iterator[Order]:
        """Give the orders made in ``[start, end)``, oldest first, whether or not they show yet."""
        first = max(0, int((start - self.start) / self.gap) - 1)
        last = min(MOST_ORDERS, max(0, int((end - self.start) / self.gap) + 1))
        for number in range(first, last):
            order = make_order(self, number)
            if start <= order.ordered_at < end:
                yield order

    def find(self, number: int) -> Order | None:
        """Return the order of that number, whether or not it is made already."""
        return make_order(self, number) if 0 <= number < MOST_ORDERS else None


@lru_cache(maxsize=100_000)
def make_order(stream: Stream, number: int) -> Order:
    """Make the order of that number."""
    chance = random.Random(f"{stream.catalogue.seed}:{stream.market_code}:order:{number}")
    ordered_at = stream.start + stream.gap * (number + chance.random())
    lines = _lines(stream.catalogue, chance)
    confirmed = ordered_at + timedelta(seconds=chance.uniform(60, 240))
    sent = confirmed + timedelta(seconds=chance.uniform(120, 300))
    on_its_way = sent + timedelta(seconds=chance.uniform(60, 120))
    delivered = on_its_way + timedelta(seconds=chance.uniform(120, 600))
    completed = delivered + timedelta(seconds=chance.uniform(600, 1800))
    fate = _fate(chance.random(), lines)
    claim_at = delivered + timedelta(seconds=chance.uniform(60, 300))
    fate_at = {
        "split": confirmed + (sent - confirmed) * chance.uniform(0.1, 0.9), "return": claim_at, "exchange": claim_at,
    }.get(fate, ordered_at + timedelta(seconds=chance.uniform(2, 50)))
    settled_at = fate_at + timedelta(seconds=chance.uniform(60, 300))
    visible_at = ordered_at + timedelta(seconds=chance.uniform(0, stream.late_seconds))
    last = () if fate in ("return", "exchange") else (completed,)
    passed = (confirmed, sent, on_its_way, delivered, *last)
    return Order(number, ordered_at, visible_at, lines, passed, fate, fate_at, settled_at)


def _lines(catalogue: Catalogue, chance: random.Random) -> tuple[Line, ...]:
    numbers = chance.sample(range(1, catalogue.item_count + 1), min(chance.choice((1, 1, 2, 3)), catalogue.item_count))
    items = [item for item in map(catalogue.item, numbers) if item is not None]
    return tuple(Line(place, item, chance.choice((1, 1, 1, 2, 2, 3))) for place, item in enumerate(items, start=1))


def _fate(roll: float, lines: tuple[Line, ...]) -> Fate:
    fate: Fate = next((name for limit, name in FATES if roll < limit), "plain")
    if fate in ("partial_cancel", "split") and all(line.quantity < 2 for line in lines):
        return "plain"
    return fate
