"""Coupang as its documents describe it: signatures, envelopes, limits of windows and pages, orders, products, writes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handlers.sandbox import orders as stream
from handlers.sandbox.answers import Answer, Refusal, Request, json_answer
from handlers.sandbox.catalogue import Goods, Item, catalogue
from handlers.sandbox.state import State

KOREA = ZoneInfo("Asia/Seoul")
CEA = re.compile(
    r"CEA algorithm=HmacSHA256, ?access-key=(?P<key>[^,\s]+), ?signed-date=(?P<date>\d{6}T\d{6}Z), ?"
    r"signature=(?P<signature>[0-9a-f]{64})"
)
SIGNATURE_AGE = timedelta(minutes=5)
ORDERS = r"/v2/providers/openapi/apis/api/v(?P<version>[456])/vendors/(?P<vendor>[^/]+)"
MARKET = r"/v2/providers/seller_api/apis/api/v1/marketplace"
SHEET_STATES = (*stream.STATUSES, "NONE_TRACKING")
RETURN_STATES = {"RU": "RELEASE_STOP_UNCHECKED", "UC": "RETURNS_UNCHECKED", "CC": "RETURNS_COMPLETED",
                 "PR": "REQUEST_COUPANG_CHECK"}
MOST_STOCK = 99_999

Json = dict[str, Any]
Answerer = Callable[[Request, re.Match[str], datetime], Answer]


def orders_refusal(message: str) -> Refusal:
    return Refusal(json_answer({"code": 400, "message": message, "data": None}, 400))


def products_refusal(message: str) -> Refusal:
    return Refusal(json_answer({"code": "ERROR", "message": message, "data": None}, 400))


def unauthorized(message: str) -> Refusal:
    return Refusal(json_answer({"code": "ERROR", "message": message, "transactionId": str(uuid.uuid4())}, 401))


def page(rows: list[Json], request: Request, key: Callable[[Json], str], size: int) -> tuple[list[Json], str]:
    """Cut one page out of *rows*, and name the row it ended with, so that rows which leave shift nothing.

    The token is bound to the query it was given for.
    """
    query = {name: value for name, value in request.query.items() if name != "nextToken"}
    bound = hashlib.sha256(json.dumps(query, sort_keys=True).encode()).hexdigest()[:12]
    given = request.query.get("nextToken", "")
    if given:
        try:
            owner, _, last = base64.urlsafe_b64decode(given).decode().partition(":")
        except ValueError:
            owner, last = "", ""
        if owner != bound:
            raise orders_refusal("Invalid nextToken")
        rows = [row for row in rows if key(row) > last]
    cut = rows[:size]
    more = len(rows) > size
    return cut, base64.urlsafe_b64encode(f"{bound}:{key(cut[-1])}".encode()).decode() if more else ""


def page_size(request: Request, default: int, most: int, refusal: Callable[[str], Refusal]) -> int:
    text = request.query.get("maxPerPage", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise refusal(f"maxPerPage should be between 1 and {most}.")
    return int(text)


class Coupang:
    """One shop. now is the shop's clock, which a test may set."""

    def __init__(self, state: State, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.state = state
        self.now = now
        self.stream = stream.Stream(state.seed, state.start, state.per_minute)
        self.partial_acknowledge = False
        self.v4_money = False
        self._goods: dict[int, Goods] = {goods.product_id: goods for goods in catalogue(state.seed)}
        self._items: dict[int, Item] = {item.vendor_item_id: item for goods in self._goods.values() for item in goods.items}
        self._routes: list[tuple[str, re.Pattern[str], Answerer]] = [
            (method, re.compile(pattern), answerer) for method, pattern, answerer in (
                ("GET", ORDERS + "/ordersheets", self._sheets),
                ("GET", ORDERS + r"/(?P<order>\d+)/ordersheets", self._sheets_of_order),
                ("GET", ORDERS + r"/ordersheets/(?P<box>\d+)", self._sheet),
                ("PUT", ORDERS + "/ordersheets/acknowledgement", self._acknowledge),
                ("PATCH", ORDERS + "/ordersheets/acknowledgement", self._acknowledge),
                ("GET", ORDERS + "/returnRequests", self._returns),
                ("GET", MARKET + "/seller-products", self._products),
                ("GET", MARKET + r"/seller-products/(?P<product>\d+)", self._product),
                ("GET", MARKET + r"/vendor-items/(?P<item>\d+)/inventories", self._inventory),
                ("PUT", MARKET + r"/vendor-items/(?P<item>\d+)/quantities/(?P<value>-?\d+)", self._set_stock),
                ("PUT", MARKET + r"/vendor-items/(?P<item>\d+)/prices/(?P<value>\d+)", self._set_price),
                ("PUT", MARKET + r"/vendor-items/(?P<item>\d+)/sales/(?P<value>stop|resume)", self._set_sale),
            )
        ]

    def answer(self, request: Request) -> Answer:
        """Answer a request as Coupang does."""
        try:
            self._authorize(request)
            for method, pattern, answerer in self._routes:
                match = pattern.fullmatch(request.path)
                if match and method == request.method:
                    self._check_vendor(match)
                    return answerer(request, match, self.now())
        except Refusal as refusal:
            return refusal.answer
        return json_answer({"code": "ERROR", "message": "Not Found"}, 404)

    def truth(self) -> list[dict[str, object]]:
        """Return every line ordered so far, in the scheduler's words."""
        now = self.now()
        return [
            line for order in self.stream.between(self.state.start, now)
            for line in stream.truth(order, now, self._acknowledged(order))
        ]

    # -- who asks

    def _authorize(self, request: Request) -> None:
        match = CEA.fullmatch(request.headers.get("authorization", ""))
        if match is None:
            raise unauthorized("HMAC format is invalid.")
        if match["key"] != self.state.key("access_key"):
            raise unauthorized("Request is not authorized")
        try:
            signed = datetime.strptime(match["date"], "%y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise unauthorized("HMAC format is invalid.") from None
        message = f"{match['date']}{request.method}{request.path}{request.raw_query}"
        expected = hmac.new(self.state.key("secret_key").encode(), message.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, match["signature"]):
            raise unauthorized("Invalid signature")
        if abs(datetime.now(UTC) - signed) > SIGNATURE_AGE:
            raise unauthorized("Specified signature is expired.")

    def _check_vendor(self, match: re.Match[str]) -> None:
        if match.groupdict().get("vendor", self.state.key("vendor_id")) != self.state.key("vendor_id"):
            raise orders_refusal("Invalid vendor ID")

    # -- orders

    def _sheets(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        query = request.query
        status = query.get("status", "")
        if status not in SHEET_STATES:
            raise orders_refusal("Required parameter 'status' is missing or invalid.")
        if query.get("searchType") == "timeFrame":
            start, end = self._span(query, "%Y-%m-%dT%H:%M")
            if end - start > timedelta(hours=24):
                raise orders_refusal("endTime-startTime range should less than 24 hours.")
            return self._enveloped(self._rows(start, end, now, status, match["version"]), "")
        start, end = self._span(query, "%Y-%m-%d")
        if end - start >= timedelta(days=31):
            raise orders_refusal("endTime-startTime range should less than31.")
        size = page_size(request, 50, 50, orders_refusal)
        rows = self._rows(start, end + timedelta(days=1), now, status, match["version"])
        rows, token = page(rows, request, lambda row: f"{row['orderId']:020d}/{row['shipmentBoxId']:020d}", size)
        return self._enveloped(rows, token)

    @staticmethod
    def _enveloped(rows: list[Json], token: str) -> Answer:
        return json_answer({"code": 200, "message": "OK", "nextToken": token, "data": rows})

    @staticmethod
    def _span(query: dict[str, str], form: str) -> tuple[datetime, datetime]:
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

    def _rows(self, start: datetime, end: datetime, now: datetime, status: str, version: str) -> list[Json]:
        made = self.stream.between(start, min(end, now))
        return [sheet for order in made for sheet in self._sheets_now(order, now, version) if sheet["status"] == status]

    def _sheets_now(self, order: stream.Order, now: datetime, version: str) -> Iterator[Json]:
        status = stream.STATUSES[stream.stage(order, now, self._acknowledged(order))]
        for box_id, lines in stream.boxes(order, now).items():
            yield {
                "shipmentBoxId": box_id, "orderId": order.order_id, "orderedAt": self._time(order.ordered_at, version),
                "paidAt": self._time(order.ordered_at + timedelta(seconds=4), version), "status": status,
                "shippingPrice": self._money(3000, version), "remotePrice": None, "remoteArea": False,
                "parcelPrintMessage": "문 앞", "splitShipping": order.fate == "split", "ableSplitShipping": False,
                "orderer": {"name": "홍시험", "email": "", "safeNumber": "0502-000-0001", "ordererNumber": None},
                "receiver": {"name": "홍시험", "safeNumber": "0502-000-0001", "receiverNumber": None,
                             "addr1": "서울특별시 시험구 시험로 1", "addr2": "101호", "postCode": "00000"},
                "orderItems": [self._order_item(line, version) for line in lines],
                "deliveryCompanyName": "", "invoiceNumber": "", "inTrasitDateTime": "", "deliveredDate": "",
                "refer": "안드로이드앱", "shipmentType": "THIRD_PARTY",
            }

    def _order_item(self, line: stream.Line, version: str) -> Json:
        item = line.item
        return {
            "vendorItemPackageId": 0, "productId": item.product_id - 7_900_000_000, "vendorItemId": item.vendor_item_id,
            "vendorItemName": f"{item.product_name} {item.name}", "shippingCount": line.quantity,
            "salesPrice": self._money(item.price, version), "orderPrice": self._money(item.price * line.quantity, version),
            "discountPrice": self._money(0, version), "externalVendorSkuCode": item.sku,
            "sellerProductId": item.product_id, "sellerProductName": item.product_name, "sellerProductItemName": item.name,
            "cancelCount": line.cancelled, "holdCountForCancel": 0, "estimatedShippingDate": "", "plannedShippingDate": "",
            "confirmDate": "", "canceled": False,
        }

    def _money(self, won: int, version: str) -> Any:
        return won if self.v4_money or version == "4" else {"currencyCode": "KRW", "units": won, "nanos": 0}

    def _time(self, moment: datetime, version: str) -> str:
        local = moment.astimezone(KOREA)
        return local.strftime("%Y-%m-%dT%H:%M:%S") if version == "4" else local.isoformat(timespec="microseconds")

    def _acknowledged(self, order: stream.Order) -> datetime | None:
        at = self.state.get("acknowledged", order.order_id)
        return datetime.fromisoformat(at) if at else None

    def _sheets_of_order(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        order = self.stream.find(int(match["order"]))
        sheets = list(self._sheets_now(order, now, match["version"])) if order and order.ordered_at <= now else []
        if not sheets:
            raise orders_refusal("주문을 찾을 수 없거나 취소된 주문입니다.")
        return json_answer({"code": 200, "message": "OK", "data": sheets})

    def _order_of_box(self, box_id: int, now: datetime) -> stream.Order | None:
        order = self.stream.find((box_id - 700_000_000_000_000) // 10)
        return order if order and order.ordered_at <= now and box_id in stream.boxes(order, now) else None

    def _sheet(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        box_id = int(match["box"])
        order = self._order_of_box(box_id, now)
        sheets = self._sheets_now(order, now, match["version"]) if order else iter(())
        sheet = next((sheet for sheet in sheets if sheet["shipmentBoxId"] == box_id), None)
        if sheet is None:
            raise orders_refusal("유효하지 않은 배송번호입니다.")
        return json_answer({"code": 200, "message": "OK", "data": sheet})

    def _acknowledge(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        try:
            content = json.loads(request.body)
            numbers = [int(number) for number in content["shipmentBoxIds"]]
        except (ValueError, KeyError, TypeError):
            raise orders_refusal("shipmentBoxIds is required.") from None
        if content.get("vendorId") != self.state.key("vendor_id"):
            raise orders_refusal("Invalid vendor ID")
        if len(numbers) > 50:
            raise orders_refusal("shipmentBoxIds should be at most 50.")
        rows = [self._acknowledge_one(number, place, now) for place, number in enumerate(numbers)]
        good = sum(1 for row in rows if row["succeed"])
        code = -1 if not rows else 0 if good == len(rows) else 99 if good == 0 else 1
        message = {0: "SUCCESS", 1: "PARTIAL ERROR", 99: "ERROR", -1: "NOTHING"}[code]
        return json_answer({"code": "200", "message": "OK", "data": {
            "responseKey": 0, "responseCode": code, "responseMessage": message, "responseList": rows}})

    def _acknowledge_one(self, box_id: int, place: int, now: datetime) -> Json:
        order = self._order_of_box(box_id, now)
        if self.partial_acknowledge and place % 2:
            return self._result(box_id, False, "SYSTEM_ERROR", "잠시 후 다시 시도해 주세요.", True)
        if order is None or stream.stage(order, now, self._acknowledged(order)) != 0:
            return self._result(box_id, False, "INVALID_STATUS", "결제완료 상태의 배송번호가 아닙니다.", False)
        self.state.put("acknowledged", order.order_id, now.isoformat())
        return self._result(box_id, True, "OK", "", False)

    @staticmethod
    def _result(box_id: int, succeed: bool, code: str, message: str, again: bool) -> Json:
        return {"shipmentBoxId": box_id, "succeed": succeed, "resultCode": code, "resultMessage": message,
                "retryRequired": again}

    # -- cancels and returns

    def _returns(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        query = request.query
        kind = query.get("cancelType", "RETURN")
        status = query.get("status")
        if kind not in ("RETURN", "CANCEL") or (kind == "CANCEL" and status) or (status and status not in RETURN_STATES):
            raise orders_refusal("cancelType or status is invalid; status is not supported with cancelType=CANCEL.")
        by_minute = query.get("searchType") == "timeFrame"
        start, end = self._span(query, "%Y-%m-%dT%H:%M" if by_minute else "%Y-%m-%d")
        if end - start >= timedelta(days=31):
            raise orders_refusal("endTime-startTime range should less than31.")
        end = end if by_minute else end + timedelta(days=1)
        rows = [row for row in self._receipts(start, min(end, now), now, kind)
                if status is None or row["receiptStatus"] == RETURN_STATES[status]]
        rows, token = page(rows, request, lambda row: f"{row['receiptId']:020d}", page_size(request, 50, 50, orders_refusal))
        return self._enveloped(rows, token)

    def _receipts(self, start: datetime, end: datetime, now: datetime, kind: str) -> Iterator[Json]:
        fates = ("return",) if kind == "RETURN" else ("cancel", "partial_cancel")
        for order in self.stream.between(start - stream.LONGEST_LIFE, end):
            lines = stream.claimed(order, now) if order.fate in fates and start <= order.fate_at < end else ()
            if lines:
                yield self._receipt(order, lines, kind, now)

    def _receipt(self, order: stream.Order, lines: tuple[stream.Line, ...], kind: str, now: datetime) -> Json:
        settled = order.settled_at <= now
        return {
            "receiptId": 500_000_000_000 + order.order_id, "orderId": order.order_id, "paymentId": order.order_id + 1,
            "receiptType": kind, "receiptStatus": "RETURNS_COMPLETED" if kind == "CANCEL" or settled else "RETURNS_UNCHECKED",
            "createdAt": self._time(order.fate_at, "4"),
            "modifiedAt": self._time(order.settled_at if settled else order.fate_at, "4"),
            "cancelReasonCategory1": "고객변심", "cancelReason": "단순 변심",
            "returnItems": [
                {"vendorItemPackageId": 0, "vendorItemId": line.item.vendor_item_id,
                 "vendorItemName": f"{line.item.product_name} {line.item.name}", "purchaseCount": line.quantity,
                 "cancelCount": line.cancelled, "shipmentBoxId": order.box_id, "sellerProductId": line.item.product_id,
                 "sellerProductName": line.item.product_name}
                for line in lines
            ],
        }

    # -- products

    def _products(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        query = request.query
        if not query.get("vendorId"):
            raise products_refusal("업체코드는 반드시 입력되어야 합니다.")
        if query["vendorId"] != self.state.key("vendor_id"):
            raise products_refusal("업체코드가 올바르지 않습니다.")
        size = page_size(request, 10, 100, products_refusal)
        token = query.get("nextToken") or "1"
        if not token.isdigit() or int(token) < 1:
            raise products_refusal("nextToken is invalid.")
        named = query.get("sellerProductName", "")
        rows = [self._product_row(goods) for goods in self._goods.values() if named in goods.name]
        first = (int(token) - 1) * size
        following = str(int(token) + 1) if first + size < len(rows) else ""
        return json_answer({"code": "SUCCESS", "message": "", "nextToken": following, "data": rows[first:first + size]})

    def _product_row(self, goods: Goods) -> Json:
        return {
            "sellerProductId": goods.product_id, "sellerProductName": goods.name, "displayCategoryCode": 78000,
            "categoryId": 2000, "productId": goods.product_id - 7_900_000_000, "vendorId": self.state.key("vendor_id"),
            "mdId": "", "mdName": "", "saleStartedAt": "2026-01-05T00:00:00", "saleEndedAt": "2099-12-31T00:00:00",
            "brand": goods.brand, "statusName": "승인완료", "createdAt": "2026-01-05T10:00:00",
        }

    def _product(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        goods = self._goods.get(int(match["product"]))
        if goods is None:
            raise products_refusal(f"상품 정보가 존재하지 않습니다. [sellerProductId={match['product']}]")
        items = [
            {"sellerProductItemId": item.vendor_item_id + 10**9, "vendorItemId": item.vendor_item_id, "itemName": item.name,
             "originalPrice": item.original_price, "salePrice": self._price(item), "maximumBuyCount": 100,
             "externalVendorSku": item.sku, "barcode": item.barcode, "images": []}
            for item in goods.items
        ]
        return json_answer({"code": "SUCCESS", "message": "", "data": {**self._product_row(goods), "items": items}})

    def _price(self, item: Item) -> int:
        written = self.state.get("price", item.vendor_item_id)
        return item.price if written is None else int(written)

    def _item(self, match: re.Match[str]) -> Item:
        item = self._items.get(int(match["item"]))
        if item is None:
            raise products_refusal(f"유효한 옵션이 없습니다:[vendorItemId={match['item']}]")
        return item

    def _inventory(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        item = self._item(match)
        written = self.state.get("stock", item.vendor_item_id)
        return json_answer({"code": "SUCCESS", "message": "", "data": {
            "sellerItemId": item.vendor_item_id, "amountInStock": item.stock if written is None else written,
            "salePrice": self._price(item), "onSale": not self.state.get("stopped", item.vendor_item_id)}})

    def _set_stock(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        item, value = self._item(match), int(match["value"])
        if not 0 <= value <= MOST_STOCK:
            raise products_refusal("유효하지 않은 재고수량입니다.")
        self.state.put("stock", item.vendor_item_id, value)
        return json_answer({"code": "SUCCESS", "message": "재고 변경을 완료했습니다."})

    def _set_price(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        item, value = self._item(match), int(match["value"])
        if value % 10 or value == 0:
            raise products_refusal("판매가는 10원 단위로 입력해 주세요.")
        former = self._price(item)
        if request.query.get("forceSalePriceUpdate") != "true" and not former * 0.5 <= value <= former * 2:
            raise products_refusal("판매가 변경은 최대 50% 인하, 최대 100% 인상까지 가능합니다.")
        self.state.put("price", item.vendor_item_id, value)
        return json_answer({"code": "SUCCESS", "message": "가격 변경을 완료했습니다.", "data": None})

    def _set_sale(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        self.state.put("stopped", self._item(match).vendor_item_id, match["value"] == "stop")
        return json_answer({"code": "SUCCESS", "message": "판매 상태 변경을 완료했습니다.", "data": None})
