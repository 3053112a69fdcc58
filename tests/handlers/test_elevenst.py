"""The 11st client: what an answer means, and which windows it asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from handlers.markets.base import (
    AuthFailed,
    BadRequest,
    Closed,
    MarketDown,
    MarketError,
    RateLimited,
    Window,
)
from handlers.markets.elevenst import LIST_LIMIT, spans
from handlers.markets.elevenst_words import KOREA
from tests.handlers.elevenst_support import (
    DAY,
    KEY,
    LISTS,
    NOW,
    NS2,
    PAID,
    SINGLE,
    WINDOW,
    Market,
    a_client,
    code,
    error_of,
    fields,
    orders,
    xml,
)
from tests.handlers.support import FreeBudget

# -- what an answer means


async def test_the_key_travels_in_a_header_and_nowhere_else() -> None:
    market = Market()
    async with a_client(market) as client:
        await client.orders(WINDOW)

    assert {request.headers["openapikey"] for request in market.requests} == {KEY}
    assert not [request for request in market.requests if KEY in str(request.url)]


@pytest.mark.parametrize("key", ["", "short", "a key with spaces", "line\nfeed-in-the-key", "한글열쇠한글열쇠"])
def test_a_key_that_cannot_be_one_is_refused_at_once_and_never_shown(key: str) -> None:
    with pytest.raises(AuthFailed) as raised:
        a_client(Market(), key=key)

    assert not key or key not in str(raised.value)


async def test_code_0_is_an_empty_success() -> None:
    async with a_client(lambda _: code(0, "조회된 결과가 없습니다.")) as client:
        assert (await client.orders(WINDOW)).lines == []
        assert (await client.changes(WINDOW)).claims == []


async def test_minus_1_for_nothing_found_is_an_empty_success_of_claim_lists() -> None:
    async with a_client(lambda _: code(-1, "해당 건이 없습니다.")) as client:
        assert (await client.changes(WINDOW)).claims == []
        assert await client.order("20260309000000001") == []


async def test_minus_1_for_an_unknown_key_asks_for_a_person() -> None:
    error = await error_of(code(-1, f"주문/클레임 조회 오류 MSG : OpenAPI Key {KEY} 에 해당하는 유저가 없습니다."))

    assert isinstance(error, AuthFailed)
    assert KEY not in str(error)


@pytest.mark.parametrize("number", [-1, -3103, -3104, -3105, -3303, -3902, -3904, -28008, -29007, 400, 500])
async def test_other_codes_are_refusals_that_are_not_tried_again(number: int) -> None:
    market = Market()
    market.on("/", lambda _: code(number, "거절"))
    async with a_client(market) as client:
        with pytest.raises(BadRequest, match=f"{number} 거절"):
            await client.orders(WINDOW)

    assert len(market.requests) == 1


async def test_an_unknown_path_is_a_bug_of_ours_though_it_comes_with_http_500() -> None:
    market = Market()
    market.on("/", lambda _: xml("<AuthMessage><resultCode>-997</resultCode><resultMessage>등록된 API 정보가 존재하지 않습니다."
                                 "</resultMessage></AuthMessage>", 500))
    async with a_client(market) as client:
        with pytest.raises(BadRequest, match="-997 등록된 API"):
            await client.orders(WINDOW)

    assert len(market.requests) == 1


@pytest.mark.parametrize("status", [200, 500, 503])
async def test_maintenance_is_told_to_the_budget_and_holds_the_work(status: int) -> None:
    budget = FreeBudget()

    error = await error_of(code(-1000, "서버 점검중입니다.", status), budget)

    assert isinstance(error, Closed)
    assert error.until is None
    assert budget.closings == [(None, "-1000 서버 점검중입니다.")]


@pytest.mark.parametrize("answer", [
    httpx.Response(200, content=b"<html><body>busy<br></body></html>"),
    httpx.Response(200, content="<html><body>점검</body></html>".encode()),
    httpx.Response(502, content=b"Bad Gateway"),
    xml("<other/>", 500),
    xml(f"<ns2:orders {NS2}><ns2:order><ordNo>1</ordNo>"),
])
async def test_what_is_no_answer_is_an_outage(answer: httpx.Response, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.markets.http.ATTEMPTS", 1)
    monkeypatch.setattr("handlers.markets.http._wait", lambda _: 0)

    assert isinstance(await error_of(answer), MarketDown)


@pytest.mark.parametrize("content", ["<error><message>x</message></error>", "<Orders/>", "<result/>", "<ns2:products {ns2}/>"])
@pytest.mark.parametrize("verb", ["orders", "changes", "order"])
async def test_another_root_without_rows_is_no_empty_list(content: str, verb: str) -> None:
    async with a_client(lambda _: xml(content.format(ns2=NS2))) as client:
        with pytest.raises(MarketDown, match=r"11st: <\w+> came where <orders> was expected"):
            await getattr(client, verb)("1" if verb == "order" else WINDOW)


async def test_a_list_of_orders_is_no_empty_list_of_products() -> None:
    async with a_client(lambda _: xml(f"<ns2:orders {NS2}/>")) as client:
        with pytest.raises(MarketDown, match="<orders> came where <products> was expected"):
            await client.products(None, 10, False)


async def test_an_empty_list_and_rows_under_another_root_are_taken() -> None:
    async with a_client(lambda _: xml(f"<ns2:orders {NS2}/>")) as client:
        assert (await client.orders(WINDOW)).lines == []
    row = f"<order>{fields(SINGLE)}</order>"
    async with a_client(lambda _: xml(f"<list>{row}</list>")) as client:
        assert [line.order_id for line in await client.order(SINGLE["ordNo"])] == [SINGLE["ordNo"]]


async def test_an_outage_of_a_read_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.markets.http._wait", lambda _: 0)
    answers = [httpx.Response(502), xml("<ns2:orders"), orders([PAID])]
    async with a_client(lambda request: answers.pop(0) if answers else orders([])) as client:
        found = await client.orders(WINDOW)

    assert [line.order_id for line in found.lines] == [PAID["ordNo"]]


async def test_429_is_passed_on_to_the_budget() -> None:
    budget = FreeBudget()

    error = await error_of(httpx.Response(429, headers={"Retry-After": "90"}), budget)

    assert isinstance(error, RateLimited)
    assert (error.after, budget.pauses) == (90.0, [(90.0, "HTTP 429")])


@pytest.mark.parametrize(("status", "kind"), [(403, AuthFailed), (401, AuthFailed), (404, BadRequest), (302, AuthFailed)])
async def test_gateway_pages_say_what_a_person_can_do(status: int, kind: type[MarketError]) -> None:
    answer = httpx.Response(status, content=b"denied", headers={"Location": "https://elsewhere.test/"})

    assert isinstance(await error_of(answer), kind)


async def test_a_row_that_lacks_its_key_fails_this_market_only() -> None:
    error = await error_of(orders([{name: value for name, value in PAID.items() if name != "ordPrdSeq"}]))

    assert isinstance(error, BadRequest)
    assert "ordPrdSeq" in str(error)


# -- windows


def test_spans_are_whole_minutes_that_end_a_minute_late_and_fit_into_a_week() -> None:
    start = datetime(2026, 3, 1, 0, 0, 30, tzinfo=UTC)
    cut = spans(Window(start, start + 15 * DAY), timedelta(days=7))

    assert cut[0][0] == datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
    assert cut[-1][1] == datetime(2026, 3, 16, 0, 2, tzinfo=UTC)
    assert all(end - begin <= timedelta(days=7) for begin, end in cut)
    assert all(former[1] > following[0] for former, following in pairwise(cut))


async def test_times_go_as_twelve_digits_in_korean_time() -> None:
    market = Market()
    async with a_client(market) as client:
        await client.orders(Window(datetime(2026, 3, 8, 15, 0, tzinfo=UTC), datetime(2026, 3, 8, 15, 5, tzinfo=UTC)))

    assert market.paths == [f"/ordservices/{name}/202603090000/202603090006" for name in LISTS]


async def test_claims_are_asked_for_by_thirty_days() -> None:
    market = Market()
    async with a_client(market) as client:
        await client.changes(Window(NOW - 29 * DAY, NOW))

    assert len(market.requests) == 6


async def test_a_full_answer_is_asked_for_again_in_halves_until_every_row_is_there() -> None:
    made = [NOW.replace(second=0) - timedelta(seconds=second) for second in range(7200, 0, -1)]
    rows = [PAID | {"ordNo": f"20260309{number:09d}"} for number in range(len(made))]

    def listed(request: httpx.Request) -> httpx.Response:
        start, end = (datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=KOREA)
                      for text in request.url.path.split("/")[-2:])
        inside = [row for row, moment in zip(rows, made, strict=True) if start <= moment < end]
        return orders(inside[:LIST_LIMIT])

    market = Market()
    market.on("/ordservices/complete/", listed)
    async with a_client(market) as client:
        found = await client.orders(WINDOW)

    assert {line.order_id for line in found.lines} == {row["ordNo"] for row in rows}
    assert len(found.lines) == len(rows)


async def test_more_rows_in_a_minute_than_a_list_can_hold_are_not_lost_in_silence() -> None:
    rows = [PAID | {"ordNo": f"20260309{number:09d}"} for number in range(LIST_LIMIT)]
    async with a_client(Market(complete=rows)) as client:
        with pytest.raises(BadRequest, match="within a minute"):
            await client.orders(Window(NOW - timedelta(minutes=4), NOW))
