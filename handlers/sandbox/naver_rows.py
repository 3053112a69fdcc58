"""How the sandbox Naver numbers and writes down one line of an order: a product order with its claim."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.sandbox import life
from handlers.sandbox.naver_gate import stamp
from handlers.sandbox.orders import Line, Order
from handlers.sandbox.shop import Shop

FIRST_ORDER = 2026_1000_0000_0000
LINES = 100
ORIGIN = 8_000_000_000
CHANNEL = 9_000_000_000
OPTION = 50_000_000_000
STATUSES = {
    "paid": "PAYED", "confirmed": "PAYED", "shipping": "DELIVERING", "delivered": "DELIVERED",
    "completed": "PURCHASE_DECIDED", "cancelled": "CANCELED", "returned": "RETURNED", "exchanged": "EXCHANGED",
}

Json = dict[str, Any]


def order_id(order: Order) -> str:
    return str(FIRST_ORDER + order.number * LINES)


def product_order_id(order: Order, line: Line) -> str:
    return str(FIRST_ORDER + order.number * LINES + line.number)


def find_line(shop: Shop, number: str, now: datetime) -> tuple[Order, Line] | None:
    """Return the order and the line of a product order number; None while there is none."""
    if not number.isdigit():
        return None
    order_number, line_number = divmod(int(number) - FIRST_ORDER, LINES)
    order = shop.find(order_number, now) if order_number >= 0 else None
    line = next((line for line in order.lines if line.number == line_number), None) if order else None
    return (order, line) if order and line else None


def row(shop: Shop, order: Order, line: Line, now: datetime, new_form: bool) -> Json:
    """Write down a product order as it stands.

    new_form  the caller understands claims for a part of the quantity
    """
    claim = _claim(order, line, now)
    content: Json = {"order": _order(order), "productOrder": _product_order(shop, order, line, now, claim)}
    if claim is None:
        return content
    kind = str(life.claim_kind(order))
    if not new_form:
        # The older form knows of no quantity.
        content[kind] = {name: value for name, value in claim.items() if name != "requestQuantity"}
    elif _is_partial(line, claim):
        content["completedClaims"] = [claim]
    else:
        content["currentClaim"] = {kind: claim}
    return content


def _order(order: Order) -> Json:
    return {
        "orderId": order_id(order), "orderDate": stamp(order.ordered_at), "ordererId": "test****", "ordererName": "홍시험",
        "ordererTel": "010-0000-0000", "paymentDate": stamp(order.ordered_at), "paymentMeans": "신용카드",
        "payLocationType": "MOBILE",
    }


def _product_order(shop: Shop, order: Order, line: Line, now: datetime, claim: Json | None) -> Json:
    item, state = line.item, shop.line_state(order, line, now)
    remaining = line.quantity - _gone(order, line, now)
    current = claim if claim is not None and not _is_partial(line, claim) else {}
    return {
        "productOrderId": product_order_id(order, line), "productOrderStatus": STATUSES[state],
        "claimType": current.get("claimType"), "claimStatus": current.get("claimStatus"), "claimId": current.get("claimId"),
        "placeOrderStatus": "OK" if shop.stage(order, line, now) else "NOT_YET",
        **_sold(shop, line), "quantity": remaining or line.quantity, "initialQuantity": line.quantity,
        "remainQuantity": remaining, "totalProductAmount": item.price * (remaining or line.quantity),
        "initialProductAmount": item.price * line.quantity, "remainProductAmount": item.price * remaining,
        "totalPaymentAmount": item.price * (remaining or line.quantity), "productDiscountAmount": 0,
        "deliveryFeeAmount": 3000, "shippingFeeType": "유료", "shippingDueDate": stamp(order.ordered_at + timedelta(days=2)),
        "shippingAddress": {"name": "홍시험", "tel1": "010-0000-0000", "zipCode": "00000",
                            "baseAddress": "서울특별시 시험구 시험로 1", "detailedAddress": "101호"},
        "shippingMemo": "문 앞", "packageNumber": order_id(order), "taxType": "TAXATION",
    }


def _sold(shop: Shop, line: Line) -> Json:
    """Write down what was sold, at the prices of then."""
    item = line.item
    goods = shop.product(item.product_number)
    siblings = goods.items if goods else (item,)
    base = min(each.price for each in siblings)
    codes: Json = {"sellerProductCode": item.sku}
    if len(siblings) > 1:
        codes = {
            "optionCode": str(OPTION + item.number), "itemNo": str(OPTION + item.number), "optionManageCode": item.sku,
            "sellerProductCode": f"GOODS-{item.product_number:04d}", "productOption": f"옵션: {item.name}",
        }
    return {
        "productId": str(CHANNEL + item.product_number), "originalProductId": str(ORIGIN + item.product_number),
        "productName": item.product_name, "unitPrice": base, "optionPrice": item.price - base, **codes,
    }


def _gone(order: Order, line: Line, now: datetime) -> int:
    """Return how much of the line is cancelled or came back."""
    if life.is_settled(order, now) and order.fate == "return":
        return line.quantity
    return life.cancelled(order, line, now)


def _is_partial(line: Line, claim: Json) -> bool:
    return int(claim["requestQuantity"]) < line.quantity


def _claim(order: Order, line: Line, now: datetime) -> Json | None:
    claimed = next((its for its in life.claimed(order, now) if its.number == line.number and its.cancelled), None)
    kind = life.claim_kind(order)
    if claimed is None or kind is None:
        return None
    return {
        "claimId": f"{FIRST_ORDER * 2 + order.number * LINES + line.number}", "claimType": kind.upper(),
        "claimStatus": _claim_status(order, kind, now), "claimRequestDate": stamp(order.fate_at),
        "requestQuantity": claimed.cancelled, "requestChannel": "구매회원",
    }


def _claim_status(order: Order, kind: str, now: datetime) -> str:
    """Say how far the claim is; what came back lies in the shop a while before the claim is settled."""
    if kind == "cancel" or order.settled_at <= now:
        return f"{kind.upper()}_DONE"
    collected = order.fate_at + (order.settled_at - order.fate_at) / 2
    return "COLLECT_DONE" if collected <= now else f"{kind.upper()}_REQUEST"
