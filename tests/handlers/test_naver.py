"""The client of Naver: its tokens, and what refusals mean."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from handlers.markets.base import AuthFailed, BadRequest, Closed, LineKey, MarketDown, MarketError, RateLimited
from handlers.markets.naver import Naver
from tests.handlers.naver_support import (
    CLIENT_ID,
    CLIENT_SECRET,
    NOTHING,
    START,
    TOKEN,
    Purse,
    Reply,
    a_client,
    a_window,
    always,
    an_account,
)

SELLER = "/external/v1/pay-order/seller"
REFUSED = {"code": "GW.AUTHN", "message": "요청을 보낼 권한이 없습니다.", "traceId": "cr3-1"}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the waits between attempts instead of waiting."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return waited


def a_client_with_tokens(tokens: list[dict[str, Any]], reply: Reply, purse: Purse) -> Naver:
    """Make a client that gets one token after the other."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=tokens.pop(0)) if request.url.path.endswith("/token") else reply(request)

    return Naver(an_account(), lambda _: CLIENT_SECRET, lambda: START, purse, httpx.MockTransport(answer))


# -- tokens


async def test_the_token_request_is_a_form_in_the_body_and_the_call_carries_the_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=TOKEN if len(seen) == 1 else NOTHING)

    async with Naver(an_account(), lambda _: CLIENT_SECRET, lambda: START, Purse(), httpx.MockTransport(answer)) as market:
        await market.changes(a_window())

    assert str(seen[0].url) == "https://market.test/external/v1/oauth2/token"
    assert seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in seen[0].headers
    assert parse_qs(seen[0].content.decode())["client_id"] == [CLIENT_ID]
    assert seen[1].headers["authorization"] == "Bearer token-1"


async def test_one_token_serves_many_calls_and_a_new_one_comes_when_half_an_hour_is_left() -> None:
    purse = Purse()
    tokens = [{**TOKEN, "access_token": f"token-{number}"} for number in (1, 2)]
    used: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        used.append(request.headers["authorization"])
        return httpx.Response(200, json=NOTHING)

    async with a_client_with_tokens(tokens, reply, purse) as market:
        for purse.moment in (0, 60, 8_999, 9_000, 9_060):
            await market.changes(a_window())

    assert used == ["Bearer token-1"] * 3 + ["Bearer token-2"] * 2


async def test_a_token_of_which_little_is_left_is_not_kept_for_long() -> None:
    purse = Purse()
    tokens = [{**TOKEN, "expires_in": 1_900}, {**TOKEN, "access_token": "token-2"}]

    async with a_client_with_tokens(tokens, always(200, NOTHING), purse) as market:
        for purse.moment in (0, 99, 100, 101):
            await market.changes(a_window())

    assert purse.fetched == 2


async def test_a_refused_token_is_replaced_once_and_the_call_repeated_once() -> None:
    purse = Purse()
    tokens = [TOKEN, {**TOKEN, "access_token": "token-2"}]

    def reply(request: httpx.Request) -> httpx.Response:
        good = request.headers["authorization"] == "Bearer token-2"
        return httpx.Response(200, json=NOTHING) if good else httpx.Response(401, json=REFUSED)

    async with a_client_with_tokens(tokens, reply, purse) as market:
        await market.changes(a_window())
        await market.changes(a_window())

    assert purse.fetched == 2


@pytest.mark.parametrize("is_write", [False, True])
async def test_a_token_that_is_refused_again_is_not_asked_for_in_a_loop(is_write: bool) -> None:
    purse = Purse()
    tokens = [{**TOKEN, "access_token": f"token-{number}"} for number in range(9)]
    calls: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        return httpx.Response(401, json=REFUSED)

    async with a_client_with_tokens(tokens, reply, purse) as market:
        with pytest.raises(AuthFailed, match=r"naver: HTTP 401 GW.AUTHN 요청을 보낼 권한이 없습니다. \(trace cr3-1\)"):
            if is_write:
                await market.acknowledge([LineKey("1", "11", "11")])
            else:
                await market.changes(a_window())

    assert (len(calls), purse.fetched) == (2, 2)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_token_request_is_a_matter_for_people(status: int) -> None:
    purse = Purse()
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(status, json={"code": "BAD_REQUEST", "message": "client_secret_sign"})

    async with Naver(an_account(), lambda _: CLIENT_SECRET, lambda: START, purse, httpx.MockTransport(answer)) as market:
        with pytest.raises(AuthFailed, match=r"no token: .*client_secret_sign; check client_id") as error:
            await market.changes(a_window())

    assert asked == ["/external/v1/oauth2/token"]
    assert CLIENT_SECRET not in str(error.value)


def test_a_secret_that_lost_its_dollar_parts_is_told_when_the_client_is_made() -> None:
    with pytest.raises(AuthFailed, match="single quotes"):
        Naver(an_account(), lambda _: "a0aXYZ", lambda: START, Purse())


# -- refusals


@pytest.mark.parametrize(("status", "content", "kind"), [
    (403, {"code": "GW.AUTHN", "message": "API group"}, AuthFailed),
    (403, {"code": "GW.IP_NOT_ALLOWED", "message": "address"}, AuthFailed),
    (403, None, AuthFailed),
    (400, {"code": "104139", "message": "span"}, BadRequest),
    (404, {"code": "NOT_FOUND", "message": "gone"}, BadRequest),
    (404, None, BadRequest),
    (308, {"code": "PERMANENT_REDIRECT", "message": "moved"}, AuthFailed),
])
async def test_what_no_retry_can_mend_is_asked_once(status: int, content: Any, kind: type[MarketError]) -> None:
    calls: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return always(status, content, location="/external/elsewhere", gncp_gw_trace_id="cr3-7")(request)

    async with a_client(reply) as market:
        with pytest.raises(kind) as error:
            await market.changes(a_window())

    assert calls == ["GET"]
    assert str(error.value).startswith("naver: ")
    assert status == 308 or "(trace cr3-7)" in str(error.value)


@pytest.mark.parametrize("reply", [
    always(500, {"code": "INTERNAL_SERVER_ERROR", "message": "x", "traceId": "cr3-9"}), always(503), always(502, {"x": 1}),
    lambda _: httpx.Response(200, content=b'{"data": {"lastCh'), lambda _: httpx.Response(200, content=b""),
    always(200, ["not", "an", "object"]),
])
async def test_an_outage_is_asked_three_times(reply: Reply, waits: list[float]) -> None:
    async with a_client(reply) as market:
        with pytest.raises(MarketDown):
            await market.changes(a_window())

    assert waits == [0.5, 1.0]


async def test_maintenance_closes_the_market_for_all(waits: list[float]) -> None:
    purse = Purse()
    async with a_client(always(503, {"code": "GW.MAINTENANCE", "message": "점검"}), purse) as market:
        with pytest.raises(Closed, match=r"GW\.MAINTENANCE 점검"):
            await market.changes(a_window())

    assert len(purse.closed) == 1
    assert waits == []


@pytest.mark.parametrize("content", [{"code": "GW.RATE_LIMIT", "message": "slow down"}, None])
async def test_a_429_waits_for_the_bucket_with_body_and_without(content: Any, waits: list[float]) -> None:
    purse = Purse()
    answers = [always(429, content, gncp_gw_ratelimit_replenish_rate="2"), always(200, NOTHING)]

    async with a_client(lambda request: answers.pop(0)(request), purse) as market:
        await market.changes(a_window())

    assert purse.pauses == waits
    assert 0.5 <= waits[0] <= 0.75


async def test_a_429_that_says_nothing_at_all_pauses_for_a_minute(waits: list[float]) -> None:
    purse = Purse()
    async with a_client(always(429), purse) as market:
        with pytest.raises(RateLimited):
            await market.changes(a_window())

    assert purse.pauses == [60.0]


@pytest.mark.parametrize("content", [{"code": "GW.QUOTA_LIMIT", "message": "x"}, None])
async def test_a_quota_by_the_hour_stops_the_account_for_an_hour(content: Any, waits: list[float]) -> None:
    purse = Purse()
    reply = always(
        429, content, gncp_gw_quota_period="HOURS", gncp_gw_quota_remaining="0", gncp_gw_ratelimit_replenish_rate="2"
    )
    async with a_client(reply, purse) as market:
        with pytest.raises(RateLimited) as error:
            await market.changes(a_window())

    assert len(purse.pauses) == 1
    assert 3600 <= purse.pauses[0] == error.value.after < 3601
    assert waits == []


async def test_a_write_is_sent_again_after_a_429_but_not_after_an_outage(waits: list[float]) -> None:
    sent: list[int] = []
    statuses = [429, 200, 500]

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(statuses[len(sent)])
        done = {"data": {"successProductOrderInfos": [{"productOrderId": "11"}]}}
        return httpx.Response(sent[-1], json=done, headers={"GNCP-GW-RateLimit-Replenish-Rate": "2"})

    async with a_client(reply) as market:
        first = await market.acknowledge([LineKey("1", "11", "11")])
        second = await market.acknowledge([LineKey("1", "11", "11")])

    assert [answer.ok for answer in first] == [True]
    assert [(answer.ok, answer.again) for answer in second] == [(False, True)]
    assert sent == [429, 200, 500]


async def test_a_write_does_not_wait_out_a_long_pause(waits: list[float]) -> None:
    purse = Purse()
    reply = always(429, {"code": "GW.QUOTA_LIMIT"}, gncp_gw_quota_period="HOURS")

    async with a_client(reply, purse) as market:
        with pytest.raises(RateLimited):
            await market.acknowledge([LineKey("1", "11", "11")])

    assert (waits, len(purse.pauses)) == ([], 1)


async def test_what_was_confirmed_is_told_although_the_rest_was_cut_off(waits: list[float]) -> None:
    keys = [LineKey("1", str(number), str(number)) for number in range(40)]

    def reply(request: httpx.Request) -> httpx.Response:
        numbers = json.loads(request.content)["productOrderIds"]
        if "0" not in numbers:
            return httpx.Response(403, json={"code": "GW.IP_NOT_ALLOWED", "message": "x"})
        infos = [{"productOrderId": number} for number in numbers]
        return httpx.Response(200, json={"data": {"successProductOrderInfos": infos}})

    async with a_client(reply) as market:
        answers = await market.acknowledge(keys)

    assert [answer.key for answer in answers] == [key.line_id for key in keys]
    assert [answer.ok for answer in answers] == [True] * 30 + [False] * 10
    assert all(answer.again and "GW.IP_NOT_ALLOWED" in answer.message for answer in answers[30:])
