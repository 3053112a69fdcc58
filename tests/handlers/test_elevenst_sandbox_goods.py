"""Products, stocks and prices of 11st over real HTTP: every item is read, and what is written takes effect."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.markets.base import (
    Item,
    MarketDown,
    Push,
)
from handlers.markets.elevenst import ElevenSt
from handlers.markets.elevenst_xml import document, parse, row
from handlers.sandbox.elevenst_rows import FIRST_ITEM, FIRST_PRODUCT
from tests.handlers import elevenst_served
from tests.handlers.elevenst_served import a_client, ask, code_of
from tests.handlers.support import Shop

shop = elevenst_served.shop
no_waiting = elevenst_served.no_waiting


async def all_products(client: ElevenSt, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    token = None
    for _ in range(100):
        page = await client.products(token, size, True)
        found |= {product.product_id: product for product in page.products}
        token = page.next_token
        if token is None:
            return found
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("size", [7, 500])
async def test_every_item_of_the_shop_is_collected_with_its_code_price_and_stock(shop: Shop, size: int) -> None:
    async with a_client(shop) as client:
        found = await all_products(client, size)

    told = {option.sku: (option.item_id, option.price, option.stock)
            for product in found.values() for option in product.options or ()}
    assert told == {item.sku: (str(FIRST_ITEM + item.number), item.price, shop.shop.stock(item)) for item in shop.shop.items()}


async def test_sold_out_products_are_listed_and_those_off_display_are_not(shop: Shop) -> None:
    first, second = list(shop.shop.products())[:2]
    for item in first.items:
        shop.shop.set_stock(item, 0)
    assert code_of(ask(shop, "PUT", f"/prodstatservice/stat/stopdisplay/{FIRST_PRODUCT + second.number}")) == "200"
    async with a_client(shop) as client:
        found = await all_products(client, 10)

    assert found[str(FIRST_PRODUCT + first.number)].status == "품절"
    assert str(FIRST_PRODUCT + second.number) not in found
    assert code_of(ask(shop, "PUT", f"/prodstatservice/stat/restartdisplay/{FIRST_PRODUCT + second.number}")) == "200"
    async with a_client(shop) as client:
        assert str(FIRST_PRODUCT + second.number) in await all_products(client, 10)


ALONE = 13
"""The only item of its product, whose price moves no other."""


def an_item(shop: Shop, number: int = 1) -> Item:
    item = shop.shop.item(number)
    assert item is not None
    return Item(str(FIRST_ITEM + number), str(FIRST_PRODUCT + item.product_number), item.sku)


async def test_a_quantity_is_set_and_the_weight_stays(shop: Shop) -> None:
    items = [an_item(shop, number) for number in (1, 2, 4)]
    async with a_client(shop) as client:
        before = await client.stock(items)
        sent = await client.push_stock([Push(item, 40 + place) for place, item in enumerate(items)])
        stocks = await client.stock(items)

    assert [(one.ok, one.former) for one in sent] == [(True, before[item.item_id]) for item in items]
    assert stocks == {item.item_id: 40 + place for place, item in enumerate(items)}
    weights = [entry for entry in shop.shop.writes() if entry["what"] == "weight"]
    assert [entry["former"] for entry in weights] == [entry["value"] for entry in weights]


@pytest.mark.parametrize("left_out", ["optWght", "stckQty", "prdNo", "prdStckNo"])
def test_a_quantity_without_one_of_its_four_fields_is_refused(shop: Shop, left_out: str) -> None:
    item = an_item(shop)
    content = {"prdNo": item.product_id, "prdStckNo": item.item_id, "stckQty": 5, "optWght": 301}
    del content[left_out]

    response = ask(shop, "PUT", f"/prodservices/stockqty/{item.item_id}", document("ProductStock", content))

    assert (response.status_code, code_of(response)) == (200, "400")
    assert not shop.shop.writes()


def test_the_answer_to_a_quantity_echoes_the_number_of_the_stock(shop: Shop) -> None:
    item = an_item(shop)
    content = {"prdNo": item.product_id, "prdStckNo": item.item_id, "stckQty": 5, "optWght": 301}

    fields = row(parse(ask(shop, "PUT", f"/prodservices/stockqty/{item.item_id}", document("ProductStock", content)).content))

    assert (fields["productNo"], fields["resultCode"]) == (item.item_id, "200")


async def test_a_quantity_whose_answer_was_lost_is_to_be_set_again(shop: Shop) -> None:
    item = an_item(shop)
    shop.fault("drop_after_write", path="stockqty")
    async with a_client(shop) as client:
        [lost] = await client.push_stock([Push(item, 3)])
        [again] = await client.push_stock([Push(item, 3)])

    assert (lost.ok, lost.again) == (False, True)
    assert (again.ok, again.former) == (True, 3)


async def test_the_items_of_a_product_get_their_price_by_one_write(shop: Shop) -> None:
    goods = shop.shop.product(1)
    assert goods is not None
    items = [an_item(shop, item.number) for item in goods.items]
    async with a_client(shop) as client:
        sent = await client.push_price([
            Push(item, its.price + 1000) for item, its in zip(items, goods.items, strict=True)])
        prices = await client.prices(items)

    assert [(one.ok, one.former) for one in sent] == [(True, its.price) for its in goods.items]
    assert prices == {item.item_id: its.price + 1000 for item, its in zip(items, goods.items, strict=True)}
    assert sum("/product/price/" in call for call in shop.sandbox.requests.elements()) == 1


async def test_a_price_whose_answer_was_lost_is_seen_to_have_taken_effect(shop: Shop) -> None:
    item, its = an_item(shop, ALONE), shop.shop.item(ALONE)
    assert its is not None
    shop.fault("drop_after_write", path="/product/price/")
    async with a_client(shop) as client:
        [sent] = await client.push_price([Push(item, its.price + 500)])

    assert (sent.ok, sent.former) == (True, its.price)
    assert shop.shop.price(its) == its.price + 500
    assert sum("/product/price/" in call for call in shop.sandbox.requests.elements()) == 1


async def test_a_price_that_never_arrived_may_be_tried_again(shop: Shop) -> None:
    its = shop.shop.item(ALONE)
    assert its is not None
    shop.fault("503", path="/product/price/")
    async with a_client(shop) as client:
        [sent] = await client.push_price([Push(an_item(shop, ALONE), its.price + 500)])

    assert (sent.ok, sent.again, shop.shop.price(its)) == (False, True, its.price)


@pytest.mark.parametrize(("percent", "code"), [(151, "500"), (150, "200"), (20, "200"), (19, "500")])
def test_one_change_of_price_stays_within_its_limits(shop: Shop, percent: int, code: str) -> None:
    its = shop.shop.item(1)
    assert its is not None
    wanted = its.price * percent // 1000 * 10

    assert code_of(ask(shop, "GET", f"/prodservices/product/price/{FIRST_PRODUCT + 1}/{wanted}")) == code


def test_a_price_goes_by_ten_won(shop: Shop) -> None:
    assert code_of(ask(shop, "GET", f"/prodservices/product/price/{FIRST_PRODUCT + 1}/12905")) == "500"


async def test_a_shop_that_is_away_is_an_outage(shop: Shop) -> None:
    shop.fault("reset", count=0)
    async with a_client(shop) as client:
        with pytest.raises(MarketDown):
            await client.stock([an_item(shop)])
