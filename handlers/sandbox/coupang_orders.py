"""Coupang's order sheets, acknowledgements, cancels and returns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handlers.sandbox import life
from handlers.sandbox.answers import Answer, Request, json_answer
from handlers.sandbox.coupang_pages import Json, enveloped, orders_refusal, page, page_size
from handlers.sandbox.orders import LONGEST_LIFE, Line, Order
from handlers.sandbox.shop import OUR_STATES, Shop

KOREA = ZoneInfo("Asia/Seoul")
STATUSES = ("ACCEPT", "INSTRUCT", "DEPARTURE", "DELIVERING", "FINAL_DELIVERY", "FINAL_DELIVERY")
"""Coupang's word for each of life.STAGES: it has none for a confirmed purchase."""
SHEET_STATES = (*STATUSES, "NONE_TRACKING")
RETURN_STATES = {"RU": "RELEASE_STOP_UNCHECKED", "UC": "RETURNS_UNCHECKED", "CC": "RETURNS_COMPLETED",
                 "PR": "REQUEST_COUPANG_CHECK"}
KNOWN_STATES = tuple(state for state in OUR_STATES if state not in ("completed", "exchanged"))
"""Exchanges stand in a list of their own, which is none of order sheets and returnRequests."""
FIRST_ORDER = 31_000_000_000_000
FIRST_BOX = 700_000_000_000_000
FIRST_RECEIPT = 500_000_000_000
FIRST_ITEM = 3_000_000_000
FIRST_PRODUCT = 15_000_000_000
PRODUCT_OF_SELLER = 7_900_000_000
FATES = {"RETURN": ("return",), "CANCEL": ("cancel", "partial_cancel")}


def first_order(seed: int) -> int:
    return FIRST_ORDER + seed % 10_000 * 10**7


def item_id(line: Line) -> int:
    return FIRST_ITEM + line.item.number


def product_id(line: Line) -> int:
    return FIRST_PRODUCT + line.item.product_number


class Orders:
    """Answers what is asked about the orders of one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._first = first_order(shop.state.seed)

    def order_id(self, order: Order) -> int:
        return self._first + order.number

    def box_id(self, order: Order, box: int = 0) -> int:
        return FIRST_BOX + self.order_id(order) * 10 + box

    # -- sheets

    def sheets(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with the sheets of a span that are in one state: paged by day, whole by minute."""
        query = request.query
        status = query.get("status", "")
        if status not in SHEET_STATES:
            raise orders_refusal("Required parameter 'status' is missing or invalid.")
        if query.get("searchType") == "timeFrame":
            start, end = span(query, "%Y-%m-%dT%H:%M")
            if end - start > timedelta(hours=24):
                raise orders_refusal("endTime-startTime range should less than 24 hours.")
            return enveloped(self._rows(start, end, now, status, request, match), "")
        start, end = span(query, "%Y-%m-%d")
        if end - start >= timedelta(days=31):
            raise orders_refusal("endTime-startTime range should less than31.")
        size = page_size(request, 50, 50, orders_refusal)
        rows = self._rows(start, end + timedelta(days=1), now, status, request, match)
        return enveloped(*page(rows, request, lambda row: f"{row['orderId']:020d}/{row['shipmentBoxId']:020d}", size))

    def _rows(
        self, start: datetime, end: datetime, now: datetime, status: str, request: Request, match: re.Match[str]
    ) -> list[Json]:
        return [
            sheet for order in self._shop.orders(start, end, now) if self._status(order, now) == status
            for sheet in self._sheets_now(order, now, request, match)
        ]

    def _status(self, order: Order, now: datetime) -> str:
        return STATUSES[self._shop.stage(order, order.lines[0], now)]

    def _sheets_now(self, order: Order, now: datetime, request: Request, match: re.Match[str]) -> Iterator[Json]:
        version = match["version"]
        money = "4" if request.quirk == "v4_money" else version
        for box, lines in life.boxes(order, now).items():
            yield {
                "shipmentBoxId": self.box_id(order, box), "orderId": self.order_id(order),
                "orderedAt": time_of(order.ordered_at, version),
                "paidAt": time_of(order.ordered_at + timedelta(seconds=4), version), "status": self._status(order, now),
                "shippingPrice": money_of(3000, money), "remotePrice": None, "remoteArea": False,
                "parcelPrintMessage": "문 앞", "splitShipping": order.fate == "split", "ableSplitShipping": False,
                "orderer": {"name": "홍시험", "email": "", "safeNumber": "0502-000-0001", "ordererNumber": None},
                "receiver": {"name": "홍시험", "safeNumber": "0502-000-0001", "receiverNumber": None,
                             "addr1": "서울특별시 시험구 시험로 1", "addr2": "101호", "postCode": "00000"},
                "orderItems": [order_item(line, money) for line in lines],
                "deliveryCompanyName": "", "invoiceNumber": "", "inTrasitDateTime": "", "deliveredDate": "",
                "refer": "안드로이드앱", "shipmentType": "THIRD_PARTY",
            }

    def sheets_of_order(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with all boxes of one order."""
        order = self._shop.find(int(match["order"]) - self._first, now)
        sheets = list(self._sheets_now(order, now, request, match)) if order else []
        if not sheets:
            raise orders_refusal("주문을 찾을 수 없거나 취소된 주문입니다.")
        return json_answer({"code": 200, "message": "OK", "data": sheets})

    def sheet(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with one box."""
        box_id = int(match["box"])
        order = self._order_of_box(box_id, now)
        sheets = self._sheets_now(order, now, request, match) if order else iter(())
        found = next((sheet for sheet in sheets if sheet["shipmentBoxId"] == box_id), None)
        if found is None:
            raise orders_refusal("유효하지 않은 배송번호입니다.")
        return json_answer({"code": 200, "message": "OK", "data": found})

    def _order_of_box(self, box_id: int, now: datetime) -> Order | None:
        number, box = divmod(box_id - FIRST_BOX, 10)
        order = self._shop.find(number - self._first, now)
        return order if order and box in life.boxes(order, now) else None

    # -- acknowledging

    def acknowledge(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Move boxes on from ACCEPT to INSTRUCT, and say of each whether it did."""
        try:
            content = json.loads(request.body)
            numbers = [int(number) for number in content["shipmentBoxIds"]]
        except (ValueError, KeyError, TypeError):
            raise orders_refusal("shipmentBoxIds is required.") from None
        if content.get("vendorId") != self._shop.state.key("vendor_id"):
            raise orders_refusal("Invalid vendor ID")
        if len(numbers) > 50:
            raise orders_refusal("shipmentBoxIds should be at most 50.")
        fails_partly = request.quirk == "partial_ack"
        rows = [self._acknowledge_one(box_id, now, fails_partly and place % 2 == 1) for place, box_id in enumerate(numbers)]
        good = sum(1 for row in rows if row["succeed"])
        code = -1 if not rows else 0 if good == len(rows) else 99 if good == 0 else 1
        message = {0: "SUCCESS", 1: "PARTIAL ERROR", 99: "ERROR", -1: "NOTHING"}[code]
        return json_answer({"code": "200", "message": "OK", "data": {
            "responseKey": 0, "responseCode": code, "responseMessage": message, "responseList": rows}})

    def _acknowledge_one(self, box_id: int, now: datetime, fails: bool) -> Json:
        order = self._order_of_box(box_id, now)
        if fails:
            return result(box_id, False, "SYSTEM_ERROR", "잠시 후 다시 시도해 주세요.", True)
        if order is None or self._shop.stage(order, order.lines[0], now) != 0:
            return result(box_id, False, "INVALID_STATUS", "결제완료 상태의 배송번호가 아닙니다.", False)
        self._shop.acknowledge(order)
        return result(box_id, True, "OK", "", False)

    # -- cancels and returns

    def returns(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with the cancels or the returns that were asked for in a span."""
        query = request.query
        kind = query.get("cancelType", "RETURN")
        status = query.get("status")
        if kind not in FATES or (kind == "CANCEL" and status) or (status and status not in RETURN_STATES):
            raise orders_refusal("cancelType or status is invalid; status is not supported with cancelType=CANCEL.")
        by_minute = query.get("searchType") == "timeFrame"
        start, end = span(query, "%Y-%m-%dT%H:%M" if by_minute else "%Y-%m-%d")
        if end - start >= timedelta(days=31):
            raise orders_refusal("endTime-startTime range should less than31.")
        end = end if by_minute else end + timedelta(days=1)
        rows = [row for row in self._receipts(start, end, now, kind)
                if status is None or row["receiptStatus"] == RETURN_STATES[status]]
        size = page_size(request, 50, 50, orders_refusal)
        return enveloped(*page(rows, request, lambda row: f"{row['receiptId']:020d}", size))

    def _receipts(self, start: datetime, end: datetime, now: datetime, kind: str) -> Iterator[Json]:
        for order in self._shop.orders(start - LONGEST_LIFE, end, now):
            if order.fate in FATES[kind] and start <= order.fate_at < end:
                lines = life.claimed(order, now)
                if lines:
                    yield self._receipt(order, lines, kind, now)

    def _receipt(self, order: Order, lines: tuple[Line, ...], kind: str, now: datetime) -> Json:
        settled = order.settled_at <= now
        return {
            "receiptId": FIRST_RECEIPT + self.order_id(order), "orderId": self.order_id(order),
            "paymentId": self.order_id(order) + 1, "receiptType": kind,
            "receiptStatus": "RETURNS_COMPLETED" if kind == "CANCEL" or settled else "RETURNS_UNCHECKED",
            "createdAt": time_of(order.fate_at, "4"),
            "modifiedAt": time_of(order.settled_at if settled else order.fate_at, "4"),
            "cancelReasonCategory1": "고객변심", "cancelReason": "단순 변심",
            "returnItems": [
                {"vendorItemPackageId": 0, "vendorItemId": item_id(line), "vendorItemName": line.item.full_name,
                 "purchaseCount": line.quantity, "cancelCount": line.cancelled, "shipmentBoxId": self.box_id(order),
                 "sellerProductId": product_id(line), "sellerProductName": line.item.product_name}
                for line in lines
            ],
        }


def result(box_id: int, succeed: bool, code: str, message: str, again: bool) -> Json:
    return {"shipmentBoxId": box_id, "succeed": succeed, "resultCode": code, "resultMessage": message, "retryRequired": again}


def order_item(line: Line, version: str) -> Json:
    item = line.item
    return {
        "vendorItemPackageId": 0, "productId": product_id(line) - PRODUCT_OF_SELLER, "vendorItemId": item_id(line),
        "vendorItemName": item.full_name, "shippingCount": line.quantity,
        "salesPrice": money_of(item.price, version), "orderPrice": money_of(item.price * line.quantity, version),
        "discountPrice": money_of(0, version), "externalVendorSkuCode": item.sku,
        "sellerProductId": product_id(line), "sellerProductName": item.product_name, "sellerProductItemName": item.name,
        "cancelCount": line.cancelled, "holdCountForCancel": 0, "estimatedShippingDate": "", "plannedShippingDate": "",
        "confirmDate": "", "canceled": False,
    }


def money_of(won: int, version: str) -> Any:
    return won if version == "4" else {"currencyCode": "KRW", "units": won, "nanos": 0}


def time_of(moment: datetime, version: str) -> str:
    local = moment.astimezone(KOREA)
    return local.strftime("%Y-%m-%dT%H:%M:%S") if version == "4" else local.isoformat(timespec="microseconds")


def span(query: dict[str, str], form: str) -> tuple[datetime, datetime]:
    """Read the span that is asked for."""
    try:
        start, end = (
            datetime.strptime(query[name].removesuffix("+09:00"), form).replace(tzinfo=KOREA)
            for name in ("createdAtFrom", "createdAtTo")
        )
    except (KeyError, ValueError):
        raise orders_refusal("createdAtFrom and createdAtTo are required, in the format of the search type.") from None
    if end < start:
        raise orders_refusal("createdAtTo should be later than createdAtFrom.")
    return start, end
