"""The 11st client and the sandbox 11st over real HTTP: what is collected is the truth, and what is written takes effect."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from handlers.markets.base import (
    AuthFailed,
    BoxLine,
    Claim,
    Closed,
    Item,
    LineKey,
    Orders,
    Push,
    Window,
)
from handlers.markets.elevenst_xml import parse, rows
from handlers.order_collection import collect_orders
from handlers.sandbox.elevenst_rows import FIRST_ITEM, FIRST_PRODUCT, order_number
from tests.handlers import elevenst_served
from tests.handlers.elevenst_served import HOUR, a_client, ask, code_of, market_of
from tests.handlers.support import FreeBudget, Shop, a_context, a_shop, order_lines, truth

shop = elevenst_served.shop
no_waiting = elevenst_served.no_waiting


class Held:
    """What a collection holds, kept as our tables keep it: the latest reading of a line, and each claim."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], BoxLine] = {}
        self.claims: dict[tuple[str, str, str], Claim] = {}

    def take(self, found: Orders) -> None:
        for line in found.lines:
            known = self.lines.get((line.order_id, line.line_id))
            assert known is None or known.read_at <= line.read_at
            self.lines[line.order_id, line.line_id] = line
        for claim in found.claims:
            self.claims[claim.order_id, claim.line_id, claim.claim_id] = claim

    def order_lines(self) -> list[tuple[Any, ...]]:
        return sorted(self._line(line) for line in self.lines.values())

    def _line(self, line: BoxLine) -> tuple[Any, ...]:
        settled = [claim for claim in self.claims.values()
                   if claim.completed and (claim.order_id, claim.line_id) == (line.order_id, line.line_id)]
        cancelled = max(line.cancelled, sum(claim.quantity for claim in settled if claim.kind == "cancel"))
        state = "cancelled" if cancelled >= line.quantity else line.state
        if any(claim.kind == "exchange" for claim in settled):
            state = "exchanged"
        if any(claim.kind == "return" for claim in settled):
            state = "returned"
        return line.order_id, line.line_id, line.sku, line.quantity, cancelled, state


async def collect(shop: Shop, start: datetime | None = None, held: Held | None = None) -> Held:
    held = held or Held()
    window = Window(start or shop.start, shop.now())
    async with a_client(shop) as client:
        held.take(await client.orders(window))
        held.take(await client.changes(window))
    return held


# -- collecting


@pytest.mark.parametrize("minutes", [1, 7, 25, 60, 100])
@pytest.mark.parametrize("by_state", [True, False])
@pytest.mark.parametrize("takes_end", [True, False])
async def test_a_collection_is_the_truth_whatever_time_the_lists_go_by(
    shop: Shop, minutes: int, by_state: bool, takes_end: bool
) -> None:
    market_of(shop).by_state, market_of(shop).takes_end = by_state, takes_end
    shop.stand(shop.start + timedelta(minutes=minutes))

    held = await collect(shop)

    assert held.order_lines() == truth(shop)


@pytest.mark.parametrize("style", ["no_prefix", "utf8", "repeat_rows"])
async def test_a_collection_is_the_truth_however_answers_are_written(shop: Shop, style: str) -> None:
    shop.fault(style, count=0)

    held = await collect(shop)

    assert len(held.lines) > 300
    assert held.order_lines() == truth(shop)


async def test_all_states_are_met(shop: Shop) -> None:
    assert {line[5] for line in truth(shop)} == {
        "paid", "confirmed", "shipping", "delivered", "completed", "cancelled", "returned", "exchanged"}


async def test_collecting_as_time_goes_by_ends_with_the_truth() -> None:
    with a_shop("11st", per_minute=3.0, history=timedelta(minutes=120), late_seconds=300.0) as shop:
        held, overlap = Held(), timedelta(minutes=10)
        for minutes in range(5, 121, 5):
            now = shop.stand(shop.start + timedelta(minutes=minutes))
            await collect(shop, max(shop.start, now - timedelta(minutes=5) - overlap), held)
            assert held.order_lines() == truth(shop), f"after {minutes} minutes"


async def test_lists_that_are_cut_off_are_read_in_halves(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.markets.elevenst.LIST_LIMIT", 60)
    market_of(shop).list_limit = 60

    held = await collect(shop)

    assert held.order_lines() == truth(shop)
    assert shop.sandbox.requests.total() > 30


@pytest.mark.parametrize("fault", ["reset", "truncate", "503"])
async def test_passing_outages_leave_no_hole(shop: Shop, fault: str) -> None:
    shop.fault(fault, count=2)

    held = await collect(shop)

    assert held.order_lines() == truth(shop)


async def test_maintenance_closes_the_account(shop: Shop) -> None:
    shop.fault("maintenance", count=0)
    budget = FreeBudget()
    async with a_client(shop, budget=budget) as client:
        with pytest.raises(Closed):
            await client.orders(Window(shop.start, shop.now()))

    assert [until for until, _ in budget.closings] == [None]


async def test_an_unknown_key_asks_for_a_person_in_every_verb(shop: Shop) -> None:
    item = Item(str(FIRST_ITEM + 1), str(FIRST_PRODUCT + 1))
    async with a_client(shop, key="f" * 32) as client:
        for verb in (client.orders(Window(shop.start, shop.now())), client.changes(Window(shop.start, shop.now())),
                     client.products(None, 10, False), client.stock([item]), client.prices([item]),
                     client.push_stock([Push(item, 1)]), client.push_price([Push(item, 12900)]),
                     client.acknowledge([LineKey("1", "1", "1")])):
            with pytest.raises(AuthFailed):
                await verb


async def test_the_handler_collects_11st_into_our_tables(
    shop: Shop, database: str, connection: psycopg.Connection[Any]
) -> None:
    shop.open_account(connection)
    shop.stand(datetime.now(shop.start.tzinfo))
    async with a_context(database, ["11st"]) as (context, _):
        await collect_orders(context)
    connection.commit()

    assert order_lines(connection) == truth(shop)


# -- the sandbox keeps to the documents


@pytest.mark.parametrize(("path", "code"), [
    ("/ordservices/complete/2026030900/202603100000", "-3103"),
    ("/ordservices/complete/202603090000/20260310", "-3104"),
    ("/ordservices/complete/202613090000/202603100000", "-3103"),
    ("/ordservices/complete/202603010000/202603080001", "-3105"),
    ("/ordservices/packaging/202603010000/202603080001", "-3305"),
    ("/ordservices/shipping/202603010000/202603080001", "-3904"),
    ("/ordservices/complete/202603010000/202603080000", "0"),
    ("/claimservice/cancelorders/202603010000/202603310001", "-28008"),
    ("/claimservice/returnedorders/202603010000/202603310000", "-1"),
    ("/claimservice/orderlistall/" + ",".join(["1"] * 101), "-28003"),
])
def test_the_codes_of_lists(shop: Shop, path: str, code: str) -> None:
    response = ask(shop, "GET", path)

    assert (response.status_code, code_of(response)) == (200, code)


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/ordservices/nothing"), ("POST", "/ordservices/complete/202603010000/202603080000"),
    ("GET", "/prodservices/stockqty/1"),
    ("GET", "/ordservices/complete/202603010000/202603080000?key=x"),
])
def test_an_unknown_path_or_method_is_answered_with_minus_997(shop: Shop, method: str, path: str) -> None:
    response = ask(shop, method, path)

    assert (response.status_code, code_of(response)) == (500, "-997")


def test_a_wrong_key_is_told_with_http_200(shop: Shop) -> None:
    response = ask(shop, "GET", "/ordservices/complete/202603010000/202603080000", key="wrong")

    assert (response.status_code, code_of(response)) == (200, "-1")
    assert "해당하는 유저가 없습니다" in response.content.decode("cp949")


def test_answers_are_windows_bytes_under_the_name_of_euc_kr(shop: Shop) -> None:
    order = next(order for order in shop.shop.orders(shop.start, shop.now()) if order.number % 5 == 0)
    shop.stand(order.ordered_at + timedelta(seconds=1))
    response = ask(shop, "GET", f"/ordservices/complete/{order_number(order)}")

    assert response.headers["content-type"] == "text/xml;charset=euc-kr"
    assert b'encoding="euc-kr"' in response.content
    assert b"<ns2:order>" in response.content
    with pytest.raises(UnicodeDecodeError):
        response.content.decode("euc_kr")
    assert "똠양꿍" in str(rows(parse(response.content), "order")[0]["ordDlvReqCont"])


# -- acknowledge


def paid_lines(shop: Shop) -> list[LineKey]:
    market = market_of(shop)
    return [LineKey(str(line["order_id"]), "", str(line["line_id"])) for line in market.truth() if line["state"] == "paid"]


async def test_confirmed_lines_leave_the_list_of_paid_orders(shop: Shop) -> None:
    lines = paid_lines(shop)
    async with a_client(shop) as client:
        sent = await client.acknowledge(lines)
        again = await client.acknowledge(lines)
        found = await client.orders(Window(shop.now() - HOUR, shop.now()))

    assert len(lines) > 2
    assert [(one.key, one.ok) for one in sent] == [(line.line_id, True) for line in lines]
    assert all(one.ok and one.message == "already confirmed" for one in again)
    states = {(line.order_id, line.line_id): line.state for line in found.lines}
    assert {states[line.order_id, line.line_id] for line in lines} == {"confirmed"}
    assert paid_lines(shop) == []


async def test_a_confirmation_whose_answer_was_lost_is_seen_to_have_taken_effect(shop: Shop) -> None:
    line = paid_lines(shop)[0]
    shop.fault("drop_after_write", path="reqpackaging")
    async with a_client(shop) as client:
        [sent] = await client.acknowledge([line])

    assert (sent.ok, sent.message) == (True, "already confirmed")
    assert sum("reqpackaging" in call for call in shop.sandbox.requests.elements()) == 1


async def test_a_confirmation_that_never_arrived_may_be_tried_again(shop: Shop) -> None:
    line = paid_lines(shop)[0]
    shop.fault("503", path="reqpackaging")
    async with a_client(shop) as client:
        [sent] = await client.acknowledge([line])
        assert (sent.ok, sent.again) == (False, True)
        assert [one.ok for one in await client.acknowledge([line])] == [True]
