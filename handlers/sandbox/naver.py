"""Naver Commerce API as its documents describe it, on top of a shop: the addresses, and what every answer has in common."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from handlers.sandbox.answers import Answer, Refusal, Request, json_answer
from handlers.sandbox.naver_gate import Gate, quota, refusal, stamp, too_many
from handlers.sandbox.naver_goods import NaverGoods
from handlers.sandbox.naver_orders import NaverOrders
from handlers.sandbox.naver_rows import order_id, product_order_id
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import State

CODE = "naver"
KEYS = ("client_id", "client_secret")
BASE_PATH = "/external"
TOKEN = "/v1/oauth2/token"
SELLER = "/v1/pay-order/seller"
ORIGINS = r"/v1/products/origin-products"
QUIRKS = ("repeat_rows", "partial_ack", "quota_hours", "quota_seconds", "bare429", "redirect", "forbidden")

Answerer = Callable[[Request, re.Match[str]], Answer]


def open_market(shop: Shop, state: State) -> Naver:
    """Open the sandbox Naver on a shop."""
    return Naver(shop, state)


class Naver:
    """One application's shop.

    gate   tokens and limits; its rate may be changed while it runs
    clock  real time, by which tokens and signatures end
    """

    code = CODE
    base_path = BASE_PATH
    quirks: tuple[str, ...] = QUIRKS

    def __init__(self, shop: Shop, state: State, clock: Callable[[], float] = time.time) -> None:
        self.shop = shop
        self.gate = Gate(state, clock)
        orders, goods = NaverOrders(shop), NaverGoods(shop)
        self._routes: list[tuple[str, re.Pattern[str], Answerer]] = [
            (method, re.compile(pattern), answerer) for method, pattern, answerer in (
                ("GET", SELLER + "/product-orders/last-changed-statuses", orders.feed),
                ("GET", SELLER + "/product-orders", orders.listed),
                ("POST", SELLER + "/product-orders/query", orders.details),
                ("POST", SELLER + "/product-orders/confirm", orders.confirm),
                ("GET", SELLER + r"/orders/(?P<order>\d+)/product-order-ids", orders.of_order),
                ("POST", "/v1/products/search", goods.search),
                ("GET", r"/v2/products/(?:origin|channel)-products/(?P<product>\d+)", goods.origin),
                ("PUT", ORIGINS + r"/(?P<product>\d+)/option-stock", goods.option_stock),
                ("PUT", ORIGINS + r"/(?P<product>\d+)/change-status", goods.change_status),
                ("PATCH", ORIGINS + "/multi-update", goods.multi_update),
                ("GET", "/v1/seller/account", self._account),
            )
        ]

    def now(self) -> datetime:
        """Return the shop's time."""
        return self.shop.now()

    def truth(self) -> list[dict[str, object]]:
        """Return what a correct collection must hold in erp.order_lines."""
        return self.shop.truth(lambda order, line: (order_id(order), product_order_id(order, line)))

    # -- answering

    def answer(self, request: Request) -> Answer:
        """Answer a call as Naver does."""
        api, route = self._find(request)
        try:
            self.gate.take(api)
            answer = self._answered(request, route)
        except Refusal as refused:
            answer = refused.answer
        return self.gate.dressed(answer, api)

    def _find(self, request: Request) -> tuple[str, tuple[re.Match[str], Answerer] | None]:
        """Name the API that is called, and find what answers it."""
        path = request.path.removeprefix(BASE_PATH) if request.path.startswith(BASE_PATH + "/") else ""
        for method, pattern, answerer in self._routes:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                return f"{method} {pattern.pattern}", (match, answerer)
        return path if path == TOKEN else "", None

    def _answered(self, request: Request, route: tuple[re.Match[str], Answerer] | None) -> Answer:
        quirky = self._quirk(request.quirk)
        if quirky is not None:
            return quirky
        if self.is_token_call(request):
            return self.gate.token(request)
        if route is None:
            raise refusal(404, "NOT_FOUND", "요청한 경로를 찾을 수 없습니다.")
        self.gate.check_token(request)
        match, answerer = route
        return answerer(request, match)

    def _quirk(self, quirk: str) -> Answer | None:
        """Answer for the gateway where it is the gateway's mood that was asked for."""
        if quirk in ("quota_hours", "quota_seconds"):
            return quota("HOURS" if quirk == "quota_hours" else "SECONDS")
        if quirk == "bare429":
            return Answer(429, b"")
        if quirk == "redirect":
            return replace(
                json_answer({"code": "PERMANENT_REDIRECT", "message": "주소가 바뀌었습니다."}, 308),
                headers={"Location": BASE_PATH + "/v9/elsewhere", "Content-Type": "application/json"},
            )
        if quirk == "forbidden":
            return refusal(403, "GW.IP_NOT_ALLOWED", "허용되지 않은 IP입니다.").answer
        return None

    def _account(self, request: Request, match: re.Match[str]) -> Answer:
        return json_answer({"accountId": "sandbox", "accountUid": "ncp_sandbox_01", "grade": "씨앗"})

    # -- what the server asks of every market

    def is_token_call(self, request: Request) -> bool:
        """Say whether the call asks for an access token."""
        return request.method == "POST" and request.path == BASE_PATH + TOKEN

    def maintenance(self) -> Answer:
        """Answer as the gateway does while it is closed."""
        content = {"code": "GW.MAINTENANCE", "message": "시스템 점검 중입니다.", "timestamp": stamp(self.now())}
        return self.gate.dressed(json_answer(content, 503), "")

    def expired(self) -> Answer:
        """Let all tokens be over, and say so to this caller."""
        self.gate.drop_tokens()
        return self.gate.dressed(self.gate.stale().answer, "")

    def too_many(self, retry_after: float | None) -> Answer:
        """Answer as to a caller that is too fast; Naver itself never says how long to wait."""
        return self.gate.dressed(too_many(retry_after), "")
