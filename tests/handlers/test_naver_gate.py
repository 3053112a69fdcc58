"""The gateway of the sandbox Naver, and the client before it: tokens, limits and moods."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from handlers.markets.base import AuthFailed, Closed, MarketDown, RateLimited, Window
from handlers.markets.naver_sign import FORM, TOKEN_PATH, signature
from tests.handlers.naver_support import CLIENT_ID, CLIENT_SECRET, Served, a_naver, all_of, as_rows

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
