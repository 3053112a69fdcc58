"""The sandbox refuses what Coupang refuses, in Coupang's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handlers.markets.coupang_calls import sign
from tests.handlers.support import VENDOR, Shop, a_shop

ORDERS = f"/v2/providers/openapi/apis/api/v5/vendors/{VENDOR}"
MARKET = "/v2/providers/seller_api/apis/api/v1/marketplace"
DAY = "createdAtFrom=2026-03-08%2B09:00&createdAtTo=2026-03-09%2B09:00"
ITEM = 3_000_000_001


@pytest.fixture
def shop() -> Iterator[Shop]:
    with a_shop() as served:
        served.stand(served.start + timedelta(minutes=60))
        yield served


def call(
    shop: Shop, target: str, method: str = "GET", *, body: Any = None, key: str = "test-access-key",
    secret: str = "test-secret-key", age: timedelta = timedelta(0), authorization: str | None = None,
) -> httpx.Response:
    """Send one request as a client would, or with the flaw the test names."""
    path, _, query = target.partition("?")
    header = authorization or sign(key, secret, method, path, query, datetime.now(UTC) - age)
    content = None if body is None else json.dumps(body).encode()
    return httpx.request(method, shop.url + target, headers={"Authorization": header}, content=content, trust_env=False)


def said(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["message"]


@pytest.mark.parametrize(("flaw", "message"), [
    ({"authorization": "Bearer x"}, "HMAC format is invalid."),
    ({"authorization": "CEA algorithm=HmacSHA256, access-key=a, signed-date=2026-03-09T01:02:03Z, signature=" + "0" * 64},
     "HMAC format is invalid."),
    ({"key": "unknown"}, "Request is not authorized"),
    ({"secret": "wrong"}, "Invalid signature"),
    ({"age": timedelta(minutes=6)}, "Specified signature is expired."),
    ({"age": timedelta(minutes=-6)}, "Specified signature is expired."),
])
def test_a_wrong_signature_gets_the_documented_401(shop: Shop, flaw: dict[str, Any], message: str) -> None:
    response = call(shop, f"{ORDERS}/ordersheets?{DAY}&status=ACCEPT", **flaw)

    assert said(response) == (401, message)
    assert response.json()["code"] == "ERROR"
    assert response.json()["transactionId"]


def test_a_signature_over_another_encoding_of_the_same_query_is_refused(shop: Shop) -> None:
    signed = sign("test-access-key", "test-secret-key", "GET", f"{ORDERS}/ordersheets", f"{DAY}&status=ACCEPT", datetime.now(UTC))
    other = f"{ORDERS}/ordersheets?{DAY}&status=ACCEPT".replace("%2B09:00", "%2B09%3A00")

    assert said(call(shop, other, authorization=signed)) == (401, "Invalid signature")


@pytest.mark.parametrize(("target", "words"), [
    (f"{ORDERS}/ordersheets?{DAY}", "status"),
    (f"{ORDERS.replace(VENDOR, 'A00099999')}/ordersheets?{DAY}&status=ACCEPT", "Invalid vendor ID"),
    (f"{ORDERS}/ordersheets?{DAY}&status=ACCEPT&maxPerPage=51", "maxPerPage"),
    (f"{ORDERS}/ordersheets?{DAY}&status=ACCEPT&nextToken=made-up", "nextToken"),
    (f"{ORDERS}/ordersheets?status=ACCEPT", "createdAtFrom"),
    (f"{ORDERS}/ordersheets?createdAtFrom=2026-03-01%2B09:00&createdAtTo=2026-04-01%2B09:00&status=ACCEPT",
     "endTime-startTime range should less than31."),
    (f"{ORDERS}/ordersheets?createdAtFrom=2026-03-08T09:00%2B09:00&createdAtTo=2026-03-09T09:01%2B09:00"
     "&searchType=timeFrame&status=ACCEPT", "24 hours"),
    (f"{ORDERS}/returnRequests?{DAY}&cancelType=CANCEL&status=RU", "cancelType"),
    (f"{MARKET}/seller-products?maxPerPage=10", "업체코드는 반드시 입력되어야 합니다."),
    (f"{MARKET}/seller-products?vendorId={VENDOR}&maxPerPage=101", "maxPerPage"),
    (f"{MARKET}/vendor-items/9/inventories", "유효한 옵션이 없습니다:[vendorItemId=9]"),
])
def test_a_wrong_question_gets_400_and_the_reason(shop: Shop, target: str, words: str) -> None:
    status, message = said(call(shop, target))

    assert status == 400
    assert words in message


def span(shop: Shop) -> tuple[str, str]:
    """Return the whole life of the shop: in days, and in minutes."""
    korea = timedelta(hours=9)
    start, end = shop.start + korea, shop.now() + korea + timedelta(minutes=1)
    return (f"createdAtFrom={start:%Y-%m-%d}%2B09:00&createdAtTo={end:%Y-%m-%d}%2B09:00",
            f"createdAtFrom={start:%Y-%m-%dT%H:%M}%2B09:00&createdAtTo={end:%Y-%m-%dT%H:%M}%2B09:00&searchType=timeFrame")


def test_pages_by_day_are_the_same_as_everything_by_minute(shop: Shop) -> None:
    by_day, by_minute = span(shop)
    whole = call(shop, f"{ORDERS}/ordersheets?{by_minute}&status=FINAL_DELIVERY").json()
    boxes_found, token, pages = [], "", 0
    while pages == 0 or token:
        more = f"&nextToken={token.replace('=', '%3D')}" if token else ""
        answer = call(shop, f"{ORDERS}/ordersheets?{by_day}&status=FINAL_DELIVERY&maxPerPage=7{more}").json()
        boxes_found += [sheet["shipmentBoxId"] for sheet in answer["data"]]
        token, pages = answer["nextToken"], pages + 1

    assert whole["nextToken"] == ""
    assert sorted(boxes_found) == sorted(sheet["shipmentBoxId"] for sheet in whole["data"])
    assert pages > 3


def test_acknowledging_moves_boxes_on_and_says_of_each_whether_it_did(shop: Shop) -> None:
    _, by_minute = span(shop)
    waiting = [sheet["shipmentBoxId"] for sheet in call(shop, f"{ORDERS}/ordersheets?{by_minute}&status=ACCEPT").json()["data"]]
    target = ORDERS.replace("/v5/", "/v4/") + "/ordersheets/acknowledgement"
    shop.fault("partial_ack", 1, path="acknowledgement")
    partly = call(shop, target, "PUT", body={"vendorId": VENDOR, "shipmentBoxIds": [waiting[0], waiting[1], 5]}).json()
    again = call(shop, target, "PUT", body={"vendorId": VENDOR, "shipmentBoxIds": waiting[:2]}).json()
    left = [sheet["shipmentBoxId"] for sheet in call(shop, f"{ORDERS}/ordersheets?{by_minute}&status=ACCEPT").json()["data"]]

    assert partly["data"]["responseCode"] == 1
    assert [(row["succeed"], row["retryRequired"]) for row in partly["data"]["responseList"]] == [
        (True, False), (False, True), (False, False)]
    assert [row["succeed"] for row in again["data"]["responseList"]] == [False, True]
    assert left == waiting[2:]


@pytest.mark.parametrize(("target", "status"), [
    (f"{MARKET}/vendor-items/{ITEM}/quantities/17", 200), (f"{MARKET}/vendor-items/{ITEM}/quantities/-1", 400),
    (f"{MARKET}/vendor-items/{ITEM}/quantities/100000", 400), (f"{MARKET}/vendor-items/9/quantities/1", 400),
    (f"{MARKET}/vendor-items/{ITEM}/prices/12905", 400), (f"{MARKET}/vendor-items/{ITEM}/prices/13900", 200),
    (f"{MARKET}/vendor-items/{ITEM}/prices/100000?forceSalePriceUpdate=false", 400),
    (f"{MARKET}/vendor-items/{ITEM}/prices/100000?forceSalePriceUpdate=true", 200),
    (f"{MARKET}/vendor-items/{ITEM}/prices/1000", 400), (f"{MARKET}/vendor-items/{ITEM}/prices/0", 400),
    (f"{MARKET}/vendor-items/9/prices/1000", 400), (f"{MARKET}/vendor-items/9/sales/stop", 400),
])
def test_stock_and_price_are_written_by_the_documented_rules(shop: Shop, target: str, status: int) -> None:
    response = call(shop, target, "PUT")
    now_there = call(shop, f"{MARKET}/vendor-items/{ITEM}/inventories").json()["data"]

    assert (response.status_code, response.json()["code"]) == (status, "SUCCESS" if status == 200 else "ERROR")
    if status == 200:
        assert int(target.partition("?")[0].rpartition("/")[2]) in (now_there["amountInStock"], now_there["salePrice"])


def options_of(shop: Shop, product: int) -> list[dict[str, Any]]:
    return list(call(shop, f"{MARKET}/seller-products/{15_000_000_000 + product}").json()["data"]["items"])


def test_a_base_price_is_written_in_tens_and_shown_with_the_product(shop: Shop) -> None:
    refused = call(shop, f"{MARKET}/vendor-items/{ITEM}/original-prices/19995", "PUT")
    taken = call(shop, f"{MARKET}/vendor-items/{ITEM}/original-prices/19990", "PUT")

    assert (refused.status_code, taken.status_code) == (400, 200)
    assert options_of(shop, 1)[0]["originalPrice"] == 19990
    assert options_of(shop, 1)[0]["salePrice"] != 19990


def test_a_sale_is_stopped_and_resumed(shop: Shop) -> None:
    seen = []
    for word in ("stop", "resume"):
        assert call(shop, f"{MARKET}/vendor-items/{ITEM}/sales/{word}", "PUT").status_code == 200
        seen.append(call(shop, f"{MARKET}/vendor-items/{ITEM}/inventories").json()["data"]["onSale"])

    assert seen == [False, True]


def test_a_page_can_repeat_rows_of_the_page_before_and_still_none_is_missing(shop: Shop) -> None:
    by_day, by_minute = span(shop)
    shop.fault("repeat_rows", 2, path="nextToken")
    whole = call(shop, f"{ORDERS}/ordersheets?{by_minute}&status=FINAL_DELIVERY").json()["data"]
    found: list[int] = []
    token = ""
    while not found or token:
        more = f"&nextToken={token.replace('=', '%3D')}" if token else ""
        answer = call(shop, f"{ORDERS}/ordersheets?{by_day}&status=FINAL_DELIVERY&maxPerPage=7{more}").json()
        found += [sheet["shipmentBoxId"] for sheet in answer["data"]]
        token = answer["nextToken"]

    assert len(found) == len(whole) + 4
    assert set(found) == {sheet["shipmentBoxId"] for sheet in whole}


def test_a_product_page_can_repeat_rows_too(shop: Shop) -> None:
    shop.fault("repeat_rows", 1, path="nextToken=2")
    pages = f"{MARKET}/seller-products?vendorId={VENDOR}&maxPerPage=10&nextToken="
    first, second = (call(shop, f"{pages}{token}").json()["data"] for token in (1, 2))

    assert [row["sellerProductId"] for row in second[:2]] == [row["sellerProductId"] for row in first[-2:]]
    assert len(second) == 12


def test_a_completed_purchase_stays_delivered_and_an_exchange_is_in_no_list(shop: Shop) -> None:
    shop.stand(shop.start + timedelta(minutes=150))
    _, by_minute = span(shop)
    delivered = call(shop, f"{ORDERS}/ordersheets?{by_minute}&status=FINAL_DELIVERY").json()["data"]
    ids = {sheet["orderId"] for sheet in delivered}
    made = list(shop.shop.orders(shop.start, shop.start + timedelta(hours=1)))
    of_fate = {
        fate: {31_000_000_000_000 + 7 * 10**7 + order.number for order in made if order.fate == fate}
        for fate in ("plain", "exchange")
    }

    assert of_fate["plain"] and of_fate["exchange"]
    assert of_fate["plain"] | of_fate["exchange"] <= ids
    assert {line["state"] for line in shop.market.truth()} == {
        "paid", "confirmed", "shipping", "delivered", "cancelled", "returned"}


def test_stock_goes_down_with_the_orders_that_the_sheets_show(shop: Shop) -> None:
    call(shop, f"{MARKET}/vendor-items/{ITEM}/quantities/500", "PUT")
    set_at = shop.now()
    shop.stand(set_at + timedelta(minutes=150))
    _, by_minute = span(shop)
    states = ("ACCEPT", "INSTRUCT", "DEPARTURE", "DELIVERING", "FINAL_DELIVERY")
    sold = sum(
        item["shippingCount"] - item["cancelCount"]
        for state in states for sheet in call(shop, f"{ORDERS}/ordersheets?{by_minute}&status={state}").json()["data"]
        for item in sheet["orderItems"]
        if item["vendorItemId"] == ITEM and datetime.fromisoformat(sheet["orderedAt"]) > set_at
    )
    returned = sum(
        line.quantity for order in shop.shop.orders(set_at, shop.now()) for line in order.lines
        if order.fate == "return" and order.settled_at <= shop.now() and line.item.number == ITEM - 3_000_000_000
    )

    assert sold > 0
    left = call(shop, f"{MARKET}/vendor-items/{ITEM}/inventories").json()["data"]["amountInStock"]
    assert left == 500 - sold - returned
