"""The sandbox Naver refuses what Naver refuses, and the client collects from it what is true."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from handlers.markets.base import AuthFailed, BadRequest, Closed, MarketDown, RateLimited, Window
from handlers.markets.naver_sign import FORM, TOKEN_PATH, signature
from handlers.markets.naver_words import stamp
from handlers.sandbox.naver import KEYS, open_market
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import Beginning, State
from tests.handlers.naver_support import CLIENT_ID, CLIENT_SECRET, Served, a_naver, as_rows

SELLER = "/v1/pay-order/seller"
FEED = f"{SELLER}/product-orders/last-changed-statuses"


def a_form(**changed: Any) -> dict[str, Any]:
    moment = changed.pop("moment", int(time.time() * 1000))
    sign = signature(CLIENT_ID, CLIENT_SECRET, moment)
    form = {"client_id": CLIENT_ID, "timestamp": moment, "client_secret_sign": sign,
            "grant_type": "client_credentials", "type": "SELF", **changed}
    return {name: value for name, value in form.items() if value is not None}


def ask_token(shop: Served, form: dict[str, Any]) -> httpx.Response:
    return shop.call("POST", TOKEN_PATH, urlencode(form).encode(), content_type=FORM["Content-Type"])


def all_of(shop: Served) -> Window:
    return Window(shop.shop.start, shop.moment)


# -- tokens


def test_the_same_token_is_given_until_less_than_half_an_hour_is_left_and_the_old_one_lives_on() -> None:
    with a_naver() as shop:
        first = ask_token(shop, a_form()).json()
        shop.passed = 10_800 - 1_801
        second = ask_token(shop, a_form(moment=int((time.time() + shop.passed) * 1000))).json()
        shop.passed = 10_800 - 1_790
        third = ask_token(shop, a_form(moment=int((time.time() + shop.passed) * 1000))).json()
        old = shop.call("GET", "/v1/seller/account", authorization=f"Bearer {first['access_token']}")
        shop.passed = 10_801
        over = shop.call("GET", "/v1/seller/account", authorization=f"Bearer {first['access_token']}")

    assert first["token_type"] == "Bearer"
    assert 10_795 <= first["expires_in"] <= 10_800
    assert second["access_token"] == first["access_token"]
    assert 1_795 <= second["expires_in"] <= 1_801
    assert third["access_token"] != first["access_token"]
    assert (old.status_code, over.status_code, over.json()["code"]) == (200, 401, "GW.AUTHN")


@pytest.mark.parametrize("changed", [
    {"account_id": "ncp_1"}, {"type": "SELLER"}, {"type": None}, {"grant_type": None}, {"timestamp": "soon"},
    {"moment": int(time.time() * 1000) - 301_000}, {"client_secret_sign": "x"}, {"client_secret_sign": ""},
    {"client_id": "another"}, {"timestamp": int(time.time() * 1000) + 1},
])
def test_a_token_request_of_another_form_is_refused(changed: dict[str, Any]) -> None:
    with a_naver(hours=0.1) as shop:
        answer = ask_token(shop, a_form(**changed))

    assert answer.status_code in (400, 403)
    assert "access_token" not in answer.json()


def test_token_parameters_in_the_address_or_as_json_are_refused() -> None:
    with a_naver(hours=0.1) as shop:
        in_address = shop.call("POST", f"{TOKEN_PATH}?{urlencode(a_form())}", content_type=FORM["Content-Type"])
        as_json = shop.call("POST", TOKEN_PATH, urlencode(a_form()).encode(), content_type="application/json")

    assert (in_address.status_code, as_json.status_code) == (400, 400)


def test_a_secret_whose_last_letter_carries_too_much_signs_like_one_that_does_not() -> None:
    with a_naver(hours=0.1) as shop:
        shop.shop.state.content["keys"]["client_secret"] = CLIENT_SECRET[:-1] + "t"
        answer = ask_token(shop, a_form())

    assert answer.status_code == 200


async def test_the_client_gets_a_new_token_when_all_are_dropped() -> None:
    with a_naver() as shop:
        async with shop.client() as market:
            before = await market.orders(all_of(shop))
            shop.fault("expired")
            after = await market.orders(all_of(shop))

    assert as_rows(before.lines) == as_rows(after.lines)
    assert shop.purse.fetched == 2


async def test_a_token_that_was_used_up_while_nobody_looked_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.sandbox.naver_gate.TOKEN_LIFE", 100.0)
    with a_naver(hours=0.5) as shop:
        shop.passed = -200
        async with shop.client() as market:
            await market.orders(all_of(shop))
            monkeypatch.undo()
            shop.purse.ends, shop.purse.fetched, shop.passed = 10_000.0, 0, 0
            found = await market.orders(all_of(shop))

    assert shop.sandbox.counts.content()["by_status"]["401"] == 1
    assert shop.purse.fetched == 1
    assert as_rows(found.lines) == shop.truth()


async def test_a_wrong_secret_is_refused_once_and_named() -> None:
    with a_naver(hours=0.1) as shop:
        shop.shop.state.content["keys"]["client_secret"] = "$2a$04$Vq1wE2rT3yU4iO5pA6sD7e"
        async with shop.client() as market:
            with pytest.raises(AuthFailed, match=r"HTTP 403 GW\.AUTHN .*client_secret_sign"):
                await market.orders(all_of(shop))

    assert shop.sandbox.counts.token_calls == 1
    assert shop.sandbox.requests.total() == 0


# -- limits


def test_every_answer_names_rate_and_trace() -> None:
    with a_naver(hours=0.1) as shop:
        answers = [shop.ask("GET", "/v1/seller/account"), shop.call("GET", "/v1/nowhere"), shop.call("GET", "/v1/seller/account"),
                   ask_token(shop, a_form())]

    for answer in answers:
        assert float(answer.headers["GNCP-GW-RateLimit-Replenish-Rate"]) * 2 == float(
            answer.headers["GNCP-GW-RateLimit-Burst-Capacity"])
        assert answer.headers["GNCP-GW-RateLimit-Remaining"].isdigit()
        assert answer.headers["GNCP-GW-Trace-ID"]
    assert [answer.status_code for answer in answers] == [200, 404, 401, 200]
    assert answers[1].json()["code"] == "NOT_FOUND"


def test_each_api_has_a_bucket_of_its_own() -> None:
    with a_naver(hours=0.1) as shop:
        shop.market.gate.rate = 0.5
        statuses = [shop.ask("GET", "/v1/seller/account").status_code for _ in range(3)]
        other = shop.ask("POST", "/v1/products/search", {})
        again = shop.ask("GET", "/v1/seller/account")
        shop.passed = 2.5
        later = shop.ask("GET", "/v1/seller/account")

    assert statuses == [200, 429, 429]
    assert again.json()["code"] == "GW.RATE_LIMIT"
    assert "Retry-After" not in again.headers
    assert (other.status_code, later.status_code) == (200, 200)


async def test_a_collection_gets_through_a_narrow_bucket() -> None:
    with a_naver(hours=3) as shop:
        shop.market.gate.rate = 4
        async with shop.client() as market:
            found = await market.orders(all_of(shop))
            changes = [await market.changes(Window(shop.moment - timedelta(minutes=1), shop.moment)) for _ in range(10)]

    assert as_rows(found.lines) == shop.truth()
    assert len({len(change.lines) for change in changes}) == 1
    assert all(0.25 <= pause <= 0.5 for pause in shop.purse.pauses)
    assert shop.purse.pauses


async def test_a_quota_by_the_hour_and_a_429_without_body_are_understood() -> None:
    with a_naver(hours=0.5) as shop:
        async with shop.client() as market:
            shop.fault("bare429", path="product-orders")
            found = await market.orders(all_of(shop))
            shop.fault("429", path="product-orders")
            await market.orders(all_of(shop))
            shop.fault("quota_hours")
            with pytest.raises(RateLimited) as error:
                await market.orders(all_of(shop))

    assert as_rows(found.lines) == shop.truth()
    assert all(pause < 1 for pause in shop.purse.pauses[:2])
    assert 3600 <= error.value.after < 3601


async def test_maintenance_and_other_moods_of_the_gateway() -> None:
    with a_naver(hours=0.5) as shop:
        async with shop.client() as market:
            shop.fault("maintenance", path="product-orders")
            with pytest.raises(Closed):
                await market.orders(all_of(shop))
            shop.fault("redirect", path="product-orders")
            with pytest.raises(AuthFailed, match="redirected elsewhere"):
                await market.orders(all_of(shop))
            shop.fault("forbidden", path="product-orders")
            with pytest.raises(AuthFailed, match=r"GW\.IP_NOT_ALLOWED .*trace"):
                await market.orders(all_of(shop))
            shop.fault("truncate", path="product-orders")
            shop.fault("reset", path="product-orders")
            found = await market.orders(all_of(shop))
            shop.fault("503", count=3, path="product-orders")
            with pytest.raises(MarketDown, match="HTTP 503"):
                await market.orders(all_of(shop))

    assert len(shop.purse.closed) == 1
    assert as_rows(found.lines) == shop.truth()


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
