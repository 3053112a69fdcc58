"""The 11st client against answers as its guide describes them: codes, windows, order lists and claims."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import httpx
import pytest

from handlers.markets.base import (
    Account,
    AuthFailed,
    BadRequest,
    Closed,
    MarketDown,
    MarketError,
    RateLimited,
    Window,
)
from handlers.markets.elevenst import LIST_LIMIT, ElevenSt, spans
from handlers.markets.elevenst_words import KOREA
from tests.handlers.support import FreeBudget

KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Window(NOW - timedelta(hours=2), NOW)
NS2 = 'xmlns:ns2="http://skt.tmall.business.openapi.spring.service.client.domain/"'
LISTS = ["complete", "packaging", "shipping", "dlvcompleted", "completed"]
NOTHING = ("<ns2:orders {ns2}><ns2:result_code>{code}</ns2:result_code><ns2:result_text>{text}</ns2:result_text>"
           "</ns2:orders>")
PAID = {
    "ordNo": "20260309000000001", "ordPrdSeq": "1", "ordDt": "2026-03-09 09:58:20", "ordStlEndDt": "2026-03-09 09:58:41",
    "prdNo": "5000000001", "prdNm": "시험 텀블러", "prdStckNo": "30000000001", "ordQty": "2", "selPrc": "12900",
    "ordAmt": "25,800", "dlvCst": "3000", "dlvNo": "700000001", "sellerPrdCd": "TMB-500", "sellerStockCd": "TMB-500-BLK",
    "ordDlvReqCont": "null", "addPrdYn": "N", "addPrdNo": "null",
}
SENT_ROW = {"dlvEtprsCd": "00034", "invcNo": "1", "ordNo": PAID["ordNo"], "ordPrdSeq": "1", "sndEndDt": "2026-03-09 11:30:00"}
SINGLE = {"dlvNo": "700000001", "ordCnQty": "0", "ordNo": PAID["ordNo"], "ordPrdSeq": "1", "ordPrdStat": "401",
          "ordQty": "2", "prdNm": "시험 텀블러", "prdNo": "5000000001", "sellerStockCd": "TMB-500-BLK"}

Rows = list[dict[str, str]]
Handler = Callable[[httpx.Request], httpx.Response]


def xml(content: str, status: int = 200) -> httpx.Response:
    body = f'<?xml version="1.0" encoding="euc-kr" standalone="yes"?>\n{content}'.encode("cp949")
    return httpx.Response(status, content=body, headers={"Content-Type": "text/xml;charset=euc-kr"})


def fields(row: dict[str, str]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in row.items())


def orders(rows: Rows) -> httpx.Response:
    if not rows:
        return code(0, "조회된 결과가 없습니다.")
    inner = "".join(f"<ns2:order>{fields(row)}</ns2:order>" for row in rows)
    return xml(f"<ns2:orders {NS2}>{inner}</ns2:orders>")


def code(number: int, text: str, status: int = 200) -> httpx.Response:
    return xml(NOTHING.format(ns2=NS2, code=number, text=text), status)


def message(number: int, text: str = "", **more: str) -> httpx.Response:
    return xml(f"<ClientMessage><productNo>1</productNo><message>{text}</message>{fields(more)}"
               f"<resultCode>{number}</resultCode></ClientMessage>")


def listing(rows: Rows, _: httpx.Request) -> httpx.Response:
    return orders(rows)


class Market:
    """Answers by the beginning of the path; keeps every request."""

    def __init__(self, **lists: Rows) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, Handler] = {}
        for name, rows in lists.items():
            service = "ordservices" if name in LISTS else "claimservice"
            self.on(f"/{service}/{name}/", partial(listing, rows))

    def on(self, start: str, answer: Handler) -> None:
        self.answers[start] = answer

    @property
    def paths(self) -> list[str]:
        return [request.url.path.removeprefix("/rest") for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path.removeprefix("/rest")
        known = [start for start in self.answers if path.startswith(start)]
        return self.answers[max(known, key=len)](request) if known else orders([])


def a_client(market: Handler, budget: FreeBudget | None = None, key: str = KEY) -> ElevenSt:
    account = Account("11st", "default", "https://shop.test/rest", {"openapikey": key})
    return ElevenSt(account, lambda reference: reference, lambda: NOW, budget or FreeBudget(),
                    httpx.MockTransport(market))


async def error_of(answer: httpx.Response, budget: FreeBudget | None = None) -> MarketError:
    """Read an order list that answers like this, and return what is raised."""
    async with a_client(lambda _: answer, budget) as client:
        with pytest.raises(MarketError) as raised:
            await client.orders(WINDOW)
    return raised.value


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


# -- orders


async def test_a_paid_line_in_our_words() -> None:
    async with a_client(Market(complete=[PAID])) as client:
        [line] = (await client.orders(WINDOW)).lines

    assert (line.order_id, line.line_id, line.box_id) == (PAID["ordNo"], "1", "700000001")
    assert (line.state, line.market_state, line.quantity, line.cancelled) == ("paid", "202", 2, 0)
    assert (line.sku, line.product_id, line.name) == ("TMB-500-BLK", "5000000001", "시험 텀블러")
    assert (line.unit_price, line.amount, line.shipping_price) == (12900, 25800, 3000)
    assert line.ordered_at == datetime(2026, 3, 9, 9, 58, 20, tzinfo=KOREA)
    assert line.paid_at == datetime(2026, 3, 9, 9, 58, 41, tzinfo=KOREA)
    assert line.read_at == NOW


async def test_the_text_null_is_nothing() -> None:
    row = PAID | {"sellerStockCd": "null", "dlvNo": "null", "selPrc": "null"}
    async with a_client(Market(complete=[row])) as client:
        [line] = (await client.orders(WINDOW)).lines

    assert (line.sku, line.box_id, line.unit_price) == ("TMB-500", "1", None)


async def test_a_line_that_moves_on_while_lists_are_read_is_there_once_in_its_later_state() -> None:
    market = Market(complete=[PAID], packaging=[PAID | {"plcodrCnfDt": "2026-03-09 10:10:00"}])
    async with a_client(market) as client:
        [line] = (await client.orders(WINDOW)).lines

    assert (line.state, line.market_state) == ("confirmed", "301")


async def test_lists_are_read_in_the_order_of_states() -> None:
    market = Market()
    async with a_client(market) as client:
        await client.orders(Window(NOW - 10 * DAY, NOW))

    asked = [path.split("/")[2] for path in market.paths]
    assert asked == [name for name in LISTS for _ in range(2)]


async def test_five_fields_of_shipping_move_a_line_known_from_another_list() -> None:
    market = Market(packaging=[PAID], shipping=[SENT_ROW])
    async with a_client(market) as client:
        [line] = (await client.orders(WINDOW)).lines

    assert (line.state, line.market_state, line.quantity, line.sku) == ("shipping", "401", 2, "TMB-500-BLK")
    assert line.changed_at is None, "a date of dispatch is what the seller typed in"
    assert not [path for path in market.paths if "orderlistall" in path]


async def test_five_fields_of_shipping_are_completed_a_hundred_orders_at_a_time() -> None:
    numbers = [f"20260309{number:09d}" for number in range(150)]

    def single(request: httpx.Request) -> httpx.Response:
        return orders([SINGLE | {"ordNo": number} for number in request.url.path.split("/")[-1].split(",")])

    market = Market(shipping=[SENT_ROW | {"ordNo": number} for number in numbers])
    market.on("/claimservice/orderlistall/", single)
    async with a_client(market) as client:
        lines = (await client.orders(WINDOW)).lines

    assert sorted(line.order_id for line in lines) == numbers
    assert {(line.state, line.quantity, line.sku) for line in lines} == {("shipping", 2, "TMB-500-BLK")}
    assert {line.ordered_at for line in lines} == {datetime(2026, 3, 9, tzinfo=KOREA)}, "the number tells the day"
    assert len([path for path in market.paths if "orderlistall" in path]) == 2


async def test_a_shipped_order_that_cannot_be_completed_is_not_passed_over() -> None:
    async with a_client(Market(shipping=[SENT_ROW])) as client:
        with pytest.raises(MarketDown, match=PAID["ordNo"]):
            await client.orders(WINDOW)


async def test_what_a_delivered_list_leaves_out_is_taken_from_elsewhere() -> None:
    delivered = {name: value for name, value in PAID.items() if name != "ordDt"} | {"dlvEndDt": "2026-03-10 12:00:00"}
    completed = {name: value for name, value in PAID.items() if name not in ("dlvNo", "selPrc", "ordStlEndDt")}
    completed |= {"ordPrdSeq": "2", "pocnfrmDt": "2026-03-11 12:00:00.0"}
    async with a_client(Market(dlvcompleted=[delivered], completed=[completed])) as client:
        first, second = (await client.orders(WINDOW)).lines

    assert (first.state, first.ordered_at) == ("delivered", first.paid_at)
    assert (second.state, second.unit_price, second.paid_at) == ("completed", None, None)


@pytest.mark.parametrize(("status", "state", "cancelled", "held"), [
    ("201", "paid", 0, 0), ("202", "paid", 0, 0), ("301", "confirmed", 0, 0), ("401", "shipping", 0, 0),
    ("501", "delivered", 0, 0), ("601", "delivered", 0, 0), ("701", "confirmed", 0, 1), ("901", "completed", 0, 0),
    ("A01", "returned", 0, 0), ("B01", "cancelled", 2, 0), ("C01", "cancelled", 2, 0),
])
async def test_a_single_read_tells_its_own_state(status: str, state: str, cancelled: int, held: int) -> None:
    market = Market(orderlistall=[SINGLE | {"ordPrdStat": status, "ordCnQty": "1"}])
    async with a_client(market) as client:
        [line] = await client.order(PAID["ordNo"])

    assert (line.state, line.cancelled, line.held) == (state, cancelled, held)
    assert market.paths == [f"/claimservice/orderlistall/{PAID['ordNo']}"]


async def test_what_is_not_paid_is_no_order_yet() -> None:
    async with a_client(Market(orderlistall=[SINGLE | {"ordPrdStat": "102"}])) as client:
        assert await client.order(PAID["ordNo"]) == []


async def test_a_state_that_nobody_described_is_not_guessed() -> None:
    async with a_client(Market(orderlistall=[SINGLE | {"ordPrdStat": "Z99"}])) as client:
        with pytest.raises(BadRequest, match="Z99"):
            await client.order(PAID["ordNo"])


CANCEL = {"createDt": "2026-03-09 10:00:00", "dlvNo": "700000001", "ordCnQty": "1", "ordCnStatCd": "01",
          "ordNo": PAID["ordNo"], "ordPrdCnSeq": "8192583", "ordPrdSeq": "1", "prdNo": "5000000001"}
RETURN = {"clmReqQty": "2", "clmReqSeq": "2400330", "clmStat": "105", "ordNo": PAID["ordNo"], "ordPrdSeq": "2",
          "prdNo": "5000000001", "reqDt": "2026-03-12 10:00:00"}


async def test_claims_asked_for_and_settled_are_folded_and_their_orders_read() -> None:
    market = Market(
        complete=[PAID], cancelorders=[CANCEL],
        canceledorders=[CANCEL | {"ordCnStatCd": "02", "cnTrtEndDt": "2026-03-09 10:30:00"}],
        returnorders=[RETURN], exchangedorders=[RETURN | {"clmReqSeq": "2400331", "clmStat": "221", "ordPrdSeq": "3",
                                                          "trtEndDt": "2026-03-13 10:00:00"}],
        orderlistall=[SINGLE | {"ordPrdStat": "202", "ordCnQty": "1"}],
    )
    async with a_client(market) as client:
        await client.orders(WINDOW)
        changes = await client.changes(WINDOW)

    told = {claim.line_id: (claim.claim_id, claim.kind, claim.completed, claim.quantity) for claim in changes.claims}
    assert told == {"1": ("8192583", "cancel", True, 1), "2": ("2400330", "return", False, 2),
                    "3": ("2400331", "exchange", True, 2)}
    assert [claim.changed_at for claim in changes.claims if claim.line_id == "1"] == [
        datetime(2026, 3, 9, 10, 30, tzinfo=KOREA)]
    [line] = changes.lines
    assert (line.state, line.cancelled, line.held) == ("paid", 0, 0), "what is settled of a part stands in the claim"
    assert (line.unit_price, line.ordered_at) == (12900, datetime(2026, 3, 9, 9, 58, 20, tzinfo=KOREA)), "from the list before"
