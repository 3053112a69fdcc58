"""Turn Naver's answers about orders into our words: every field name of its orders and claims lives here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from handlers.markets.base import BoxLine, Claim, State
from handlers.markets.reading import KOREA, Json, moment, required_moment, text_or_none

STATES: dict[str, State] = {
    "PAYED": "paid",
    "DELIVERING": "shipping",
    "DELIVERED": "delivered",
    "PURCHASE_DECIDED": "completed",
    "EXCHANGED": "exchanged",
    "CANCELED": "cancelled",
    "CANCELED_BY_NOPAYMENT": "cancelled",
    "RETURNED": "returned",
}
NOT_YET_AN_ORDER = "PAYMENT_WAITING"

Kind = Literal["cancel", "return", "exchange"]
KINDS: dict[str, Kind] = {"CANCEL": "cancel", "ADMIN_CANCEL": "cancel", "RETURN": "return", "EXCHANGE": "exchange"}
DONE = {"CANCEL_DONE", "ADMIN_CANCEL_DONE", "RETURN_DONE", "EXCHANGE_DONE"}
"""COLLECT_DONE is not among them: the goods are back, but the claim is not settled."""

HAPPENED = (
    "orderDate", "paymentDate", "placeOrderDate", "decisionDate", "sendDate", "pickupDate", "deliveredDate",
    "claimRequestDate", "cancelCompletedDate", "returnCompletedDate", "exchangeCompletedDate",
)


def stamp(at: datetime) -> str:
    """Write a moment as a query wants it: milliseconds, Korean time, the plus of the offset escaped."""
    return at.astimezone(KOREA).isoformat(timespec="milliseconds").replace("+", "%2B")


def won(value: Any) -> int | None:
    return None if value in (None, "") else round(float(value))


def identity(row: Json) -> str:
    return str(row["productOrder"]["productOrderId"])


def is_order(row: Json) -> bool:
    """Say whether the row is an order: nobody has paid for one that waits for its payment."""
    return bool(row["productOrder"]["productOrderStatus"] != NOT_YET_AN_ORDER)


def changed_at(row: Json) -> datetime | None:
    """Return the latest of the dates at which the row says that something happened: an older copy of it has an older one."""
    parts = [row["order"], row["productOrder"], row.get("delivery") or {}, *(told for _, told in _told(row))]
    dates = [moment(part.get(name)) for part in parts for name in HAPPENED]
    return max((date for date in dates if date is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Part:
    """One claim as a row tells of it."""

    claim_id: str
    kind: Kind
    status: str
    quantity: int
    requested_at: datetime | None

    @property
    def is_done(self) -> bool:
        return self.status in DONE

    @property
    def is_withdrawn(self) -> bool:
        return self.status.endswith("_REJECT")


def box_line(row: Json, read_at: datetime, changed_at: datetime | None = None) -> BoxLine:
    """Turn a product order into a line that is its own box."""
    order, sold = row["order"], row["productOrder"]
    market_state = str(sold["productOrderStatus"])
    quantity = _ordered(sold)
    state = _state(sold, market_state)
    parts = _parts(row)
    cancelled = _cancelled(sold, state, quantity, parts)
    held = sum(part.quantity for part in parts if part.kind == "cancel" and not part.is_done and not part.is_withdrawn)
    number = identity(row)
    paid_at = moment(order.get("paymentDate"))
    unit_price = won(sold.get("unitPrice"))
    return BoxLine(
        order_id=str(order["orderId"]), box_id=number, line_id=number, quantity=quantity, state=state,
        market_state=market_state, ordered_at=moment(order.get("orderDate")) or required_moment(order.get("paymentDate")),
        read_at=read_at, cancelled=cancelled, held=min(held, quantity - cancelled), paid_at=paid_at,
        product_id=text_or_none(sold.get("originalProductId")),
        sku=text_or_none(sold.get("optionManageCode")) or text_or_none(sold.get("sellerProductCode")),
        name=" ".join(filter(None, (sold.get("productName"), sold.get("productOption")))) or None,
        unit_price=None if unit_price is None else unit_price + (won(sold.get("optionPrice")) or 0),
        amount=won(sold.get("initialProductAmount", sold.get("totalProductAmount"))),
        shipping_price=won(sold.get("deliveryFeeAmount")), changed_at=changed_at,
    )


def _ordered(sold: Json) -> int:
    """Return what was ordered; ``quantity`` itself falls when a part is cancelled."""
    return int(sold.get("initialQuantity") or sold["quantity"])


def _state(sold: Json, market_state: str) -> State:
    """Say how far it is; a state that is not in the documents leaves it where the placed-order check has it."""
    state = STATES.get(market_state, "paid")
    return "confirmed" if state == "paid" and sold.get("placeOrderStatus") == "OK" else state


def _cancelled(sold: Json, state: State, quantity: int, parts: list[_Part]) -> int:
    if state == "cancelled":
        return quantity
    told = sum(part.quantity for part in parts if part.kind == "cancel" and part.is_done)
    remaining = sold.get("remainQuantity")
    if told or remaining is None or any(part.kind != "cancel" for part in parts):
        return min(told, quantity)
    return min(max(quantity - int(remaining), 0), quantity) if state not in ("returned", "exchanged") else 0


def claims(row: Json, read_at: datetime, changed_at: datetime | None = None) -> list[Claim]:
    """Turn the cancels, returns and exchanges of a product order into claims.

    One that was withdrawn is settled and counts for nothing.
    """
    order, sold = row["order"], row["productOrder"]
    return [
        Claim(
            claim_id=part.claim_id, order_id=str(order["orderId"]), line_id=identity(row), kind=part.kind,
            completed=part.is_done or part.is_withdrawn, ordered=_ordered(sold),
            quantity=0 if part.is_withdrawn else part.quantity,
            claimed_at=part.requested_at or changed_at or read_at, read_at=read_at, market_state=part.status,
            name=text_or_none(sold.get("productName")), changed_at=changed_at,
        )
        for part in _parts(row)
    ]


def _parts(row: Json) -> list[_Part]:
    """Return the claims of a row, each once: those that are settled, the present one, and the older form of it."""
    found = {part.claim_id: part for part in _all_parts(row)}
    return list(found.values())


def _all_parts(row: Json) -> Iterator[_Part]:
    sold = row["productOrder"]
    told = _told(row)
    if not told and sold.get("claimType") in KINDS:
        told = [(KINDS[sold["claimType"]], {})]
    only = sold if len(told) == 1 else {}
    for place, (kind, part) in enumerate(told, start=1):
        status = str(part.get("claimStatus") or only.get("claimStatus") or "")
        number = part.get("claimId") or only.get("claimId") or f"{sold['productOrderId']}-{kind}-{place}"
        yield _Part(str(number), kind, status, _claimed(part, sold, status), moment(part.get("claimRequestDate")))


def _told(row: Json) -> list[tuple[Kind, Json]]:
    present = row.get("currentClaim") or row
    told = [(KINDS[name.upper()], present[name]) for name in ("cancel", "return", "exchange") if present.get(name)]
    return told + [
        (KINDS[part["claimType"]], part) for part in row.get("completedClaims") or [] if part.get("claimType") in KINDS
    ]


def _claimed(part: Json, sold: Json, status: str) -> int:
    """Return the quantity of a claim; without word of it, what is missing of the line, or all of it."""
    if part.get("requestQuantity"):
        return int(part["requestQuantity"])
    ordered, remaining = _ordered(sold), sold.get("remainQuantity")
    missing = ordered - int(remaining) if remaining is not None and status in DONE else 0
    return missing or ordered
