"""A client of Naver for tests: against answers given by the test, or against a served sandbox whose clock stands."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from handlers.markets.base import Account, BoxLine, Token, Window
from handlers.markets.naver import Naver
from handlers.sandbox import naver as sandbox
from handlers.sandbox.server import Sandbox, Server
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import Beginning, State

CLIENT_ID = "testClientId0001"
CLIENT_SECRET = "$2a$04$N9qo8uLOickgx2ZMRZoMye"
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": "secret://env/NAVER_SECRET"}
START = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
NOTHING = {"timestamp": "2026-03-09T10:02:03.000+09:00", "traceId": "t"}
TOKEN = {"access_token": "token-1", "expires_in": 10800, "token_type": "Bearer"}

Reply = Callable[[httpx.Request], httpx.Response]


class Purse:
    """A budget without limits that keeps one token as the shared one does: until half an hour is left of it."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.closed: list[str] = []
        self.fetched = 0
        self.moment = 0.0
        self.calls = 0
        self._token: Token | None = None
        self.ends = 0.0

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        self.calls += 1
        yield

    async def pause(self, seconds: float, why: str) -> None:
        self.pauses.append(seconds)

    async def close_until(self, until: datetime | None, why: str) -> None:
        self.closed.append(why)

    async def token(self, fetch: Callable[[], Awaitable[Token]], stale: str | None = None) -> str:
        held = self._token
        if held is None or held.value == stale or self.ends - self.moment <= 1800:
            held = self._token = await fetch()
            self.ends = self.moment + held.lives
            self.fetched += 1
        return held.value


def an_account(url: str = "https://market.test/external", **credentials: str) -> Account:
    return Account("naver", "default", url, {**CREDENTIALS, **credentials}, 10_000)


def a_client(reply: Reply, purse: Purse | None = None) -> Naver:
    """Make a client whose calls *reply* answers; a token is given without asking it."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_token = request.url.path.endswith("/v1/oauth2/token")
        return httpx.Response(200, json=TOKEN) if is_token else reply(request)

    return Naver(an_account(), lambda _: CLIENT_SECRET, lambda: datetime.now(UTC), purse or Purse(), httpx.MockTransport(answer))


class Served:
    """A served sandbox. Its clock stands until the test moves it; tokens go by a clock of their own."""

    def __init__(self, beginning: Beginning, at: datetime) -> None:
        self.moment = at
        self.passed = 0.0
        state = State(None, beginning, "naver", ())
        state.content["keys"] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        self.shop = Shop("naver", state, lambda: self.moment)
        self.market = sandbox.Naver(self.shop, state, lambda: time.time() + self.passed)
        self.sandbox = Sandbox(self.market)
        self.server = Server(self.sandbox)
        self.purse = Purse()

    def client(self) -> Naver:
        account = an_account(self.server.url + sandbox.BASE_PATH)
        return Naver(account, lambda _: CLIENT_SECRET, lambda: self.moment, self.purse)

    def fault(self, kind: str, count: int = 1, **more: Any) -> None:
        self.sandbox.faults.add({"kind": kind, "count": count, **more})

    def calls(self, ending: str) -> int:
        return sum(count for call, count in self.sandbox.requests.items() if call.endswith(ending))

    def truth(self) -> list[tuple[Any, ...]]:
        return sorted(
            (line["order_id"], line["line_id"], line["sku"], line["quantity"], line["cancelled_quantity"], line["state"])
            for line in self.market.truth()
        )

    def call(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """Call the sandbox without the client."""
        url = f"{self.server.url}{sandbox.BASE_PATH}{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with httpx.Client(trust_env=False) as http:
            return http.request(method, url, content=content, headers=named)

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the sandbox with a token that lives."""
        content = None if body is None else json.dumps(body).encode()
        return self.call(method, path, content, authorization=f"Bearer {self.token()}")

    def token(self) -> str:
        return self.market.gate.issue(time.time() + self.passed).value


@contextmanager
def a_naver(
    hours: float = 2, per_minute: float = 6, seed: int = 7, late_seconds: float = 0, products: int = 31,
) -> Iterator[Served]:
    """Serve a sandbox that has had orders for so many hours, its clock standing at the end of them."""
    now = datetime(2026, 3, 9, 6, 30, 12, 345_678, tzinfo=UTC)
    beginning = Beginning(
        seed=seed, per_minute=per_minute, now=now, history=timedelta(hours=hours), late_seconds=late_seconds, products=products
    )
    served = Served(beginning, now)
    serving = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield served
    finally:
        served.server.stop()
        serving.join(10)


def all_of(shop: Served) -> Window:
    return Window(shop.shop.start, shop.moment)


def as_rows(lines: list[BoxLine]) -> list[tuple[Any, ...]]:
    return sorted((line.order_id, line.line_id, line.sku, line.quantity, line.cancelled, line.state) for line in lines)


# -- answers given by the test


def a_window(hours: float = 1) -> Window:
    return Window(START, START + timedelta(hours=hours))


def always(status: int, content: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content is None:
        return lambda _: httpx.Response(status, headers=named)
    return lambda _: httpx.Response(status, json=content, headers=named)


def a_row(number: str = "11", **sold: Any) -> dict[str, Any]:
    content = {
        "productOrderId": number, "productOrderStatus": "PAYED", "placeOrderStatus": "NOT_YET", "quantity": 2,
        "originalProductId": "8000000001", "productName": "시험 텀블러", "productOption": "색상: 블랙",
        "optionManageCode": "TMB-500-BLK", "sellerProductCode": "TMB-500", "unitPrice": 12900, "optionPrice": 1000,
        "totalProductAmount": 27800, "deliveryFeeAmount": 3000, **sold,
    }
    order = {"orderId": "1", "orderDate": "2026-03-09T09:58:20.000+09:00", "paymentDate": "2026-03-09T09:58:41.000+09:00"}
    return {"order": order, "productOrder": content}


def a_change(number: str, at: str = "2026-03-09T10:00:00.000+09:00") -> dict[str, Any]:
    return {"orderId": "1", "productOrderId": number, "lastChangedType": "PAYED", "lastChangedDate": at}


def details(request: httpx.Request) -> httpx.Response:
    """Answer every product order that is asked for."""
    return httpx.Response(200, json={"data": [a_row(number) for number in json.loads(request.content)["productOrderIds"]]})
