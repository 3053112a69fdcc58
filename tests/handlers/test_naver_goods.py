"""Naver's products, stock, prices and the placed-order check, against the served sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.markets import naver_origin as origin
from handlers.markets.base import AuthFailed, BadRequest, Item, LineKey, Option, Product, Push
from handlers.markets.naver import Naver
from handlers.sandbox.catalogue import Goods
from handlers.sandbox.naver_rows import OPTION, ORIGIN
from tests.handlers.naver_support import Served, a_client, a_naver

ORIGINS = "/v1/products/origin-products"


def goods_with(shop: Served, least: int, most: int = 9) -> Goods:
    return next(goods for goods in shop.shop.goods.products() if least <= len(goods.items) <= most)


def items_of(goods: Goods) -> list[Item]:
    product_id = str(ORIGIN + goods.number)
    if len(goods.items) == 1:
        return [Item(product_id, product_id, goods.items[0].sku)]
    return [Item(str(OPTION + item.number), product_id, item.sku) for item in goods.items]


def stock_of(shop: Served, goods: Goods) -> list[int]:
    return [shop.shop.stock(item) for item in goods.items]


def prices_of(shop: Served, goods: Goods) -> list[int]:
    return [shop.shop.price(item) for item in goods.items]


async def every_product(market: Naver, page_size: int, with_details: bool) -> list[Product]:
    found: list[Product] = []
    token: str | None = None
    while True:
        page = await market.products(token, page_size, with_details)
        found += page.products
        token = page.next_token
        if token is None:
            return found


# -- reading


async def test_all_products_come_page_by_page_with_every_item() -> None:
    with a_naver(hours=0.1, products=70) as shop:
        async with shop.client() as market:
            found = await every_product(market, 30, True)
        catalogue = list(shop.shop.goods.products())
        expected = [
            (product.product_id, item.item_id, item.sku, shop.shop.stock(sold), shop.shop.price(sold))
            for goods, product in zip(catalogue, found, strict=True)
            for item, sold in zip(items_of(goods), goods.items, strict=True)
        ]

    options = [(product.product_id, option) for product in found for option in product.options or ()]
    assert [(product_id, option.item_id, option.sku, option.stock, option.price) for product_id, option in options] == expected
    assert (found[0].name, found[0].brand, found[0].status) == (catalogue[0].name, catalogue[0].brand, "SALE")
    assert {product.status for product in found} == {"SALE", "OUTOFSTOCK"}
    assert all(option.on_sale is True for _, option in options)
    assert options[0][1].name == catalogue[0].items[0].name
    whole = next(option for product_id, option in options if option.item_id == product_id)
    assert whole.barcode is not None


async def test_without_details_there_is_one_call_a_page() -> None:
    with a_naver(hours=0.1, products=1_200) as shop:
        async with shop.client() as market:
            found = await every_product(market, 1_000, False)

    assert [product.options for product in found] == [None] * 1_200
    assert shop.calls("/products/search") == 3
    assert shop.sandbox.requests.total() == 3


async def test_stock_and_prices_are_read_once_a_product_and_what_is_gone_is_left_out() -> None:
    with a_naver(hours=0.1) as shop:
        several, single = goods_with(shop, 3), goods_with(shop, 1, 1)
        gone = [Item("50000999999", str(ORIGIN + several.number)), Item("1", "8000999999")]
        items = [*items_of(several), *items_of(single), *gone]
        async with shop.client() as market:
            stock, prices = await market.stock(items), await market.prices(items)
        numbers = [item.item_id for item in items[:-2]]

    assert stock == dict(zip(numbers, stock_of(shop, several) + stock_of(shop, single), strict=True))
    assert prices == dict(zip(numbers, prices_of(shop, several) + prices_of(shop, single), strict=True))
    assert shop.calls(f"/origin-products/{ORIGIN + several.number}") == 2


async def test_a_deleted_product_is_not_there() -> None:
    rows = [{"originProductNo": 1, "channelProducts": [{"name": "x", "statusType": "DELETE"}]},
            {"originProductNo": 2, "channelProducts": [{"name": "y", "statusType": "WAIT"}]}]
    answer = {"contents": rows, "page": 1, "totalPages": 1}

    async with a_client(lambda _: httpx.Response(200, json=answer)) as market:
        page = await market.products(None, 100, False)

    assert [(product.product_id, product.status) for product in page.products] == [("2", "WAIT")]


# -- stock


async def test_setting_one_option_leaves_the_others_as_they_were() -> None:
    with a_naver(hours=0.1) as shop:
        goods = goods_with(shop, 3)
        before, prices, items = stock_of(shop, goods), prices_of(shop, goods), items_of(goods)
        async with shop.client() as market:
            [sent] = await market.push_stock([Push(items[1], 17)])
        after = stock_of(shop, goods)

    assert (sent.key, sent.ok, sent.former) == (items[1].item_id, True, before[1])
    assert after == [before[0], 17, before[2]]
    assert prices_of(shop, goods) == prices
    assert [write["what"] for write in shop.shop.writes()] == ["stock"]


async def test_products_with_options_and_without_go_out_in_their_own_calls() -> None:
    with a_naver(hours=0.1, products=62) as shop:
        catalogue = list(shop.shop.goods.products())
        items = [(item, sold) for goods in catalogue for item, sold in zip(items_of(goods), goods.items, strict=True)]
        pushes = [Push(item, 100 + place) for place, (item, _) in enumerate(items)]
        async with shop.client() as market:
            sent = await market.push_stock(pushes)
        values = [shop.shop.stock(sold) for _, sold in items]

    assert sorted(answer.key for answer in sent if answer.ok) == sorted(push.item.item_id for push in pushes)
    assert values == [push.value for push in pushes]
    assert shop.calls("multi-update") == 1
    assert shop.calls("option-stock") == sum(1 for goods in catalogue if len(goods.items) > 1)


async def test_one_refusal_does_not_keep_the_others_back() -> None:
    with a_naver(hours=0.1) as shop:
        singles = [goods for goods in shop.shop.goods.products() if len(goods.items) == 1][:2]
        several = goods_with(shop, 2)
        gone = Item("8000999999", "8000999999")
        lost = Item("50000999999", str(ORIGIN + several.number))
        pushes = [Push(items_of(singles[0])[0], 5), Push(gone, 5), Push(items_of(singles[1])[0], 6),
                  Push(items_of(several)[0], 7), Push(lost, 8), Push(items_of(several)[1], -1)]
        async with shop.client() as market:
            sent = {answer.key: answer for answer in await market.push_stock(pushes)}

    assert {key: answer.ok for key, answer in sent.items()} == {
        push.item.item_id: push.value in (5, 6, 7) and push.item is not gone for push in pushes}
    assert "NOT_FOUND" in sent[gone.item_id].message
    assert "no longer" in sent[lost.item_id].message
    assert "a quantity is 0 to" in sent[pushes[-1].item.item_id].message
    assert not any(answer.again for answer in sent.values())
    assert [shop.shop.stock(goods.items[0]) for goods in (*singles, several)] == [5, 6, 7]


async def test_a_write_whose_answer_is_lost_may_be_tried_again() -> None:
    with a_naver(hours=0.1) as shop:
        goods = goods_with(shop, 2)
        item = items_of(goods)[0]
        shop.fault("drop_after_write")
        async with shop.client() as market:
            [first] = await market.push_stock([Push(item, 17)])
            [second] = await market.push_stock([Push(item, 17)])

    assert (first.ok, first.again) == (False, True)
    assert (second.ok, second.former) == (True, 17)
    assert stock_of(shop, goods)[0] == 17


async def test_an_account_that_may_not_write_at_all_is_an_error_and_nothing_is_written() -> None:
    with a_naver(hours=0.1) as shop:
        pushes = [Push(item, 5) for goods in shop.shop.goods.products() for item in items_of(goods)]
        shop.fault("forbidden", count=0, path="/products")
        async with shop.client() as market:
            with pytest.raises(AuthFailed):
                await market.push_stock(pushes)

    assert shop.shop.writes() == []
    assert shop.sandbox.requests.total() <= 4


def test_the_sandbox_zeroes_what_an_option_stock_leaves_out() -> None:
    with a_naver(hours=0.1) as shop:
        goods = goods_with(shop, 3)
        rows = [{"id": OPTION + goods.items[0].number, "stockQuantity": 17}, {"id": OPTION + goods.items[1].number}]
        answer = shop.ask("PUT", f"{ORIGINS}/{ORIGIN + goods.number}/option-stock", {"optionInfo": {"optionCombinations": rows}})

    assert answer.status_code == 200
    assert stock_of(shop, goods) == [17, 0, 0]
    assert len(set(prices_of(shop, goods))) == 1


@pytest.mark.parametrize("body", [
    {}, {"optionInfo": {}}, {"optionInfo": {"optionCombinations": [{"id": 1}]}},
    {"productSalePrice": {"salePrice": 12_345}, "optionInfo": {"optionCombinations": []}},
    {"productSalePrice": {"salePrice": 1_000_000_000}, "optionInfo": {"optionCombinations": []}},
])
def test_the_sandbox_refuses_an_option_stock_of_another_form(body: dict[str, Any]) -> None:
    with a_naver(hours=0.1) as shop:
        goods = goods_with(shop, 2)
        answer = shop.ask("PUT", f"{ORIGINS}/{ORIGIN + goods.number}/option-stock", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert answer.json()["invalidInputs"]
    assert shop.shop.writes() == []


def test_a_multi_update_with_one_wrong_row_does_nothing() -> None:
    with a_naver(hours=0.1) as shop:
        single, several = goods_with(shop, 1, 1), goods_with(shop, 2)
        rows = [{"originProductNo": ORIGIN + goods.number, "multiUpdateTypes": ["STOCK"], "stockQuantity": 5}
                for goods in (single, several)]
        answer = shop.ask("PATCH", f"{ORIGINS}/multi-update", {"multiProductUpdateRequestVos": rows})

    assert answer.status_code == 400
    assert shop.shop.writes() == []


def test_a_products_state_goes_with_its_stock() -> None:
    with a_naver(hours=0.1) as shop:
        goods = goods_with(shop, 1, 1)
        path, number = f"{ORIGINS}/{ORIGIN + goods.number}/change-status", ORIGIN + goods.number

        def state() -> tuple[str, int]:
            content = shop.ask("GET", f"/v2/products/origin-products/{number}").json()["originProduct"]
            return content["statusType"], content["stockQuantity"]

        out, refused = shop.ask("PUT", path, {"statusType": "OUTOFSTOCK"}), shop.ask("PUT", path, {"statusType": "SALE"})
        sold_out = state()
        shop.ask("PUT", path, {"statusType": "SALE", "stockQuantity": 9})
        back = state()
        shop.ask("PUT", path, {"statusType": "SUSPENSION"})
        stopped = state()

    assert (out.status_code, refused.status_code) == (200, 400)
    assert [sold_out, back, stopped] == [("OUTOFSTOCK", 0), ("SALE", 9), ("SUSPENSION", 9)]


# -- prices


async def test_a_new_price_of_one_option_keeps_those_of_the_others() -> None:
    with a_naver(hours=0.1) as shop:
        goods = goods_with(shop, 3)
        stock, before, items = stock_of(shop, goods), prices_of(shop, goods), items_of(goods)
        async with shop.client() as market:
            [dearer] = await market.push_price([Push(items[0], before[0] + 7_770)])
            higher = prices_of(shop, goods)
            [cheaper] = await market.push_price([Push(items[2], before[0] - 1_000)])
            lower = prices_of(shop, goods)
            seen = await market.prices(items)

    assert (dearer.ok, dearer.former) == (True, before[0])
    assert higher == [before[0] + 7_770, *before[1:]]
    assert (cheaper.ok, cheaper.former) == (True, before[2])
    assert lower == [before[0] + 7_770, before[1], before[0] - 1_000]
    assert list(seen.values()) == lower
    assert stock_of(shop, goods) == stock


async def test_prices_of_products_without_options_go_out_together() -> None:
    with a_naver(hours=0.1) as shop:
        singles = [goods for goods in shop.shop.goods.products() if len(goods.items) == 1]
        pushes = [Push(items_of(goods)[0], 10_000 + 10 * place) for place, goods in enumerate(singles)]
        async with shop.client() as market:
            sent = await market.push_price(pushes)

    assert all(answer.ok for answer in sent)
    assert [prices_of(shop, goods)[0] for goods in singles] == [push.value for push in pushes]
    assert shop.calls("multi-update") == 1


@pytest.mark.parametrize("value", [12_345, 0, -10, 1_000_000_000])
async def test_a_price_that_naver_would_refuse_is_not_sent(value: int) -> None:
    with a_naver(hours=0.1) as shop:
        items = [*items_of(goods_with(shop, 2)), *items_of(goods_with(shop, 1, 1))]
        async with shop.client() as market:
            sent = await market.push_price([Push(item, value) for item in items])

    assert len(sent) == len(items)
    assert not any(answer.ok for answer in sent)
    assert all("units of 10 won" in answer.message for answer in sent)
    assert shop.sandbox.requests.total() == 0


PRICES = st.integers(1, 5_000).map(lambda value: value * 10)


@given(st.data(), st.lists(PRICES, min_size=1, max_size=6))
def test_the_lowest_price_is_the_products_own_and_no_option_goes_below(data: st.DataObject, before: list[int]) -> None:
    rows = [{"id": number, "stockQuantity": 10 + number, "price": price - min(before), "usable": number != 1}
            for number, price in enumerate(before)]
    detail = {"salePrice": min(before), "detailAttribute": {"optionInfo": {"optionCombinations": rows}}}
    wanted = data.draw(st.dictionaries(st.sampled_from([str(row["id"]) for row in rows]), PRICES, min_size=1))

    body = origin.price_body(detail, wanted)

    base, sent = body["productSalePrice"]["salePrice"], body["optionInfo"]["optionCombinations"]
    assert [base + row["price"] for row in sent] == [wanted.get(str(number), price) for number, price in enumerate(before)]
    assert min(row["price"] for row in sent) == 0
    assert [(row["id"], row["stockQuantity"], row["usable"]) for row in sent] == [
        (row["id"], row["stockQuantity"], row["usable"]) for row in rows]


def test_an_option_whose_quantity_is_not_told_is_never_sent_as_zero() -> None:
    rows = [{"id": 1, "stockQuantity": 5, "price": 0}, {"id": 2, "price": 0}]
    detail = {"salePrice": 1_000, "detailAttribute": {"optionInfo": {"optionCombinations": rows}}}

    with pytest.raises(KeyError):
        origin.stock_body(detail, {"1": 7})


def test_a_product_whose_own_price_would_not_be_allowed_is_refused() -> None:
    rows = [{"id": 1, "stockQuantity": 5, "price": 5}, {"id": 2, "stockQuantity": 5, "price": 100}]
    detail = {"salePrice": 1_000, "detailAttribute": {"optionInfo": {"optionCombinations": rows}}}

    with pytest.raises(BadRequest, match="units of 10 won"):
        origin.price_body(detail, {"2": 2_000})


def test_options_of_the_standard_kind_are_items_too_and_go_back_where_they_came_from() -> None:
    rows = [{"id": 1, "optionName1": "빨강", "optionName2": "L", "stockQuantity": 5, "usable": False, "sellerManagerCode": "R-L"}]
    info = {"optionCombinations": [], "optionStandards": rows, "useStockManagement": False}
    detail = {"salePrice": 1_000, "statusType": "SALE", "detailAttribute": {"optionInfo": info}}

    assert origin.options("9", detail) == [Option("1", "빨강 / L", "R-L", None, 1_000, 1_000, 5, False)]
    assert origin.stock_body(detail, {"1": 7})["optionInfo"] == {
        "optionCombinations": [], "useStockManagement": True,
        "optionStandards": [{"id": 1, "stockQuantity": 7, "price": 0, "usable": False}]}


# -- the placed-order check


async def test_paid_lines_are_confirmed_thirty_at_a_time() -> None:
    with a_naver(hours=1, per_minute=30) as shop:
        paid = [row for row in shop.truth() if row[-1] == "paid"]
        keys = [LineKey(row[0], row[1], row[1]) for row in paid]
        async with shop.client() as market:
            sent = await market.acknowledge(keys)
            lines = [line for key in keys[:2] for line in await market.order(key.order_id) if line.line_id == key.line_id]

    assert len(keys) > 60
    assert [(answer.key, answer.ok) for answer in sent] == [(key.line_id, True) for key in keys]
    assert shop.calls("/confirm") == -(-len(keys) // 30)
    assert [line.state for line in lines] == ["confirmed"] * 2
    assert not {row[1] for row in paid} & {row[1] for row in shop.truth() if row[-1] == "paid"}


async def test_each_line_that_cannot_be_confirmed_says_why() -> None:
    with a_naver(hours=1) as shop:
        rows = shop.truth()
        paid, done = [next(row for row in rows if row[-1] == state) for state in ("paid", "completed")]
        keys = [LineKey(row[0], row[1], row[1]) for row in (paid, done)]
        async with shop.client() as market:
            sent = await market.acknowledge([*keys, LineKey("1", "1", "1")])

    assert [answer.ok for answer in sent] == [True, False, False]
    assert sent[1].message.startswith("9999 ")
    assert sent[2].message.startswith("100001 ")


async def test_what_is_kept_back_this_time_can_be_confirmed_the_next() -> None:
    with a_naver(hours=1, per_minute=10) as shop:
        keys = [LineKey(row[0], row[1], row[1]) for row in shop.truth() if row[-1] == "paid"]
        shop.fault("partial_ack", path="confirm")
        async with shop.client() as market:
            first = await market.acknowledge(keys[:20])
            rest = [key for key, answer in zip(keys, first, strict=False) if not answer.ok]
            second = await market.acknowledge(rest)

    assert len(rest) == len(keys[:20]) // 2
    assert all(answer.ok for answer in second)


async def test_what_naver_says_nothing_of_may_be_tried_again() -> None:
    answer = {"data": {"successProductOrderInfos": [{"productOrderId": "11"}]}}

    async with a_client(lambda _: httpx.Response(200, json=answer)) as market:
        sent = await market.acknowledge([LineKey("1", "11", "11"), LineKey("1", "12", "12")])

    assert [(one.ok, one.again) for one in sent] == [(True, False), (False, True)]
