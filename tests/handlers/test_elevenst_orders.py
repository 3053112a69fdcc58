"""The 11st client's order lines and claims in our words."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from handlers.markets.base import (
    BadRequest,
    MarketDown,
    Window,
)
from handlers.markets.elevenst_words import KOREA
from tests.handlers.elevenst_support import (
    DAY,
    LISTS,
    NOW,
    PAID,
    SENT_ROW,
    SINGLE,
    WINDOW,
    Market,
    a_client,
    orders,
)


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
