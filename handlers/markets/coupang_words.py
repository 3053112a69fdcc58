"""Turn Coupang's answers into our words: every field name of its orders, claims and products lives here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from handlers.markets.base import BoxLine, Claim, Option, Product, State
from handlers.markets.reading import Json, moment, required_moment, text_or_none

STATES: dict[str, State] = {
    "ACCEPT": "paid",
    "INSTRUCT": "confirmed",
    "DEPARTURE": "shipping",
    "DELIVERING": "shipping",
    "NONE_TRACKING": "shipping",
    "FINAL_DELIVERY": "delivered",
}
"""In the order in which a sheet passes through them: reading in this order, one that moves on meanwhile is not missed."""

CONFIRMED: set[State] = {"confirmed", "shipping", "delivered", "completed"}
"""States of lines in a box that was acknowledged; a cancelled line tells nothing of it."""


def won(money: Any) -> int | None:
    """Read an amount as whole won: an object with units (v5), a number (v4), or nothing."""
    if money is None or money == "":
        return None
    if isinstance(money, dict):
        currency = money.get("currencyCode") or "KRW"
        if currency != "KRW":
            raise ValueError(f"amount in {currency}, not in won")
        return int(money.get("units") or 0)
    return round(float(money))


def box_lines(sheet: Json, read_at: datetime) -> list[BoxLine]:
    """Turn one order sheet into its lines; the same option twice in a box is added up."""
    lines: dict[str, BoxLine] = {}
    for item in sheet["orderItems"]:
        line = _box_line(sheet, item, read_at)
        former = lines.get(line.line_id)
        lines[line.line_id] = line if former is None else _added(former, line)
    return list(lines.values())


def _box_line(sheet: Json, item: Json, read_at: datetime) -> BoxLine:
    market_state = str(sheet["status"])
    quantity = int(item["shippingCount"])
    cancelled = quantity if item.get("canceled") else int(item.get("cancelCount") or 0)
    state = STATES[market_state]
    if cancelled >= quantity > 0:
        state = "cancelled"
    elif item.get("confirmDate"):
        state = "completed"
    return BoxLine(
        order_id=str(sheet["orderId"]), box_id=str(sheet["shipmentBoxId"]), line_id=str(item["vendorItemId"]),
        quantity=quantity, cancelled=cancelled, held=int(item.get("holdCountForCancel") or 0), state=state,
        market_state=market_state, ordered_at=required_moment(sheet["orderedAt"]), paid_at=moment(sheet.get("paidAt")),
        read_at=read_at, product_id=text_or_none(item.get("sellerProductId")),
        sku=text_or_none(item.get("externalVendorSkuCode")), name=text_or_none(item.get("vendorItemName")),
        unit_price=won(item.get("salesPrice")), amount=won(item.get("orderPrice")),
        shipping_price=won(sheet.get("shippingPrice")),
    )


def _added(one: BoxLine, other: BoxLine) -> BoxLine:
    return replace(
        one, quantity=one.quantity + other.quantity, cancelled=one.cancelled + other.cancelled,
        held=one.held + other.held, amount=(one.amount or 0) + (other.amount or 0),
        state=other.state if one.state == "cancelled" else one.state,
    )


def claims(row: Json, read_at: datetime) -> list[Claim]:
    """Turn one receipt of returnRequests into claims, one for each option it names."""
    found: dict[str, Claim] = {}
    kind = "cancel" if str(row.get("receiptType") or "").upper() == "CANCEL" else "return"
    state = str(row.get("receiptStatus") or "")
    for item in row.get("returnItems") or []:
        line_id = str(item["vendorItemId"])
        quantity = int(item.get("cancelCount") or 0)
        ordered = int(item.get("purchaseCount") or quantity)
        former = found.get(line_id)
        found[line_id] = Claim(
            claim_id=str(row["receiptId"]), order_id=str(row["orderId"]), line_id=line_id,
            kind="cancel" if kind == "cancel" else "return",
            # A cancel before dispatch is settled by Coupang at once; a return only when the goods are checked.
            completed=kind == "cancel" or state == "RETURNS_COMPLETED",
            ordered=ordered + (former.ordered if former else 0), quantity=quantity + (former.quantity if former else 0),
            claimed_at=required_moment(row["createdAt"]), read_at=read_at, market_state=state,
            name=text_or_none(item.get("vendorItemName")),
        )
    return list(found.values())


def product(row: Json, read_at: datetime, options: tuple[Option, ...] | None) -> Product:
    """Turn a row of the product list into a product."""
    return Product(
        product_id=str(row["sellerProductId"]), name=str(row["sellerProductName"]), brand=text_or_none(row.get("brand")),
        status=text_or_none(row.get("statusName")), sale_from=moment(row.get("saleStartedAt")),
        sale_to=moment(row.get("saleEndedAt")), read_at=read_at, options=options,
    )


def option(item: Json, stock: Json) -> Option:
    """Turn an item of a product and the answer about its stock into an option."""
    return Option(
        item_id=str(item["vendorItemId"]), name=str(item.get("itemName") or ""),
        sku=text_or_none(item.get("externalVendorSku")), barcode=text_or_none(item.get("barcode")),
        original_price=won(item.get("originalPrice")),
        price=won(stock["salePrice"] if stock.get("salePrice") is not None else item.get("salePrice")),
        stock=int(stock["amountInStock"]) if stock.get("amountInStock") is not None else None,
        on_sale=stock.get("onSale"),
    )
