"""Stock, prices and acknowledgements at Coupang, over HTTP against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from handlers.markets.base import AuthFailed, Closed, Item, LineKey, MarketDown, MarketError, Push, RateLimited, Window
from handlers.markets.coupang import Coupang
from handlers.markets.coupang_pushes import batches, boxes_answered, one_by_one, price_fault
from tests.handlers.support import FreeBudget, Shop, a_shop, secret


@asynccontextmanager
async def a_client(shop: Shop, budget: FreeBudget | None = None) -> AsyncIterator[Coupang]:
    async with Coupang(shop.account(), secret, lambda: datetime.now(UTC), budget or FreeBudget()) as client:
        yield client


async def items_of(client: Coupang) -> list[Item]:
    page = await client.products(None, 5, True)
    return [
        Item(option.item_id, product.product_id, option.sku) for product in page.products for option in product.options or ()
    ]


def at_the_shop(shop: Shop) -> dict[str, tuple[int, int]]:
    """Return stock and price of each sku as the shop itself counts them."""
    return {item.sku: (shop.shop.stock(item), shop.shop.price(item)) for item in shop.shop.items()}


async def test_what_is_set_is_what_the_shop_shows() -> None:
    with a_shop(per_minute=0.001) as shop:
        async with a_client(shop) as client:
            items = await items_of(client)
            before = await client.prices(items)
            stock = await client.push_stock([Push(item, 40 + place) for place, item in enumerate(items)])
            prices = await client.push_price([Push(item, before[item.item_id] + 100, before[item.item_id]) for item in items])

            assert [sent.key for sent in stock] == [sent.key for sent in prices] == [item.item_id for item in items]
            assert all(sent.ok for sent in stock + prices)
            assert await client.stock(items) == {item.item_id: 40 + place for place, item in enumerate(items)}
            assert await client.prices(items) == {item_id: price + 100 for item_id, price in before.items()}
        shown = at_the_shop(shop)
        assert [shown[item.sku or ""][0] for item in items] == [40 + place for place in range(len(items))]


async def test_a_refusal_concerns_its_own_item_and_what_is_gone_is_left_out() -> None:
    with a_shop(per_minute=0.001) as shop:
        async with a_client(shop) as client:
            good, other = (await items_of(client))[:2]
            gone = Item("9999999999", "1")
            sent = await client.push_stock([Push(good, 5), Push(gone, 5), Push(other, 100_000)])

            assert [(each.ok, each.again) for each in sent] == [(True, False), (False, False), (False, False)]
            assert "not found" in sent[1].message and "유효하지 않은" in sent[2].message
            assert set(await client.stock([good, gone])) == {good.item_id}


@pytest.mark.parametrize(("value", "former", "fault"), [
    (12900, 12900, None), (12905, 12900, "multiple of 10"), (0, 12900, "multiple of 10"), (5000, 10000, None),
    (4990, 10000, "-50 %"), (20000, 10000, None), (20010, 10000, "-50 %"), (20010, None, None), (10, 0, None),
])
def test_a_price_that_would_be_refused_is_not_sent(value: int, former: int | None, fault: str | None) -> None:
    found = price_fault(Push(Item("1", "1"), value, former))
    assert (found is None) if fault is None else (found is not None and fault in found)


async def test_the_guard_against_wild_prices_stays_on_at_both_ends() -> None:
    with a_shop(per_minute=0.001) as shop:
        async with a_client(shop) as client:
            item, other = (await items_of(client))[:2]
            former = (await client.prices([item]))[item.item_id]
            calls = shop.sandbox.requests.total()
            ours = await client.push_price([Push(item, former * 3, former), Push(item, former + 5, former)])
            assert shop.sandbox.requests.total() == calls and not any(sent.ok for sent in ours)

            theirs = await client.push_price([Push(item, former * 3), Push(other, former)])
            assert not theirs[0].ok and "50%" in theirs[0].message
            assert (await client.prices([item]))[item.item_id] == former


@pytest.mark.parametrize("kind", ["503", "reset", "truncate", "expired", "drop_after_write"])
async def test_a_passing_fault_leaves_the_value_set(kind: str) -> None:
    with a_shop(per_minute=0.001) as shop:
        async with a_client(shop) as client:
            item = (await items_of(client))[0]
            shop.fault(kind, 1, path="quantities")
            assert [sent.ok for sent in await client.push_stock([Push(item, 77)])] == [True]
            assert await client.stock([item]) == {item.item_id: 77}


async def test_a_pause_stops_the_rest_and_nothing_is_called_after_it() -> None:
    with a_shop(per_minute=0.001) as shop:
        budget = FreeBudget()
        async with a_client(shop, budget) as client:
            items = await items_of(client)
            shop.fault("429", 0, retry_after=120)
            calls = shop.sandbox.requests.total()
            with pytest.raises(RateLimited):
                await client.push_stock([Push(item, 1) for item in items])
        assert shop.sandbox.requests.total() - calls <= 4 and budget.pauses[0][0] == 120


@pytest.mark.parametrize("error", [RateLimited("slow down", after=60), Closed("night"), AuthFailed("key")])
async def test_what_stops_the_account_after_some_were_written_leaves_the_rest_for_another_attempt(error: MarketError) -> None:
    written = []

    async def write(push: Push) -> str:
        if push.value == 3:
            raise error
        written.append(push.value)
        return "fine"

    sent = await one_by_one([Push(Item(str(number), "1"), number) for number in range(1, 7)], write, at_once=1)
    assert written == [1, 2] and [(each.ok, each.again) for each in sent] == [(True, False)] * 2 + [(False, True)] * 4


async def test_an_item_without_answer_is_left_for_another_attempt() -> None:
    async def write(push: Push) -> str:
        raise MarketDown("no answer")

    sent = await one_by_one([Push(Item("1", "1"), 1)], write)
    assert (sent[0].ok, sent[0].again) == (False, True)


# -- acknowledgements


async def paid(shop: Shop, client: Coupang) -> list[LineKey]:
    window = Window(shop.now() - timedelta(minutes=50), shop.now())
    lines = (await client.orders(window)).lines
    return [LineKey(line.order_id, line.box_id, line.line_id) for line in lines if line.market_state == "ACCEPT"]


async def test_paid_lines_are_acknowledged_in_batches_and_each_line_has_its_answer() -> None:
    with a_shop(per_minute=40) as shop:
        shop.stand(shop.now())
        async with a_client(shop) as client:
            lines = await paid(shop, client)
            calls = shop.calls("acknowledgement")
            sent = await client.acknowledge(lines)
            boxes = len({line.box_id for line in lines})

            assert boxes > 50 and shop.calls("acknowledgement") - calls == -(-boxes // 50)
            assert [each.key for each in sent] == [line.line_id for line in lines] and all(each.ok for each in sent)
            assert await paid(shop, client) == []
            again = await client.acknowledge(lines[:1])
            assert again[0].ok and again[0].message == "already confirmed"
            [stranger] = await client.acknowledge([LineKey("1", "1", "1")])
            assert not stranger.ok and not stranger.again and "INVALID_STATUS" in stranger.message


async def test_after_a_lost_answer_the_state_of_the_boxes_decides_and_nothing_is_sent_twice() -> None:
    with a_shop(per_minute=2) as shop:
        shop.stand(shop.now())
        async with a_client(shop) as client:
            lines = await paid(shop, client)
            shop.fault("drop_after_write", path="acknowledgement")
            sent = await client.acknowledge(lines)

            assert lines and all(each.ok and each.message == "already confirmed" for each in sent)
            assert shop.calls("acknowledgement") == 1


async def test_a_call_that_did_not_arrive_leaves_its_boxes_for_another_attempt() -> None:
    with a_shop(per_minute=2) as shop:
        shop.stand(shop.now())
        async with a_client(shop) as client:
            lines = await paid(shop, client)
            shop.fault("503", path="acknowledgement")
            sent = await client.acknowledge(lines)

            assert lines and all(not each.ok and each.again for each in sent)
            assert shop.calls("acknowledgement") == 1
            assert await paid(shop, client) == lines


async def test_rows_that_may_be_tried_again_are_told_apart() -> None:
    with a_shop(per_minute=10) as shop:
        shop.stand(shop.now())
        async with a_client(shop) as client:
            lines = await paid(shop, client)
            shop.fault("partial_ack")
            sent = await client.acknowledge(lines)
            assert {(each.ok, each.again) for each in sent} == {(True, False), (False, True)}
            left = [line for line, each in zip(lines, sent, strict=True) if each.again]
            assert all(each.ok for each in await client.acknowledge(left))


def test_a_box_that_the_answer_does_not_name_is_not_taken_for_done() -> None:
    found = boxes_answered(["1", "2"], {"data": {"responseList": [{"shipmentBoxId": 1, "succeed": True, "resultCode": "OK"}]}})
    assert (found["1"].ok, found["2"].ok, found["2"].again) == (True, False, True)
    assert batches(LineKey("o", str(number // 2), str(number)) for number in range(202)) == [
        [str(number) for number in range(50)], [str(number) for number in range(50, 100)], ["100"]]
