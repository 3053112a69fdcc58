"""The 11st client's products, stocks and prices, and its writes, against answers as the guide describes them."""

from __future__ import annotations

import re
from datetime import datetime

import httpx
import pytest

from handlers.markets.base import Closed, Item, LineKey, Push
from handlers.markets.elevenst_words import KOREA
from tests.handlers.elevenst_support import (
    NS2,
    PAID,
    SINGLE,
    Market,
    Rows,
    a_client,
    code,
    fields,
    message,
    orders,
    xml,
)

# -- acknowledge


LINE = LineKey(PAID["ordNo"], "1", "1")


async def test_acknowledging_passes_on_what_the_order_row_gave() -> None:
    market = Market(complete=[PAID | {"addPrdYn": "Y", "addPrdNo": "99"}])
    market.on("/ordservices/reqpackaging/", lambda _: xml("<ResultOrder><result_code>0</result_code></ResultOrder>"))
    async with a_client(market) as client:
        [sent] = await client.acknowledge([LINE])

    assert (sent.key, sent.ok) == ("1", True)
    assert market.paths == [f"/ordservices/complete/{PAID['ordNo']}",
                            f"/ordservices/reqpackaging/{PAID['ordNo']}/1/Y/99/700000001"]


async def test_no_extra_product_is_written_as_null() -> None:
    market = Market(complete=[PAID])
    market.on("/ordservices/reqpackaging/", lambda _: xml("<ResultOrder><result_code>0</result_code></ResultOrder>"))
    async with a_client(market) as client:
        await client.acknowledge([LINE])

    assert market.paths[-1].endswith("/1/N/null/700000001")


@pytest.mark.parametrize(("status", "ok", "again"), [("301", True, False), ("202", False, True)])
async def test_after_a_lost_answer_the_state_decides_and_nothing_is_sent_twice(status: str, ok: bool, again: bool) -> None:
    def lost(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    market = Market(complete=[PAID], orderlistall=[SINGLE | {"ordPrdStat": status}])
    market.on("/ordservices/reqpackaging/", lost)
    async with a_client(market) as client:
        [sent] = await client.acknowledge([LINE])

    assert (sent.ok, sent.again) == (ok, again)
    assert len([path for path in market.paths if "reqpackaging" in path]) == 1


async def test_a_line_that_was_confirmed_with_another_is_no_failure() -> None:
    market = Market(complete=[PAID], orderlistall=[SINGLE | {"ordPrdStat": "301"}])
    market.on("/ordservices/reqpackaging/", lambda _: code(-3206, "이미 발주 처리 되었거나 , 발주 처리할 건이 없습니다."))
    async with a_client(market) as client:
        assert [sent.ok for sent in await client.acknowledge([LINE])] == [True]


async def test_a_cancelled_line_is_refused_and_keeps_no_other_back() -> None:
    other = PAID | {"ordNo": "20260309000000002"}
    market = Market(orderlistall=[SINGLE | {"ordPrdStat": "B01"}])
    market.on(f"/ordservices/complete/{other['ordNo']}", lambda _: orders([other]))
    market.on("/ordservices/reqpackaging/", lambda _: xml("<ResultOrder><result_code>0</result_code></ResultOrder>"))
    async with a_client(market) as client:
        first, second = await client.acknowledge([LINE, LineKey(other["ordNo"], "1", "1")])

    assert (first.ok, first.again, second.ok) == (False, False, True)
    assert "cancelled" in first.message


# -- products, stock and price


STOCKS = [
    {"prdNo": "5000000001", "prdStckNo": "30000000001", "prdStckStatCd": "01", "stckQty": "17", "optWght": "300",
     "mixDtlOptNm": "블랙", "addPrc": "0", "sellerStockCd": "TMB-500-BLK"},
    {"prdNo": "5000000001", "prdStckNo": "30000000002", "prdStckStatCd": "02", "stckQty": "0", "optWght": "310",
     "mixDtlOptNm": "화이트", "addPrc": "2000", "sellerStockCd": ""},
]
PRODUCT = {"prdNo": "5000000001", "prdNm": "시험 텀블러", "selPrc": "12900", "selStatCd": "103", "selStatNm": "판매중",
           "sellerPrdCd": "TMB-500", "aplBgnDy": "2026/01/05", "aplEndDy": "2099-12-31 23:59:59"}
BLACK, WHITE = Item("30000000001", "5000000001"), Item("30000000002", "5000000001")


def a_goods_market(price: str = "12900", stocks: Rows = STOCKS) -> Market:
    market = Market()
    inner = "".join(f"<ns2:ProductStock>{fields(stock)}</ns2:ProductStock>" for stock in stocks)
    market.on("/prodmarketservice/prodmarket/stck/", lambda _: xml(
        f"<ns2:ProductStocks {NS2}><ns2:prdNo>5000000001</ns2:prdNo>{inner}</ns2:ProductStocks>"))
    market.on("/prodmarketservice/prodmarket/", lambda _: xml(f"<Product>{fields(PRODUCT | {'selPrc': price})}</Product>"))
    market.on("/prodservices/", lambda _: message(200, preSelPrc=price))
    return market


async def test_products_come_page_by_page_those_on_sale_first_then_the_sold_out() -> None:
    shelf = {"103": 5, "104": 2}

    def listed(request: httpx.Request) -> httpx.Response:
        asked = dict(re.findall(r"<(\w+)>(\d+)</\1>", request.content.decode("euc_kr")))
        first, last = int(asked["start"]), min(int(asked["end"]), shelf[asked["selStatCd"]])
        rows = [PRODUCT | {"prdNo": f"{asked['selStatCd']}{number}"} for number in range(first, last + 1)]
        inner = "".join(f"<ns2:product>{fields(row)}</ns2:product>" for row in rows)
        return xml(f"<ns2:products {NS2}>{inner}</ns2:products>")

    market = Market()
    market.on("/prodmarketservice/prodmarket", listed)
    found, token = [], None
    async with a_client(market) as client:
        for _ in range(20):
            page = await client.products(token, 2, False)
            found += [product.product_id for product in page.products]
            token = page.next_token
            if token is None:
                break

    assert found == ["1031", "1032", "1033", "1034", "1035", "1041", "1042"]
    assert {request.method for request in market.requests} == {"POST"}
    assert page.products == []


async def test_a_product_with_its_items() -> None:
    market = a_goods_market()
    market.on("/prodmarketservice/prodmarket", lambda _: xml(
        f"<ns2:products {NS2}><ns2:product>{fields(PRODUCT)}</ns2:product></ns2:products>"))
    stocks = market.answers["/prodmarketservice/prodmarket/stck/"]
    market.on("/prodmarketservice/prodmarket/stck/5000000001", stocks)
    async with a_client(market) as client:
        [product] = (await client.products(None, 10, True)).products

    assert (product.product_id, product.status, product.sale_from) == (
        "5000000001", "판매중", datetime(2026, 1, 5, tzinfo=KOREA))
    assert product.options is not None
    assert [(its.item_id, its.sku, its.price, its.stock, its.on_sale) for its in product.options] == [
        ("30000000001", "TMB-500-BLK", 12900, 17, True), ("30000000002", None, 14900, 0, False)]


async def test_the_code_of_a_product_names_its_only_item() -> None:
    market = a_goods_market(stocks=[STOCKS[1]])
    async with a_client(market) as client:
        stocks, prices = await client.stock([WHITE, BLACK]), await client.prices([WHITE])

    assert (stocks, prices) == ({"30000000002": 0}, {"30000000002": 14900})


async def test_what_the_shop_no_longer_has_is_left_out() -> None:
    async with a_client(lambda _: message(404, "해당 상품 번호가 없습니다.")) as client:
        assert await client.stock([BLACK]) == {}
        assert await client.prices([BLACK]) == {}


async def test_a_quantity_is_written_with_all_four_fields_and_the_weight_that_was_read() -> None:
    market = a_goods_market()
    async with a_client(market) as client:
        sent = await client.push_stock([Push(BLACK, 5), Push(WHITE, 9), Push(Item("7", "5000000001"), 1), Push(BLACK, -1)])

    assert [(one.key, one.ok, one.former) for one in sent] == [
        ("30000000001", True, 17), ("30000000002", True, 0), ("7", False, None), ("30000000001", False, None)]
    first = next(request for request in market.requests if request.method == "PUT")
    assert first.url.path == "/rest/prodservices/stockqty/30000000001"
    assert first.content == (
        b'<?xml version="1.0" encoding="euc-kr"?><ProductStock><prdNo>5000000001</prdNo><prdStckNo>30000000001</prdStckNo>'
        b"<stckQty>5</stckQty><optWght>300</optWght></ProductStock>")


async def test_one_refused_quantity_keeps_no_other_back() -> None:
    market = a_goods_market()
    market.on("/prodservices/stockqty/30000000001", lambda _: message(500, "비지니스 Error"))
    market.on("/prodservices/stockqty/30000000002", lambda _: httpx.Response(502))
    async with a_client(market) as client:
        sent = await client.push_stock([Push(BLACK, 5), Push(WHITE, 9)])

    assert [(one.ok, one.again) for one in sent] == [(False, False), (False, True)]
    assert "비지니스 Error" in sent[0].message


async def test_maintenance_before_the_first_write_holds_it_all_and_later_the_rest_only() -> None:
    async with a_client(lambda _: message(-1000, "서버 점검중입니다.")) as client:
        with pytest.raises(Closed):
            await client.push_stock([Push(BLACK, 5)])

    market = a_goods_market()
    market.on("/prodservices/stockqty/30000000002", lambda _: message(-1000, "서버 점검중입니다."))
    async with a_client(market) as client:
        sent = await client.push_stock([Push(BLACK, 5), Push(WHITE, 9)])
    assert [(one.ok, one.again) for one in sent] == [(True, False), (False, True)]


async def test_a_price_is_set_once_for_a_product_and_each_item_hears_its_former_price() -> None:
    market = a_goods_market()
    async with a_client(market) as client:
        sent = await client.push_price([Push(BLACK, 13900), Push(WHITE, 15900)])

    assert [(one.ok, one.former) for one in sent] == [(True, 12900), (True, 14900)]
    written = [path for path in market.paths if path.startswith("/prodservices/")]
    assert written == ["/prodservices/product/price/5000000001/13900"]


async def test_items_that_nobody_asked_about_are_not_moved_along() -> None:
    market = a_goods_market()
    async with a_client(market) as client:
        [sent] = await client.push_price([Push(BLACK, 13900)])

    assert not sent.ok and "give a price for 30000000002 as well" in sent.message
    assert not [path for path in market.paths if path.startswith("/prodservices/")]


async def test_items_that_need_different_base_prices_are_refused_with_the_reason() -> None:
    market = a_goods_market()
    async with a_client(market) as client:
        sent = await client.push_price([Push(BLACK, 13900), Push(WHITE, 13900)])

    assert [one.ok for one in sent] == [False, False]
    assert "item 30000000001 needs 13900, item 30000000002 needs 11900" in sent[0].message
    assert not [path for path in market.paths if path.startswith("/prodservices/")]


@pytest.mark.parametrize(("wanted", "why"), [
    (12905, "multiple of 10"), (19360, r"\+50 %"), (2570, "-80 %"), (0, "not between"), (-10, "not between"),
    (1_000_000_000, "not between"), (3000, "surcharge"),
])
async def test_rules_of_prices_are_checked_before_the_call(wanted: int, why: str) -> None:
    stocks = [STOCKS[0], STOCKS[1] | {"addPrc": "3010"}]
    market = a_goods_market(stocks=stocks)
    async with a_client(market) as client:
        [sent] = await client.push_price([Push(BLACK, wanted)])

    assert (sent.ok, sent.again) == (False, False)
    assert re.search(why, sent.message)
    assert not [path for path in market.paths if path.startswith("/prodservices/")]


@pytest.mark.parametrize("wanted", [19350, 2580])
async def test_the_limits_of_one_change_are_allowed(wanted: int) -> None:
    async with a_client(a_goods_market(stocks=[STOCKS[0]])) as client:
        assert [one.ok for one in await client.push_price([Push(BLACK, wanted)])] == [True]


async def test_a_price_that_is_there_already_is_not_written() -> None:
    market = a_goods_market()
    async with a_client(market) as client:
        [sent] = await client.push_price([Push(BLACK, 12900)])

    assert (sent.ok, sent.former) == (True, 12900)
    assert not [path for path in market.paths if path.startswith("/prodservices/")]
