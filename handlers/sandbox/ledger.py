"""What orders took from each item's stock and what cancels gave back, kept as moments, so that any moment can be asked for."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from handlers.sandbox import life
from handlers.sandbox.orders import Order, Stream


class Ledger:
    """Follows the stream as far as it was asked for, each order once."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reached = stream.start
        self._moves: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
        self._lock = threading.Lock()

    def moved(self, item_number: int, since: datetime, now: datetime) -> int:
        """Return by how much the item's stock went up or down in ``(since, now]``."""
        with self._lock:
            self._follow(now)
            moves = self._moves.get(item_number, [])
            first = bisect_right(moves, since, key=lambda move: move[0])
            last = bisect_right(moves, now, key=lambda move: move[0])
            return sum(quantity for _, quantity in moves[first:last])

    def _follow(self, now: datetime) -> None:
        if now <= self._reached:
            return
        for order in self._stream.between(self._reached, now):
            for number, move in moves(order):
                insort(self._moves[number], move)
        self._reached = now


def moves(order: Order) -> Iterator[tuple[int, tuple[datetime, int]]]:
    """Give what the order will ever do to its items' stock, from the moment it shows."""
    for line in order.lines:
        yield line.item.number, (order.visible_at, -line.quantity)
    if life.claim_kind(order) == "cancel":
        for line in life.claimed(order, order.fate_at):
            yield line.item.number, (max(order.fate_at, order.visible_at), line.cancelled)
