"""How the client of Naver reads orders: the feed of changes, the list by payment and the details."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from handlers.markets.base import BadRequest, MarketDown, Window
from handlers.markets.naver import spans
from tests.handlers.naver_support import (
    NOTHING,
    START,
    Purse,
    a_change,
    a_client,
    a_row,
    a_window,
    always,
    details,
)

SELLER = "/external/v1/pay-order/seller"


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
