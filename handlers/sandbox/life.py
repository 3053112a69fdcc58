"""How far an order is at a moment, in neutral words: its stage, its boxes, its claims, and all that changes on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from handlers.sandbox.orders import Line, Order

ClaimKind = Literal["cancel", "return", "exchange"]
What = Literal[
    "paid", "confirmed", "sent", "on_its_way", "delivered", "completed", "cancelled", "return_requested", "returned",
    "exchange_requested", "exchanged",
]
STAGES: tuple[What, ...] = ("paid", "confirmed", "sent", "on_its_way", "delivered", "completed")
STATES = ("paid", "confirmed", "shipping", "shipping", "delivered", "completed")
"""Our word for each stage."""
CLAIMS: dict[str, ClaimKind] = {"cancel": "cancel", "partial_cancel": "cancel", "return": "return", "exchange": "exchange"}


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a line, and when."""

    moment: datetime
    order: Order
    line: Line
    what: What


def stage(order: Order, now: datetime, acknowledged_at: datetime | None = None) -> int:
    """Say how far it is: a place in STAGES. Whether it is cancelled or claimed back is another question."""
    reached = sum(1 for moment in order.passed if moment <= now)
    return max(reached, 1) if acknowledged_at is not None and acknowledged_at <= now else reached


def is_cancelled(order: Order, now: datetime) -> bool:
    """Say whether the whole order is cancelled."""
    return order.fate == "cancel" and order.fate_at <= now


def is_settled(order: Order, now: datetime) -> bool:
    """Say whether its return or exchange is completed."""
    return order.fate in ("return", "exchange") and order.settled_at <= now


def boxes(order: Order, now: datetime) -> dict[int, tuple[Line, ...]]:
    """Return its boxes as they stand: one numbered 0, or after a split 1 and 2; none once it is cancelled or returned."""
    fallen = order.fate_at <= now
    if is_cancelled(order, now) or (order.fate == "return" and is_settled(order, now)):
        return {}
    if order.fate == "partial_cancel" and fallen:
        return {0: tuple(replace(line, cancelled=_partly(order, line)) for line in order.lines)}
    if order.fate == "split" and fallen:
        torn = _several(order)
        rest = tuple(line for line in order.lines if line is not torn)
        return {1: (replace(torn, quantity=1), *rest), 2: (replace(torn, quantity=torn.quantity - 1),)}
    return {0: order.lines}


def _several(order: Order) -> Line:
    return next(line for line in order.lines if line.quantity > 1)


def _partly(order: Order, line: Line) -> int:
    return 1 if line.number == _several(order).number else 0


def claim_kind(order: Order) -> ClaimKind | None:
    """Say which kind of claim the order will have, None for none."""
    return CLAIMS.get(order.fate)


def claimed(order: Order, now: datetime) -> tuple[Line, ...]:
    """Return the lines of its cancel, return or exchange, with the claimed quantity as cancelled; none while there is none."""
    if order.fate_at > now or claim_kind(order) is None:
        return ()
    if order.fate == "partial_cancel":
        return (replace(_several(order), cancelled=1),)
    return tuple(replace(line, cancelled=line.quantity) for line in order.lines)


def cancelled(order: Order, line: Line, now: datetime) -> int:
    """Return how many of the line are cancelled."""
    if claim_kind(order) != "cancel":
        return 0
    return next((its.cancelled for its in claimed(order, now) if its.number == line.number), 0)


def state(order: Order, line: Line, now: datetime, acknowledged_at: datetime | None = None) -> str:
    """Return the line's state in our words."""
    if cancelled(order, line, now) >= line.quantity:
        return "cancelled"
    if is_settled(order, now):
        return "returned" if order.fate == "return" else "exchanged"
    return STATES[stage(order, now, acknowledged_at)]


def changes(order: Order, line: Line, acknowledged_at: datetime | None = None) -> Iterator[Change]:
    """Give all that ever happens to the line, in the order of time; a line that is cancelled goes no further."""
    moments = list(order.passed)
    if acknowledged_at is not None:
        moments[0] = max(order.ordered_at, min(moments[0], acknowledged_at))
    happened: list[tuple[datetime, What]] = [(order.ordered_at, "paid"), *zip(moments, STAGES[1:], strict=False)]
    kind = claim_kind(order)
    ends = None
    if kind == "cancel" and cancelled(order, line, order.fate_at):
        happened.append((order.fate_at, "cancelled"))
        ends = order.fate_at if cancelled(order, line, order.fate_at) >= line.quantity else None
    elif kind == "return":
        happened += [(order.fate_at, "return_requested"), (order.settled_at, "returned")]
    elif kind == "exchange":
        happened += [(order.fate_at, "exchange_requested"), (order.settled_at, "exchanged")]
    for moment, what in sorted(happened, key=lambda pair: pair[0]):
        if ends is None or moment <= ends:
            yield Change(moment, order, line, what)
