"""The client of Naver: tokens, refusals, pages, and what it makes of a product order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from handlers.markets import naver_words as words
from handlers.markets.base import AuthFailed, BadRequest, Closed, LineKey, MarketDown, MarketError, RateLimited, Window
from handlers.markets.naver import Naver, spans
from tests.handlers.naver_support import CLIENT_ID, CLIENT_SECRET, TOKEN, Purse, a_client, an_account

SELLER = "/external/v1/pay-order/seller"
START = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
NOTHING = {"timestamp": "2026-03-09T10:02:03.000+09:00", "traceId": "t"}
REFUSED = {"code": "GW.AUTHN", "message": "요청을 보낼 권한이 없습니다.", "traceId": "cr3-1"}

Reply = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the waits between attempts instead of waiting."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return waited


def a_window(hours: float = 1) -> Window:
    return Window(START, START + timedelta(hours=hours))


def always(status: int, content: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content is None:
        return lambda _: httpx.Response(status, headers=named)
    return lambda _: httpx.Response(status, json=content, headers=named)


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


# -- the feed, the list and the details


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


async def test_moments_go_out_in_milliseconds_with_an_escaped_plus() -> None:
    targets: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        targets.append(request.url.raw_path.decode())
        return httpx.Response(200, json=NOTHING)

    window = Window(START + timedelta(microseconds=1_700), START + timedelta(hours=1, microseconds=300))
    async with a_client(reply) as market:
        await market.orders(window)
        await market.changes(window)

    assert targets == [
        f"{SELLER}/product-orders?from=2026-03-09T10:00:00.001%2B09:00&to=2026-03-09T11:00:00.001%2B09:00"
        "&rangeType=PAYED_DATETIME&quantityClaimCompatibility=true&pageSize=300&page=1",
        f"{SELLER}/product-orders/last-changed-statuses?lastChangedFrom=2026-03-09T10:00:00.001%2B09:00"
        "&lastChangedTo=2026-03-09T11:00:00.001%2B09:00&limitCount=300",
    ]


def test_no_span_is_longer_than_a_day_and_none_is_left_out() -> None:
    found = list(spans(Window(START + timedelta(microseconds=500), START + timedelta(days=2, minutes=1))))

    assert found[0][0] == START
    assert [before[1] for before in found[:-1]] == [after[0] for after in found[1:]]
    assert found[-1][1] == START + timedelta(days=2, minutes=1)
    assert all(end - start <= timedelta(hours=24) for start, end in found)


async def test_the_feed_goes_on_from_more_and_the_row_that_comes_twice_counts_once() -> None:
    asked: list[dict[str, list[str]]] = []
    pages = [
        {"lastChangeStatuses": [a_change("11"), a_change("12")],
         "more": {"moreFrom": "2026-03-09T10:00:00.000+09:00", "moreSequence": "12"}},
        {"lastChangeStatuses": [a_change("12"), a_change("13"), a_change("11", "2026-03-09T10:00:07.000+09:00")]},
    ]

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return details(request)
        asked.append(parse_qs(request.url.query.decode()))
        return httpx.Response(200, json={"data": pages.pop(0)})

    async with a_client(reply) as market:
        found = await market.changes(a_window())

    assert [line.line_id for line in found.lines] == ["11", "12", "13"]
    assert {line.changed_at for line in found.lines} == {datetime(2026, 3, 9, 0, 58, 41, tzinfo=UTC)}  # as the details say
    assert asked[1]["lastChangedFrom"] == ["2026-03-09T10:00:00.000+09:00"]
    assert asked[1]["moreSequence"] == ["12"]
    assert asked[1]["lastChangedTo"] == asked[0]["lastChangedTo"]


async def test_a_feed_that_goes_round_in_circles_is_an_outage() -> None:
    purse = Purse()
    more = {"moreFrom": "2026-03-09T10:00:00.000+09:00", "moreSequence": "12"}
    reply = always(200, {"data": {"lastChangeStatuses": [a_change("12")], "more": more}})

    async with a_client(reply, purse) as market:
        with pytest.raises(MarketDown, match="never end"):
            await market.changes(a_window())

    assert purse.calls == 3


@pytest.mark.parametrize("content", [NOTHING, {"data": None}, {"data": {}}, {"data": {"lastChangeStatuses": [], "count": 0}}])
async def test_nothing_changed_is_understood_in_every_form(content: dict[str, Any]) -> None:
    async with a_client(always(200, content)) as market:
        found = await market.changes(a_window())

    assert (found.lines, found.claims) == ([], [])


async def test_details_are_asked_for_three_hundred_at_a_time() -> None:
    sizes: list[int] = []
    feed = {"data": {"lastChangeStatuses": [a_change(str(number)) for number in range(650)]}}

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=feed)
        body = json.loads(request.content)
        assert body["quantityClaimCompatibility"] is True
        sizes.append(len(body["productOrderIds"]))
        return details(request)

    async with a_client(reply) as market:
        found = await market.changes(a_window())

    assert sizes == [300, 300, 50]
    assert len(found.lines) == 650


async def test_a_product_order_that_is_kept_back_is_asked_for_again_and_never_lost_in_silence() -> None:
    asked: list[list[str]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": {"lastChangeStatuses": [a_change("11"), a_change("12")]}})
        asked.append(json.loads(request.content)["productOrderIds"])
        return httpx.Response(200, json={"data": [a_row("11")] if len(asked) != 4 else [a_row("12")]})

    async with a_client(reply) as market:
        with pytest.raises(MarketDown, match="no details of product order 12"):
            await market.changes(a_window())
        found = await market.changes(a_window())

    assert asked == [["11", "12"], ["12"], ["11", "12"], ["12"]]
    assert len(found.lines) == 2


async def test_rows_repeated_across_pages_of_the_list_count_once_and_the_later_reading_holds() -> None:
    pages = {
        "1": ([a_row("11"), a_row("12")], True),
        "2": ([a_row("12", placeOrderStatus="OK"), a_row("13")], False),
    }

    def reply(request: httpx.Request) -> httpx.Response:
        rows, follows = pages[request.url.params["page"]]
        contents = [{"productOrderId": row["productOrder"]["productOrderId"], "content": row} for row in rows]
        return httpx.Response(200, json={"data": {"contents": contents, "pagination": {"hasNext": follows}}})

    async with a_client(reply) as market:
        found = await market.orders(a_window())

    assert [(line.line_id, line.state) for line in found.lines] == [("11", "paid"), ("12", "confirmed"), ("13", "paid")]


async def test_a_list_without_page_figures_is_read_until_a_page_is_empty_and_bare_rows_are_asked_for() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return details(request)
        rows = [{"productOrderId": "11"}] if request.url.params["page"] in "12" else []
        return httpx.Response(200, json={"data": {"contents": rows}})

    async with a_client(reply) as market:
        found = await market.orders(a_window())

    assert [line.line_id for line in found.lines] == ["11"]


@pytest.mark.parametrize("row", [{"order": {}, "productOrder": {"productOrderId": "1"}}, {"productOrder": None}, {}])
async def test_a_row_that_cannot_be_read_fails_this_market_only(row: dict[str, Any]) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": {"lastChangeStatuses": [a_change("1")]}})
        return httpx.Response(200, json={"data": [row]})

    async with a_client(reply) as market:
        with pytest.raises(BadRequest, match="naver: an answer cannot be read"):
            await market.changes(a_window())


async def test_one_order_is_read_through_its_product_orders() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert request.url.path == f"{SELLER}/orders/1/product-order-ids"
            return httpx.Response(200, json={"data": ["11", "12"]})
        return details(request)

    async with a_client(reply) as market:
        lines = await market.order("1")

    assert [(line.order_id, line.box_id, line.line_id) for line in lines] == [("1", "11", "11"), ("1", "12", "12")]


async def test_an_order_that_is_not_ours_is_empty() -> None:
    async with a_client(always(400, {"code": "101010", "message": "x"})) as market:
        assert await market.order("1") == []


# -- our words


@pytest.mark.parametrize(("status", "placed", "state"), [
    ("PAYED", "NOT_YET", "paid"), ("PAYED", "OK", "confirmed"), ("PAYED", "CANCEL", "paid"), ("DELIVERING", "OK", "shipping"),
    ("DELIVERED", "OK", "delivered"), ("PURCHASE_DECIDED", "OK", "completed"), ("EXCHANGED", "OK", "exchanged"),
    ("CANCELED", "NOT_YET", "cancelled"), ("CANCELED_BY_NOPAYMENT", "NOT_YET", "cancelled"), ("RETURNED", "OK", "returned"),
    ("SOMETHING_NEW", "OK", "confirmed"), ("SOMETHING_NEW", "NOT_YET", "paid"),
])
def test_every_state_has_its_word(status: str, placed: str, state: str) -> None:
    line = words.box_line(a_row(productOrderStatus=status, placeOrderStatus=placed), START)

    assert (line.state, line.market_state) == (state, status)
    assert line.cancelled == (line.quantity if state == "cancelled" else 0)


def test_a_product_order_keeps_its_codes_and_amounts() -> None:
    line = words.box_line(a_row(), START)

    assert (line.product_id, line.sku, line.name) == ("8000000001", "TMB-500-BLK", "시험 텀블러 색상: 블랙")
    assert (line.quantity, line.unit_price, line.amount, line.shipping_price) == (2, 13_900, 27_800, 3_000)
    assert line.paid_at == datetime(2026, 3, 9, 0, 58, 41, tzinfo=UTC)
    assert words.box_line(a_row(optionManageCode=None), START).sku == "TMB-500"


async def test_what_waits_for_its_payment_is_not_yet_an_order() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": {"lastChangeStatuses": [a_change("11")]}})
        return httpx.Response(200, json={"data": [a_row(productOrderStatus="PAYMENT_WAITING")]})

    async with a_client(reply) as market:
        found = await market.changes(a_window())

    assert found.lines == []


def test_a_part_that_is_cancelled_leaves_the_rest_on_its_way() -> None:
    done = {"claimId": "c1", "claimType": "CANCEL", "claimStatus": "CANCEL_DONE", "requestQuantity": 2}
    row = a_row(quantity=3, initialQuantity=5, remainQuantity=3, placeOrderStatus="OK") | {"completedClaims": [done]}

    line, [claim] = words.box_line(row, START), words.claims(row, START)

    assert (line.state, line.quantity, line.cancelled) == ("confirmed", 5, 2)
    assert (claim.claim_id, claim.kind, claim.completed, claim.ordered, claim.quantity) == ("c1", "cancel", True, 5, 2)


def test_a_part_that_is_cancelled_shows_in_the_quantities_alone() -> None:
    line = words.box_line(a_row(quantity=3, initialQuantity=5, remainQuantity=3), START)

    assert (line.quantity, line.cancelled) == (5, 2)


def test_a_part_that_came_back_is_not_cancelled() -> None:
    done = {"claimId": "c1", "claimType": "RETURN", "claimStatus": "RETURN_DONE", "requestQuantity": 2}
    row = a_row(productOrderStatus="DELIVERED", initialQuantity=5, remainQuantity=3) | {"completedClaims": [done]}

    line, [claim] = words.box_line(row, START), words.claims(row, START)

    assert (line.state, line.cancelled) == ("delivered", 0)
    assert (claim.kind, claim.quantity) == ("return", 2)


@pytest.mark.parametrize(("status", "completed", "quantity", "held"), [
    ("CANCEL_REQUEST", False, 1, 1), ("CANCELING", False, 1, 1), ("CANCEL_REJECT", True, 0, 0),
])
def test_a_cancel_that_is_not_settled_is_held(status: str, completed: bool, quantity: int, held: int) -> None:
    part = {"claimId": "c1", "claimStatus": status, "claimRequestDate": "2026-03-09T10:00:00.000+09:00", "requestQuantity": 1}
    row = a_row(claimType="CANCEL", claimStatus=status, remainQuantity=2) | {"currentClaim": {"cancel": part}}

    line, [claim] = words.box_line(row, START), words.claims(row, START)

    assert (line.cancelled, line.held) == (0, held)
    assert (claim.completed, claim.quantity, claim.market_state, claim.claimed_at) == (completed, quantity, status, START)


@pytest.mark.parametrize(("kind", "status", "completed"), [
    ("return", "RETURN_REQUEST", False), ("return", "COLLECT_DONE", False), ("return", "RETURN_DONE", True),
    ("exchange", "EXCHANGE_REDELIVERING", False), ("exchange", "EXCHANGE_DONE", True),
])
def test_a_claim_is_settled_by_its_own_done_only(kind: str, status: str, completed: bool) -> None:
    sold = {"claimType": kind.upper(), "claimStatus": status, "claimId": "c1"}

    for row in (a_row(**sold), a_row(**sold) | {kind: {"claimStatus": status}}):
        [claim] = words.claims(row, START, START + timedelta(hours=1))
        assert (claim.claim_id, claim.kind, claim.completed, claim.quantity) == ("c1", kind, completed, 2)
        assert claim.changed_at == START + timedelta(hours=1)


def test_two_claims_of_one_line_are_two_and_each_only_once() -> None:
    done = {"claimId": "c1", "claimType": "CANCEL", "claimStatus": "CANCEL_DONE", "requestQuantity": 1}
    nameless = {"claimType": "CANCEL", "claimStatus": "CANCEL_DONE", "requestQuantity": 1}
    present = {"claimId": "c2", "claimStatus": "RETURN_REQUEST", "requestQuantity": 2}
    row = a_row(productOrderStatus="DELIVERED", claimType="RETURN", claimStatus="RETURN_REQUEST", claimId="c2",
                initialQuantity=4, remainQuantity=2) | {
        "currentClaim": {"return": present, "cancel": done}, "completedClaims": [done, nameless]}

    line, found = words.box_line(row, START), words.claims(row, START)

    assert [(claim.claim_id, claim.kind, claim.quantity, claim.completed) for claim in found] == [
        ("c1", "cancel", 1, True), ("c2", "return", 2, False), ("11-cancel-4", "cancel", 1, True)]
    assert (line.quantity, line.cancelled, line.held) == (4, 2, 0)


def test_a_held_purchase_decision_is_no_claim() -> None:
    assert words.claims(a_row(claimType="PURCHASE_DECISION_HOLDBACK", claimStatus="PURCHASE_DECISION_HOLDBACK"), START) == []
