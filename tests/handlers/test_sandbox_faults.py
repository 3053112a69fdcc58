"""What the sandbox does to its callers, and what the control door tells of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from handlers.sandbox.counts import Counts
from tests.handlers.support import VENDOR, Shop, a_shop
from tests.handlers.test_sandbox_coupang import ITEM, MARKET, call

INVENTORY = f"{MARKET}/vendor-items/{ITEM}/inventories"
QUANTITY = f"{MARKET}/vendor-items/{ITEM}/quantities"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with a_shop() as served:
        yield served


def door(shop: Shop, name: str, method: str = "GET", body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{shop.url}/_sandbox/{name}", json=body, trust_env=False)


@pytest.mark.parametrize(("fault", "status", "header", "text"), [
    ({"kind": "429", "retry_after": 3}, 429, "3", "Too Many Requests"),
    ({"kind": "429"}, 429, None, "Too Many Requests"),
    ({"kind": "503"}, 503, None, "Service Unavailable"),
    ({"kind": "html403"}, 403, None, "Access Denied"),
    ({"kind": "maintenance"}, 503, None, "<h1>시스템 점검"),
    ({"kind": "expired"}, 401, None, "Specified signature is expired."),
])
def test_a_fault_is_met_by_as_many_calls_as_were_asked_for(
    shop: Shop, fault: dict[str, Any], status: int, header: str | None, text: str
) -> None:
    assert door(shop, "faults", "POST", {**fault, "count": 2}).json() == {"added": True}
    met = [call(shop, INVENTORY) for _ in range(3)]

    assert [response.status_code for response in met] == [status, status, 200]
    assert met[0].headers.get("retry-after") == header
    assert text in met[0].text


def test_a_fault_without_a_count_lasts_until_faults_are_cleared(shop: Shop) -> None:
    door(shop, "faults", "POST", {"kind": "maintenance", "count": 0, "path": "inventories"})
    met = [call(shop, INVENTORY).status_code for _ in range(4)]
    elsewhere = call(shop, f"{MARKET}/seller-products?vendorId={VENDOR}").status_code
    waiting = door(shop, "faults").json()["waiting"]
    door(shop, "faults", "DELETE")

    assert (met, elsewhere) == ([503] * 4, 200)
    assert [fault["kind"] for fault in waiting] == ["maintenance"]
    assert call(shop, INVENTORY).status_code == 200


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_an_answer_is_lost_on_its_way(shop: Shop, kind: str) -> None:
    shop.fault(kind)
    with pytest.raises(httpx.TransportError):
        call(shop, INVENTORY)

    assert call(shop, INVENTORY).status_code == 200


def test_a_write_takes_effect_although_its_caller_sees_a_reset(shop: Shop) -> None:
    shop.fault("drop_after_write")
    reading = call(shop, INVENTORY)
    refused = call(shop, f"{QUANTITY}/-1", "PUT")
    with pytest.raises(httpx.TransportError):
        call(shop, f"{QUANTITY}/17", "PUT")

    assert (reading.status_code, refused.status_code) == (200, 400)
    assert call(shop, INVENTORY).json()["data"]["amountInStock"] == 17
    assert call(shop, f"{QUANTITY}/18", "PUT").status_code == 200
    assert door(shop, "requests").json()["by_status"] == {"200": 3, "400": 1, "reset": 1}


def test_slow_answers_hold_up_nobody_else(shop: Shop) -> None:
    shop.fault("slow", seconds=30, path="quantities")
    held = threading.Thread(target=lambda: call(shop, f"{QUANTITY}/3", "PUT"), daemon=True)
    held.start()
    while not shop.calls("quantities/3"):
        assert held.is_alive()
    others = [call(shop, INVENTORY).status_code for _ in range(5)]
    shop.sandbox.closing.set()
    held.join(10)

    assert others == [200] * 5
    assert not held.is_alive()


@pytest.mark.parametrize(("body", "words"), [
    ({"kind": "earthquake"}, "kind is one of"), ({"kind": "429", "count": -1}, "count"),
    ({"kind": "429", "count": "x"}, "invalid"), ([], "list"), (None, "Expecting value"),
])
def test_a_fault_that_cannot_be_is_refused_with_the_reason(shop: Shop, body: Any, words: str) -> None:
    refused = door(shop, "faults", "POST", body)

    assert refused.status_code == 400
    assert words in refused.json()["error"]
    assert call(shop, INVENTORY).status_code == 200


def test_calls_are_counted_by_what_and_how_they_ended_and_the_most_at_once_is_kept(shop: Shop) -> None:
    for _ in range(4):
        call(shop, INVENTORY)
    shop.fault("429")
    call(shop, INVENTORY)
    counts = door(shop, "requests").json()

    assert (counts["total"], counts["by_call"], counts["by_status"]) == (5, {f"GET {INVENTORY}": 5}, {"200": 4, "429": 1})
    assert 1 <= counts["most_in_a_second"] <= 5
    assert counts["token_calls"] == 0
    assert door(shop, "requests", "DELETE").json() == {"cleared": True}
    assert door(shop, "requests").json()["total"] == 0


def test_the_most_in_a_second_is_that_of_any_second_not_of_the_whole() -> None:
    ticks = iter([0.0, 0.3, 0.9, 1.1, 1.2, 1.25, 5.0])
    counts = Counts(lambda: next(ticks))
    at_once = [counts.begin("GET /", False) for _ in range(3)]
    token = counts.begin("POST /token", True)
    at_once += [counts.begin("GET /", False) for _ in range(4)]

    assert at_once == [1, 2, 3, 3, 4, 5, 1]
    assert (token, counts.token_calls, counts.most_in_a_second, counts.requests.total()) == (0, 1, 5, 7)


def test_a_caller_that_is_too_fast_gets_429_until_it_slows_down() -> None:
    with a_shop(calls_per_second=1) as shop:
        answers = [call(shop, INVENTORY).status_code for _ in range(20)]
        limit = time.monotonic() + 20
        while call(shop, f"{MARKET}/seller-products?vendorId={VENDOR}").status_code == 429:
            assert time.monotonic() < limit
            threading.Event().wait(1.1)

    assert answers[0] == 200
    assert answers.count(429) > 10


def test_the_door_shows_truth_writes_stock_and_clock(shop: Shop) -> None:
    call(shop, f"{QUANTITY}/17", "PUT")
    writes = door(shop, "writes").json()["writes"]
    item = door(shop, "stock?sku=SKU-0001").json()["items"]
    lines = door(shop, "orders").json()["lines"]

    assert [(write["what"], write["sku"], write["value"]) for write in writes] == [("stock", "SKU-0001", 17)]
    assert [(each["sku"], each["stock"], each["on_sale"]) for each in item] == [("SKU-0001", 17, True)]
    assert len(door(shop, "stock").json()["items"]) == shop.shop.goods.item_count
    assert len(lines) > 100
    assert door(shop, "clock", "POST", {"speed": 60}).json()["speed"] == 60
    assert door(shop, "clock", "POST", {"speed": 0}).status_code == 400
    assert door(shop, "clock").json()["speed"] == 60
    assert "GET /_sandbox/clock" in door(shop, "nothing").json()["error"]
