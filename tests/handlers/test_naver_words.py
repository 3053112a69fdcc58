"""What the client of Naver makes of a product order and its claims."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from handlers.markets import naver_words as words
from tests.handlers.naver_support import (
    START,
    a_change,
    a_client,
    a_row,
    a_window,
)


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
