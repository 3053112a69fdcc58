"""Coupang's protocol, down to the bytes on the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handlers.markets import coupang_words as words
from handlers.markets import http
from handlers.markets.base import Account, AuthFailed, BadRequest, MarketDown, RateLimited, Window
from handlers.markets.coupang import Coupang
from handlers.markets.coupang_calls import sign
from tests.handlers.support import SECRETS, VENDOR, FreeBudget

ACCESS = "11111111-2222-3333-4444-555555555555"
SECRET = "0123456789abcdef0123456789abcdef01234567"
SIGNED_AT = datetime(2026, 3, 9, 1, 2, 3, tzinfo=UTC)
SHEETS = "/v2/providers/openapi/apis/api/v5/vendors/A00012345/ordersheets"
MARKET = "/v2/providers/seller_api/apis/api/v1/marketplace"
VECTORS = [
    ("GET", SHEETS, "createdAtFrom=2026-03-08%2B09:00&createdAtTo=2026-03-09%2B09:00&status=ACCEPT&maxPerPage=50",
     "be7d23c84437f387399c7bc8851425933e0b65b4d4f9a6a40562a0802bc9c980"),
    ("GET", SHEETS,
     "createdAtFrom=2026-03-09T09:00%2B09:00&createdAtTo=2026-03-09T09:10%2B09:00&searchType=timeFrame&status=INSTRUCT",
     "4ac0bc2481f351b774659c357395d40d6ac40d19d72835d72311906e62690f52"),
    ("PUT", MARKET + "/vendor-items/3000000001/quantities/17", "",
     "972ab6b22aa357fc4e1de84c9dde8f64a12ae1e4c9bbaa9e0ba50f17692da78c"),
    ("PUT", MARKET + "/vendor-items/3000000001/prices/12900", "forceSalePriceUpdate=false",
     "7d126ce29daffcf55531d28474291de290a330b4eb4938bc1aa6a5584070e176"),
    ("GET", MARKET + "/seller-products", "vendorId=A00012345&nextToken=1&maxPerPage=100",
     "0ea3421c735d4fb563824b977ad16c944bad5564f7a83c5cd549968db46d0b29"),
    ("GET", MARKET + "/seller-products",
     "vendorId=A00012345&sellerProductName=%ED%85%80%EB%B8%94%EB%9F%AC%20500ml&maxPerPage=100",
     "587e9693945b99b7f846c172e9fb17e133c58a6448b50efe0549f0263bb539f5"),
    ("PUT", "/v2/providers/openapi/apis/api/v4/vendors/A00012345/ordersheets/acknowledgement", "",
     "8721c32cb22605d234796489d9fe55ec0050de16b438ad7d6dedf98f4ace4715"),
]
EMPTY = {"code": 200, "message": "OK", "nextToken": "", "data": []}

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.mark.parametrize(("method", "path", "query", "signature"), VECTORS)
def test_the_published_vectors_are_signed_as_published(method: str, path: str, query: str, signature: str) -> None:
    assert sign(ACCESS, SECRET, method, path, query, SIGNED_AT) == (
        f"CEA algorithm=HmacSHA256, access-key={ACCESS}, signed-date=260309T010203Z, signature={signature}"
    )


def a_client(answer: Answer, budget: FreeBudget | None = None) -> Coupang:
    account = Account("coupang", "default", "https://market.test", {
        "vendor_id": VENDOR, "access_key": "secret://env/ACCESS", "secret_key": "secret://env/SECRET"}, 10_000)
    return Coupang(account, SECRETS.__getitem__, lambda: datetime.now(UTC), budget or FreeBudget(), httpx.MockTransport(answer))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the waits between attempts instead of waiting."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(http.asyncio, "sleep", note)
    return waited


def a_window(hours: float = 1, whole_days: bool = False) -> Window:
    start = datetime(2026, 3, 8, 15, 0, tzinfo=UTC)
    return Window(start, start + timedelta(hours=hours), whole_days)


async def test_what_is_signed_is_what_goes_over_the_wire() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        date = request.headers["authorization"].partition("signed-date=")[2][:14]
        moment = datetime.strptime(date, "%y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        expected = sign("test-access-key", "test-secret-key", request.method, path, query, moment)
        assert request.headers["authorization"] == expected
        seen.append(query)
        return httpx.Response(200, json=EMPTY)

    async with a_client(answer) as market:
        await market.orders(a_window())
        await market.changes(a_window())
        await market.products(None, 100, False)

    assert seen[0] == (
        "createdAtFrom=2026-03-09T00:00%2B09:00&createdAtTo=2026-03-09T01:00%2B09:00&searchType=timeFrame&status=ACCEPT"
    )
    assert [query.partition("status=")[2] for query in seen[:6]] == list(words.STATES)
    assert seen[6].endswith("&cancelType=CANCEL")
    assert seen[-1] == f"vendorId={VENDOR}&maxPerPage=100"


async def test_each_attempt_is_signed_anew(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        signed.append(request.headers["authorization"])
        return httpx.Response(503) if len(signed) < 3 else httpx.Response(200, json=EMPTY)

    dates = iter(datetime(2026, 3, 9, 1, 2, second, tzinfo=UTC) for second in range(60))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return next(dates)

    monkeypatch.setattr("handlers.markets.coupang_calls.datetime", Clock)
    async with a_client(answer) as market:
        await market.order("1")

    assert len(set(signed)) == 3


async def test_a_whole_day_is_read_in_pages(waits: list[float]) -> None:
    queries: list[str] = []
    pages = {"": "a+/=", "a%2B%2F%3D": "c", "c": ""}

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.query.decode()
        if "status=ACCEPT" not in query:
            return httpx.Response(200, json=EMPTY)
        queries.append(query)
        token = query.partition("&nextToken=")[2]
        return httpx.Response(200, json={**EMPTY, "nextToken": pages[token], "data": [a_sheet(len(queries))]})

    async with a_client(answer) as market:
        orders = await market.orders(a_window(24, whole_days=True))

    assert queries[0] == "createdAtFrom=2026-03-09%2B09:00&createdAtTo=2026-03-09%2B09:00&status=ACCEPT&maxPerPage=50"
    assert [line.order_id for line in orders.lines] == ["1", "2", "3"]


async def test_a_list_that_never_ends_is_an_outage(waits: list[float]) -> None:
    async with a_client(lambda request: httpx.Response(200, json={**EMPTY, "nextToken": "same"})) as market:
        with pytest.raises(MarketDown, match="never end"):
            await market.orders(a_window(24, whole_days=True))


async def test_a_window_that_takes_too_long_is_halved(waits: list[float]) -> None:
    spans: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if "ordersheets" not in request.url.path:
            return httpx.Response(200, json=EMPTY)
        start, end = (request.url.params[name][11:16] for name in ("createdAtFrom", "createdAtTo"))
        if (int(end[:2]) - int(start[:2])) * 60 + int(end[3:]) - int(start[3:]) > 60:
            raise httpx.ReadTimeout("too slow", request=request)
        spans.append((start, end))
        return httpx.Response(200, json=EMPTY)

    async with a_client(answer) as market:
        await market.orders(a_window(4))

    assert list(dict.fromkeys(spans)) == [("00:00", "01:00"), ("01:00", "02:00"), ("02:00", "03:00"), ("03:00", "04:00")]


@pytest.mark.parametrize(("response", "error"), [
    (httpx.Response(401, json={"code": "ERROR", "message": "HMAC format is invalid."}), AuthFailed),
    (httpx.Response(403, json={"code": "ERROR", "message": "Your ip address 1.2.3.4 is not allowed"}), AuthFailed),
    (httpx.Response(403, html="<h1>Access Denied</h1>"), RateLimited),
    (httpx.Response(429, text="Too Many Requests"), RateLimited),
    (httpx.Response(400, json={"code": 400, "message": "Invalid vendor ID"}), BadRequest),
    (httpx.Response(200, json={"code": "ERROR", "message": "상품이 없습니다"}), BadRequest),
    (httpx.Response(200, json={**EMPTY, "data": [{"orderId": 1}]}), BadRequest),
    (httpx.Response(302, headers={"location": "https://elsewhere.test"}), AuthFailed),
])
async def test_what_will_not_pass_is_asked_once(waits: list[float], response: httpx.Response, error: type[Exception]) -> None:
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.query.decode())
        return response

    async with a_client(answer) as market:
        with pytest.raises(error, match="coupang"):
            await market.orders(a_window())

    assert [call for call in calls if "status=ACCEPT" in call] == calls[:1]


@pytest.mark.parametrize("status", [401, 403])
async def test_an_expired_signature_is_made_anew_once(waits: list[float], status: int) -> None:
    calls: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        return httpx.Response(status, json={"code": "ERROR", "message": "Specified signature is expired."})

    async with a_client(answer) as market:
        with pytest.raises(AuthFailed, match="clock"):
            await market.orders(a_window())

    assert len(calls) == 2


async def test_an_announced_pause_is_kept_to_and_a_long_one_is_left_to_the_next_attempt(waits: list[float]) -> None:
    pauses = iter(["7", "3", None])

    def answer(request: httpx.Request) -> httpx.Response:
        pause = next(pauses, None)
        return httpx.Response(429, headers={"retry-after": pause}) if pause else httpx.Response(200, json=EMPTY)

    async with a_client(answer) as market:
        await market.orders(a_window())
    async with a_client(lambda request: httpx.Response(429, headers={"retry-after": "120"})) as market:
        with pytest.raises(RateLimited) as failure:
            await market.orders(a_window())

    assert [wait for wait in waits if wait in (7, 3)] == [7, 3]
    assert failure.value.after == 120


async def test_a_pause_is_told_to_everybody_through_the_budget() -> None:
    budget = FreeBudget()
    async with a_client(lambda request: httpx.Response(429), budget) as market:
        with pytest.raises(RateLimited) as failure:
            await market.order("1")

    assert failure.value.after == 60
    assert budget.pauses == [(60.0, "HTTP 429")]
    assert budget.calls == 1


@pytest.mark.parametrize(("text", "seconds"), [
    ("12", 12), ("0.5", 0.5), ("-3", 0), ("inf", 21600), ("nan", 0), ("soon", None), ("", None),
    ("Mon, 09 Mar 2020 00:00:00 GMT", 0), ("Fri, 09 Mar 2190 00:00:00 GMT", 21600),
])
def test_a_pause_is_read_as_seconds_or_as_a_date_and_never_endless(text: str, seconds: float | None) -> None:
    assert http.pause_of(httpx.Response(429, headers={"retry-after": text})) == seconds


def a_sheet(order_id: int = 1, **item: Any) -> dict[str, Any]:
    return {
        "shipmentBoxId": 700 + order_id, "orderId": order_id, "orderedAt": "2026-03-09T09:03:11.000000+09:00",
        "paidAt": "2026-03-09T09:03:15", "status": "INSTRUCT", "shippingPrice": 3000,
        "orderItems": [{"vendorItemId": 3000000001, "shippingCount": 2, "cancelCount": 0, "holdCountForCancel": 1,
                        "salesPrice": {"currencyCode": "KRW", "units": 12900, "nanos": 0}, "orderPrice": 25800,
                        "externalVendorSkuCode": "TMB", **item}],
    }


def test_a_sheet_becomes_a_line_in_our_words() -> None:
    line, = words.box_lines(a_sheet(), SIGNED_AT)

    assert (line.order_id, line.box_id, line.line_id, line.sku) == ("1", "701", "3000000001", "TMB")
    assert (line.quantity, line.cancelled, line.held, line.state) == (2, 0, 1, "confirmed")
    assert (line.unit_price, line.amount, line.shipping_price) == (12900, 25800, 3000)
    assert line.ordered_at == datetime(2026, 3, 9, 0, 3, 11, tzinfo=UTC)
    assert line.paid_at == datetime(2026, 3, 9, 0, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize(("item", "cancelled", "state"), [
    ({"cancelCount": 2}, 2, "cancelled"), ({"canceled": True}, 2, "cancelled"), ({"cancelCount": 1}, 1, "confirmed"),
    ({"confirmDate": "2026-03-20"}, 0, "completed"),
])
def test_cancelled_and_completed_lines_are_told_apart(item: dict[str, Any], cancelled: int, state: str) -> None:
    line, = words.box_lines(a_sheet(**item), SIGNED_AT)

    assert (line.cancelled, line.state) == (cancelled, state)


def test_an_option_that_lies_twice_in_a_box_is_added_up() -> None:
    sheet = a_sheet()
    sheet["orderItems"] *= 2

    line, = words.box_lines(sheet, SIGNED_AT)

    assert (line.quantity, line.amount, line.held) == (4, 51600, 2)


@pytest.mark.parametrize(("money", "won"), [
    ({"currencyCode": "KRW", "units": 12900, "nanos": 0}, 12900), (12900, 12900), (12900.0, 12900), ("12900", 12900),
    (None, None), ("", None), ({"currencyCode": "KRW", "units": 0}, 0),
])
def test_money_of_both_versions_is_whole_won(money: Any, won: int | None) -> None:
    assert words.won(money) == won


def test_foreign_money_is_refused() -> None:
    with pytest.raises(ValueError, match="USD"):
        words.won({"currencyCode": "USD", "units": 12})
