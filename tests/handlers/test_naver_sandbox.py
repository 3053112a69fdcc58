"""The sandbox Naver refuses what Naver refuses, and the client collects from it what is true."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from handlers.markets.base import BadRequest, Window
from handlers.markets.naver_sign import signature
from handlers.markets.naver_words import stamp
from handlers.sandbox.naver import KEYS, open_market
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import Beginning, State
from tests.handlers.naver_support import Served, a_naver, all_of, as_rows

SELLER = "/v1/pay-order/seller"
FEED = f"{SELLER}/product-orders/last-changed-statuses"


# -- orders


@pytest.mark.parametrize("seed", [7, 8])
async def test_a_collection_equals_the_truth(seed: int) -> None:
    with a_naver(hours=3, seed=seed) as shop:
        async with shop.client() as market:
            orders, changes = await market.orders(all_of(shop)), await market.changes(all_of(shop))
        truth = shop.truth()

    assert as_rows(orders.lines) == truth
    assert {row[-1] for row in truth} == {
        "paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged"}
    assert any(0 < row[4] < row[3] for row in truth)
    assert set(as_rows(changes.lines)) <= set(truth)
    assert {claim.kind for claim in changes.claims} == {"cancel", "return", "exchange"}
    assert {claim.completed for claim in changes.claims} == {True, False}
    key = [(claim.claim_id, claim.line_id, claim.quantity, claim.completed, claim.market_state) for claim in orders.claims]
    assert sorted(key) == sorted(
        (claim.claim_id, claim.line_id, claim.quantity, claim.completed, claim.market_state) for claim in changes.claims)


async def test_following_the_shop_minute_by_minute_equals_the_truth() -> None:
    known: dict[str, Any] = {}
    with a_naver(hours=0.05, per_minute=10, late_seconds=20) as shop:
        async with shop.client() as market:
            for _ in range(30):
                shop.moment += timedelta(minutes=2)
                window = Window(shop.moment - timedelta(minutes=3), shop.moment)
                found = [*(await market.orders(window)).lines, *(await market.changes(window)).lines]
                known.update({line.line_id: line for line in found})
                open_lines = [line for line in known.values() if line.state in market.open_states]
                if open_lines:
                    since = min(line.ordered_at for line in open_lines)
                    again = await market.orders(Window(since, shop.moment))
                    known.update({line.line_id: line for line in again.lines})

    assert as_rows(list(known.values())) == shop.truth()
    assert len(known) > 500


async def test_windows_that_meet_lose_no_order_and_no_change() -> None:
    with a_naver(hours=1) as shop:
        middle = shop.shop.start + timedelta(minutes=23, microseconds=456)
        async with shop.client() as market:
            parts = [Window(shop.shop.start, middle), Window(middle, shop.moment)]
            orders = {line.line_id for part in parts for line in (await market.orders(part)).lines}
            changes = {line.line_id for part in parts for line in (await market.changes(part)).lines}

    assert orders == changes == {row[1] for row in shop.truth()}


async def test_pages_that_repeat_rows_change_nothing() -> None:
    with a_naver(hours=2) as shop:
        shop.fault("repeat_rows", count=9, path="product-orders?")
        async with shop.client() as market:
            found = await market.orders(all_of(shop))

    assert shop.calls("/product-orders") > 2
    assert as_rows(found.lines) == shop.truth()


def feed_pages(shop: Served, limit: int) -> list[dict[str, Any]]:
    start, end = shop.moment - timedelta(minutes=30), shop.moment
    query, pages = f"lastChangedFrom={stamp(start)}", []
    while True:
        data = shop.ask("GET", f"{FEED}?{query}&lastChangedTo={stamp(end)}&limitCount={limit}").json()["data"]
        pages.append(data)
        if "more" not in data:
            return pages
        more_from = data["more"]["moreFrom"].replace("+", "%2B")
        query = f"lastChangedFrom={more_from}&moreSequence={data['more']['moreSequence']}"


def test_the_feed_is_sorted_and_each_page_begins_where_the_last_one_ended() -> None:
    with a_naver() as shop:
        pages = feed_pages(shop, 20)
        whole = feed_pages(shop, 300)

    keys = [[(row["lastChangedDate"], row["productOrderId"]) for row in page["lastChangeStatuses"]] for page in pages]
    assert all(before[-1] == after[0] for before, after in pairwise(keys))
    joined = [key for page in keys for key in page]
    folded = list(dict.fromkeys(joined))
    assert folded == sorted(folded)
    rows = [(row["lastChangedDate"], row["productOrderId"]) for page in whole for row in page["lastChangeStatuses"]]
    assert folded == list(dict.fromkeys(rows))
    assert len({at for at, _ in folded}) < len(folded)


async def test_rows_of_one_moment_across_the_edge_of_a_page_are_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.markets.naver.PAGE", 2)
    with a_naver(hours=0.5) as shop:
        async with shop.client() as market:
            found = await market.changes(all_of(shop))

    assert shop.calls("last-changed-statuses") > 50
    assert {line.line_id for line in found.lines} == {row[1] for row in shop.truth()}


async def test_an_empty_window_comes_in_both_forms() -> None:
    with a_naver(hours=0.1) as shop:
        later = shop.moment + timedelta(hours=2)
        target = f"{FEED}?lastChangedFrom={stamp(later)}"
        answers = [shop.ask("GET", target).json() for _ in range(2)]
        async with shop.client() as market:
            found = [await market.changes(Window(later, later + timedelta(hours=1))) for _ in range(2)]

    assert ["data" in answer for answer in answers] == [False, True]
    assert answers[1]["data"]["count"] == 0
    assert [one.lines for one in found] == [[], []]


@pytest.mark.parametrize(("method", "path", "body"), [
    ("GET", f"{FEED}?lastChangedFrom=2026-03-09T10:00:00.000+09:00", None),
    ("GET", f"{FEED}?lastChangedFrom=2026-03-09T10:00:00", None),
    ("GET", FEED, None),
    ("GET", f"{FEED}?lastChangedFrom=2026-03-08T10:00:00%2B09:00&lastChangedTo=2026-03-09T10:00:00.001%2B09:00", None),
    ("GET", f"{FEED}?lastChangedFrom=2026-03-08T10:00:00%2B09:00&limitCount=0", None),
    ("GET", f"{SELLER}/product-orders?from=2026-03-09T10:00:00%2B09:00&pageSize=301", None),
    ("GET", f"{SELLER}/product-orders?from=2026-03-09T10:00:00%2B09:00&page=0", None),
    ("GET", f"{SELLER}/product-orders?from=2026-03-09T10:00:00%2B09:00&rangeType=ANY", None),
    ("GET", f"{SELLER}/orders/1/product-order-ids", None),
    ("POST", f"{SELLER}/product-orders/query", {"productOrderIds": [str(number) for number in range(301)]}),
    ("POST", f"{SELLER}/product-orders/query", {"productOrderIds": []}),
    ("POST", f"{SELLER}/product-orders/query", {}),
    ("POST", f"{SELLER}/product-orders/confirm", {"productOrderIds": [str(number) for number in range(31)]}),
    ("POST", "/v1/products/search", {"size": 501}),
    ("POST", "/v1/products/search", {"page": 0}),
])
def test_what_is_outside_the_documented_limits_is_refused(method: str, path: str, body: Any) -> None:
    with a_naver(hours=0.1) as shop:
        answer = shop.ask(method, path, body)

    assert answer.status_code == 400
    assert answer.json()["code"] in ("4000", "104139", "101010", "BAD_REQUEST")


def test_the_list_can_be_asked_by_state() -> None:
    with a_naver(hours=1) as shop:
        target = f"{SELLER}/product-orders?from={stamp(shop.shop.start)}"
        answers = [shop.ask("GET", f"{target}&{query}").json()["data"]["contents"] for query in (
            "productOrderStatuses=CANCELED,RETURNED", "productOrderStatuses=PAYED&placeOrderStatusType=OK",
            "claimStatuses=RETURN_DONE")]
        truth = shop.truth()

    sold = [sorted(row["productOrderId"] for row in rows) for rows in answers]
    assert sold == [[row[1] for row in truth if row[-1] in states] for states in (
        ("cancelled", "returned"), ("confirmed",), ("returned",))]
    assert all(sold)


def test_an_unknown_address_is_not_found_and_another_base_leads_nowhere() -> None:
    with a_naver(hours=0.1) as shop, httpx.Client(trust_env=False) as http:
        headers = {"authorization": f"Bearer {shop.token()}"}
        answers = [http.get(f"{shop.server.url}{path}", headers=headers) for path in (
            "/external/v1/nowhere", "/v1/seller/account", "/externals/v1/seller/account")]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "NOT_FOUND")] * 3


async def test_one_order_is_read_as_it_stands_and_unknown_ones_are_empty() -> None:
    with a_naver(hours=1) as shop:
        truth = shop.truth()
        order_id = next(row[0] for row in truth if [other[0] for other in truth].count(row[0]) > 1)
        async with shop.client() as market:
            lines = await market.order(order_id)
            unknown = await market.order("2026999999999900")

    assert as_rows(lines) == [row for row in truth if row[0] == order_id]
    assert unknown == []


async def test_the_feed_may_lag_but_the_details_decide() -> None:
    with a_naver(hours=2) as shop:
        window = Window(shop.shop.start, shop.shop.start + timedelta(minutes=10))
        rows = shop.ask("GET", f"{FEED}?lastChangedFrom={stamp(window.start)}&lastChangedTo={stamp(window.end)}").json()
        async with shop.client() as market:
            found = await market.changes(window)

    assert {row["productOrderStatus"] for row in rows["data"]["lastChangeStatuses"] if row["lastChangedType"] == "PAYED"} == {
        "PAYED"}
    assert "paid" not in {line.state for line in found.lines}
    assert set(as_rows(found.lines)) <= set(shop.truth())


# -- the door by which the sandbox is opened


async def test_it_opens_by_name_with_keys_of_the_right_form() -> None:
    state = State(None, Beginning(), "naver", KEYS)
    market = open_market(Shop("naver", state), state)

    assert market.code == "naver"
    assert len(state.key("client_id")) == 22
    assert signature(state.key("client_id"), state.key("client_secret"), 1)
    assert market.truth()


async def test_a_refusal_names_what_the_product_call_found_wrong() -> None:
    with a_naver(hours=0.1) as shop:
        async with shop.client() as market:
            with pytest.raises(BadRequest, match=r"BAD_REQUEST .* page: "):
                await market.products("0", 100, False)
