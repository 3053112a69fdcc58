"""Turn 11st's answers into our words: every field name and code of its orders, claims, products and stocks lives here.

The names follow the pages of the seller guide as they were read in November 2026 (apiSeq 1876, 1635, 6897, 1727, 1637,
1774 for orders; 1639, 1642, 1643, 1646, 1648, 1651 for claims; 1623 and 1625 for stock). None has been seen live: the
first call with a real key is where they are to be verified.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from handlers.markets.base import BoxLine, Claim, Option, Product, State
from handlers.markets.elevenst_xml import Row

KOREA = ZoneInfo("Asia/Seoul")

# ordPrdStat. Left out because they are no orders yet: 101 made, 102, 103 and 200 awaiting money or address, 801 payment.
STATES: dict[str, State] = {
    "201": "paid",
    "202": "paid",
    "301": "confirmed",
    "401": "shipping",
    "501": "delivered",
    "601": "delivered",
    "701": "confirmed",
    "901": "completed",
    "A01": "returned",
    "B01": "cancelled",
    "C01": "cancelled",
}
NOT_YET = {"101", "102", "103", "200", "801"}
CANCEL_REQUESTED = "701"
CONFIRMED = {"confirmed", "shipping", "delivered", "completed", "returned", "exchanged"}
"""States that a line can only be in after it was confirmed."""


ORDER_LISTS = (
    ("complete", "202"), ("packaging", "301"), ("shipping", "401"), ("dlvcompleted", "501"), ("completed", "901"),
)
"""The order lists with the one state each shows, in the order in which a line passes through them: reading in this order,
one that moves on meanwhile is not missed."""


@dataclass(frozen=True, slots=True)
class ClaimList:
    """One of the claim lists. settled: its rows are done, whatever their own state says."""

    path: str
    kind: Literal["cancel", "return", "exchange"]
    settled: bool


CLAIM_LISTS = (
    ClaimList("cancelorders", "cancel", False),
    ClaimList("canceledorders", "cancel", True),
    ClaimList("returnorders", "return", False),
    ClaimList("returnedorders", "return", True),
    ClaimList("exchangeorders", "exchange", False),
    ClaimList("exchangedorders", "exchange", True),
)
# Cancels have fields of their own; returns and exchanges share theirs.
CLAIM_NUMBER = {"cancel": "ordPrdCnSeq", "return": "clmReqSeq", "exchange": "clmReqSeq"}
CLAIM_QUANTITY = {"cancel": "ordCnQty", "return": "clmReqQty", "exchange": "clmReqQty"}
CLAIM_STATE = {"cancel": "ordCnStatCd", "return": "clmStat", "exchange": "clmStat"}
CLAIM_MADE = {"cancel": "createDt", "return": "reqDt", "exchange": "reqDt"}
CLAIM_DONE = {"cancel": "cnTrtEndDt", "return": "trtEndDt", "exchange": "trtEndDt"}

STATE_NAMES = {"101": "승인대기", "102": "승인전", "103": "판매중", "104": "품절", "105": "전시중지", "106": "정상종료",
               "107": "강제종료", "108": "판매금지"}
ON_SALE = "103"
SOLD_OUT = "104"
ITEM_SOLD_OUT = "02"
FORMS = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d%H%M", "%Y%m%d")
TENTHS = re.compile(r"\.\d+$")


def by_minute(at: datetime) -> str:
    """Write a moment as the paths want it: twelve digits in Korean time."""
    return at.astimezone(KOREA).strftime("%Y%m%d%H%M")


def moment(text: str | None) -> datetime | None:
    """Read a date and time of Korea. Raises ValueError for a text in no known form."""
    if text is None:
        return None
    for form in FORMS:
        try:
            return datetime.strptime(TENTHS.sub("", text), form).replace(tzinfo=KOREA)
        except ValueError:
            continue
    raise ValueError(f"no date and time: {text[:40]!r}")


def required(row: Row, name: str) -> str:
    """Return a field that must be there. Raises KeyError."""
    value = row.get(name)
    if value is None:
        raise KeyError(name)
    return value


def number(text: str | None) -> int | None:
    """Read digits, with or without commas."""
    return None if text is None else int(text.replace(",", ""))


def required_number(row: Row, name: str) -> int:
    return int(required(row, name).replace(",", ""))


def key(row: Row) -> tuple[str, str]:
    """Return what names a line: its order and its place in it."""
    return required(row, "ordNo"), required(row, "ordPrdSeq")


def ordered_at(row: Row) -> datetime:
    """Say when an order was made; where a row does not tell, its payment or the day in its number must do."""
    made = moment(row.get("ordDt") or row.get("ordStlEndDt"))
    if made is not None:
        return made
    # A window of orders begins at or before this midnight, never after it.
    return datetime.strptime(required(row, "ordNo")[:8], "%Y%m%d").replace(tzinfo=KOREA)


def sku(row: Row) -> str | None:
    return row.get("sellerStockCd") or row.get("sellerPrdCd")


def box_line(row: Row, code: str, read_at: datetime) -> BoxLine:
    """Turn a row of an order list, or of a single read, into a line.

    code  the state: of the list it stands in, or its own
    The box is no key: dlvNo is shared by all orders that are packed together, and missing from some lists.
    changed_at stays untold: every list shows what is now, and a date of dispatch is what the seller typed in.
    """
    order_id, line_id = key(row)
    quantity = required_number(row, "ordQty")
    state = STATES[code]
    # The quantity of a single read also counts cancels that are only asked for.
    asked = number(row.get("ordCnQty")) or 0
    return BoxLine(
        order_id=order_id, box_id=row.get("dlvNo") or line_id, line_id=line_id, quantity=quantity, state=state, market_state=code,
        cancelled=quantity if state == "cancelled" else 0, held=asked if code == CANCEL_REQUESTED else 0,
        ordered_at=ordered_at(row), paid_at=moment(row.get("ordStlEndDt")), read_at=read_at,
        product_id=row.get("prdNo"), sku=sku(row), name=row.get("prdNm"), unit_price=number(row.get("selPrc")),
        amount=number(row.get("ordAmt")), shipping_price=number(row.get("dlvCst")),
    )


def filled(line: BoxLine, known: BoxLine | None) -> BoxLine:
    """Fill in what a single read leaves out, from a list that showed the same line before."""
    if known is None:
        return line
    return replace(
        line, box_id=known.box_id, ordered_at=known.ordered_at, paid_at=line.paid_at or known.paid_at,
        sku=line.sku or known.sku, unit_price=known.unit_price if line.unit_price is None else line.unit_price,
        amount=known.amount if line.amount is None else line.amount,
        shipping_price=known.shipping_price if line.shipping_price is None else line.shipping_price,
    )


def single_lines(rows: Sequence[Row], read_at: datetime) -> list[BoxLine]:
    """Turn the rows of a single read, each of which tells its own state, into lines."""
    told = [(row, required(row, "ordPrdStat")) for row in rows]
    return [box_line(row, code, read_at) for row, code in told if code not in NOT_YET]


def claim(row: Row, listed: ClaimList, read_at: datetime) -> Claim:
    """Turn a row of a claim list into a claim."""
    order_id, line_id = key(row)
    quantity = required_number(row, CLAIM_QUANTITY[listed.kind])
    made = moment(required(row, CLAIM_MADE[listed.kind]))
    assert made is not None
    return Claim(
        claim_id=required(row, CLAIM_NUMBER[listed.kind]), order_id=order_id, line_id=line_id, kind=listed.kind,
        completed=listed.settled, ordered=quantity, quantity=quantity, claimed_at=made, read_at=read_at,
        market_state=row.get(CLAIM_STATE[listed.kind]) or "", changed_at=moment(row.get(CLAIM_DONE[listed.kind])) or made,
    )


def product(row: Row, read_at: datetime, options: tuple[Option, ...] | None) -> Product:
    """Turn a row of the product list into a product."""
    code = row.get("selStatCd") or ""
    return Product(
        product_id=required(row, "prdNo"), name=required(row, "prdNm"), brand=row.get("brand"),
        status=row.get("selStatNm") or STATE_NAMES.get(code) or code or None, sale_from=moment(row.get("aplBgnDy")),
        sale_to=moment(row.get("aplEndDy")), read_at=read_at, options=options,
    )


def options(product_row: Row, stocks: Sequence[Row]) -> tuple[Option, ...]:
    """Turn a product and the stocks of its items into options."""
    base = required_number(product_row, "selPrc")
    on_sale = product_row.get("selStatCd") == ON_SALE
    # The product's own code names an item only where there is no choice between several.
    code = product_row.get("sellerPrdCd") if len(stocks) == 1 else None
    return tuple(
        Option(
            item_id=required(stock, "prdStckNo"), name=stock.get("mixDtlOptNm") or required(product_row, "prdNm"),
            sku=stock.get("sellerStockCd") or code, barcode=None, original_price=None,
            price=base + (number(stock.get("addPrc")) or 0), stock=required_number(stock, "stckQty"),
            on_sale=on_sale and stock.get("prdStckStatCd") != ITEM_SOLD_OUT,
        )
        for stock in stocks
    )
