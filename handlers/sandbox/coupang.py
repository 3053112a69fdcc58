"""Coupang as its documents describe it: signatures, envelopes, vendors; which call goes where."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from handlers.sandbox.answers import Answer, Refusal, Request, SandboxMarket, json_answer
from handlers.sandbox.coupang_goods import Goods
from handlers.sandbox.coupang_orders import KNOWN_STATES, Orders, item_id
from handlers.sandbox.coupang_pages import orders_refusal
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import State

KEYS = ("vendor_id", "access_key", "secret_key")
CEA = re.compile(
    r"CEA algorithm=HmacSHA256, ?access-key=(?P<key>[^,\s]+), ?signed-date=(?P<date>\d{6}T\d{6}Z), ?"
    r"signature=(?P<signature>[0-9a-f]{64})"
)
SIGNATURE_AGE = timedelta(minutes=5)
ORDERS = r"/v2/providers/openapi/apis/api/v(?P<version>[456])/vendors/(?P<vendor>[^/]+)"
MARKET = r"/v2/providers/seller_api/apis/api/v1/marketplace"
CLOSED_PAGE = "<html><head><title>시스템 점검</title></head><body><h1>시스템 점검 중입니다</h1></body></html>".encode()

Answerer = Callable[[Request, re.Match[str], datetime], Answer]


def open_market(shop: Shop, state: State) -> SandboxMarket:
    """Open the market over its shop."""
    return Coupang(shop)


def unauthorized(message: str) -> Answer:
    return json_answer({"code": "ERROR", "message": message, "transactionId": str(uuid.uuid4())}, 401)


class Coupang:
    """One vendor's shop."""

    code = "coupang"
    quirks = ("partial_ack", "v4_money", "repeat_rows")

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.state = shop.state
        orders, goods = Orders(shop), Goods(shop)
        self._order_id = orders.order_id
        item = MARKET + r"/vendor-items/(?P<item>\d+)"
        routes: tuple[tuple[str, str, Answerer], ...] = (
            ("GET", ORDERS + "/ordersheets", orders.sheets),
            ("GET", ORDERS + r"/(?P<order>\d+)/ordersheets", orders.sheets_of_order),
            ("GET", ORDERS + r"/ordersheets/(?P<box>\d+)", orders.sheet),
            ("PUT", ORDERS + "/ordersheets/acknowledgement", orders.acknowledge),
            ("PATCH", ORDERS + "/ordersheets/acknowledgement", orders.acknowledge),
            ("GET", ORDERS + "/returnRequests", orders.returns),
            ("GET", MARKET + "/seller-products", goods.products),
            ("GET", MARKET + r"/seller-products/(?P<product>\d+)", goods.product),
            ("GET", item + "/inventories", goods.inventory),
            ("PUT", item + r"/quantities/(?P<value>-?\d+)", goods.set_stock),
            ("PUT", item + r"/prices/(?P<value>-?\d+)", goods.set_price),
            ("PUT", item + r"/original-prices/(?P<value>-?\d+)", goods.set_original_price),
            ("PUT", item + r"/sales/(?P<value>stop|resume)", goods.set_sale),
        )
        self._routes = [(method, re.compile(pattern), answerer) for method, pattern, answerer in routes]

    def now(self) -> datetime:
        """Return the shop's time."""
        return self.shop.now()

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
        """Return what a correct collection must hold; Coupang tells of nothing after the delivery but a return."""
        return self.shop.truth(lambda order, line: (str(self._order_id(order)), str(item_id(line))), KNOWN_STATES)

    def is_token_call(self, request: Request) -> bool:
        """Say no: Coupang knows no tokens."""
        return False

    def maintenance(self) -> Answer:
        """Answer with a page, as a gateway does when nothing stands behind it."""
        return Answer(503, CLOSED_PAGE, {"Content-Type": "text/html;charset=UTF-8"})

    def expired(self) -> Answer:
        """Answer as to a signature that is too old."""
        return unauthorized("Specified signature is expired.")

    def too_many(self, retry_after: float | None) -> Answer:
        """Answer as to a caller that is too fast."""
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return Answer(429, b"Too Many Requests", {"Content-Type": "text/plain", **headers})

    def _authorize(self, request: Request) -> None:
        match = CEA.fullmatch(request.headers.get("authorization", ""))
        if match is None:
            raise Refusal(unauthorized("HMAC format is invalid."))
        if match["key"] != self.state.key("access_key"):
            raise Refusal(unauthorized("Request is not authorized"))
        try:
            signed = datetime.strptime(match["date"], "%y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise Refusal(unauthorized("HMAC format is invalid.")) from None
        message = f"{match['date']}{request.method}{request.path}{request.raw_query}"
        expected = hmac.new(self.state.key("secret_key").encode(), message.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, match["signature"]):
            raise Refusal(unauthorized("Invalid signature"))
        # Signatures are made by the clock of the caller's machine, however fast the shop's own clock goes.
        if abs(datetime.now(UTC) - signed) > SIGNATURE_AGE:
            raise Refusal(self.expired())

    def _check_vendor(self, match: re.Match[str]) -> None:
        if match.groupdict().get("vendor", self.state.key("vendor_id")) != self.state.key("vendor_id"):
            raise orders_refusal("Invalid vendor ID")
