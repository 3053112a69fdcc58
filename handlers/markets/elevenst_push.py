"""Writes of stock and price: grouped by product, checked against the rules before the call, an answer for each item."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from handlers.markets import elevenst_words as words
from handlers.markets.base import AuthFailed, BadRequest, Closed, MarketDown, MarketError, Push, RateLimited, Sent
from handlers.markets.elevenst_call import ElevenStCall
from handlers.markets.elevenst_xml import Row, document, row
from handlers.markets.http import readable

UNIT = 10
PRICE_LIMIT = 1_000_000_000
RISE_PERCENT = 50
FALL_PERCENT = 80
SURCHARGE_PERCENTS = (-50, 100)

Thing = TypeVar("Thing")


async def push_each(
    things: Sequence[Thing], group_of: Callable[[Thing], str], key_of: Callable[[Thing], str],
    push: Callable[[str, Sequence[Thing]], Awaitable[list[Sent]]],
) -> list[Sent]:
    """Write group by group, so that the refusal or outage of one keeps no other back.

    What stops everything is raised only while nothing was written; later, those that are left are told to come again.
    """
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        groups.setdefault(group_of(thing), []).append(thing)
    sent: list[Sent] = []
    for name, group in groups.items():
        try:
            sent += await push(name, group)
        except MarketError as error:
            if isinstance(error, (Closed, RateLimited, AuthFailed)) and not any(one.ok for one in sent):
                raise
            again = isinstance(error, (Closed, RateLimited, MarketDown))
            sent += [Sent(key_of(thing), False, str(error), again=again) for thing in group]
    return sent


async def push_stock_of(call: ElevenStCall, product_id: str, pushes: Sequence[Push]) -> list[Sent]:
    """Set the quantities of one product's items. An item's own refusal stays its own."""
    stocks = {stock.get("prdStckNo"): stock for stock in await call.stocks(product_id)}
    return [await _push_stock(call, product_id, push, stocks.get(push.item.item_id)) for push in pushes]


async def _push_stock(call: ElevenStCall, product_id: str, push: Push, stock: Row | None) -> Sent:
    item_id, label = push.item.item_id, call.account.label
    if stock is None:
        return Sent(item_id, False, f"{label}: product {product_id} has no item {item_id}")
    if push.value < 0:
        return Sent(item_id, False, f"{label}: {push.value} is no quantity")
    with readable(call.account):
        former = words.required_number(stock, "stckQty")
    # All four fields are required, and a weight that is not repeated is overwritten.
    body = document("ProductStock", {
        "prdNo": product_id, "prdStckNo": item_id, "stckQty": push.value, "optWght": stock.get("optWght") or "0",
    })
    try:
        await call.write("PUT", f"/prodservices/stockqty/{quote(item_id, safe='')}", body)
    except BadRequest as error:
        return Sent(item_id, False, str(error), former)
    except (MarketDown, RateLimited, Closed) as error:
        # A quantity is absolute, so the next attempt may simply set it again.
        return Sent(item_id, False, str(error), former, again=True)
    return Sent(item_id, True, former=former)


async def push_price_of(call: ElevenStCall, product_id: str, pushes: Sequence[Push]) -> list[Sent]:
    """Set the one price of a product from the prices wanted for its items."""
    product = await call.product(product_id)
    stocks = await call.stocks(product_id)
    with readable(call.account):
        current = words.required_number(product, "selPrc")
        surcharges = {words.required(stock, "prdStckNo"): words.number(stock.get("addPrc")) or 0 for stock in stocks}
    known = [push for push in pushes if push.item.item_id in surcharges]
    bases = {push.item.item_id: push.value - surcharges[push.item.item_id] for push in known}
    refusal = _refusal(current, bases, surcharges) if known else None
    answer = Sent(product_id, False, f"product {product_id}: {refusal}") if refusal else None
    if known and answer is None:
        answer = await _push_base(call, product_id, current, bases[known[0].item.item_id])
    return [_of_item(call, push, answer, surcharges) for push in pushes]


def _refusal(current: int, bases: dict[str, int], surcharges: dict[str, int]) -> str | None:
    """Say why the base price may not be set so; items nobody asked about would move along, unseen by any limit."""
    base = next(iter(bases.values()))
    refusal = disagreement(bases) or broken_rule(current, base, surcharges)
    others = [item_id for item_id in surcharges if item_id not in bases]
    if refusal is None and others and base != current:
        return f"its items have one base price: give a price for {', '.join(others[:5])} as well"
    return refusal


def _of_item(call: ElevenStCall, push: Push, answer: Sent | None, surcharges: dict[str, int]) -> Sent:
    """Turn a product's answer into that of one item, whose former price includes its surcharge."""
    item_id, label = push.item.item_id, call.account.label
    surcharge = surcharges.get(item_id)
    if surcharge is None or answer is None:
        return Sent(item_id, False, f"{label}: product {push.item.product_id} has no item {item_id}")
    message = answer.message if not answer.message or answer.message.startswith(label) else f"{label}: {answer.message}"
    former = None if answer.former is None else answer.former + surcharge
    return Sent(item_id, answer.ok, message, former, answer.again)


def disagreement(bases: dict[str, int]) -> str | None:
    """Say why one price cannot serve all items, or None. bases: the product price each of them would need."""
    if len(set(bases.values())) == 1:
        return None
    wanted = ", ".join(f"item {item_id} needs {base}" for item_id, base in sorted(bases.items()))
    return f"11st has one price for the whole product, and with their surcharges {wanted}; make them agree"


def broken_rule(current: int, base: int, surcharges: dict[str, int]) -> str | None:
    """Say which rule of 11st the new price breaks, or None."""
    if not 0 < base < PRICE_LIMIT:
        return f"{base} is not between 1 and {PRICE_LIMIT - 1}"
    if base % UNIT:
        return f"{base} is not a multiple of {UNIT}"
    if base * 100 > current * (100 + RISE_PERCENT):
        return f"{current} → {base} is more than +{RISE_PERCENT} % at once"
    if base * 100 < current * (100 - FALL_PERCENT):
        return f"{current} → {base} is more than -{FALL_PERCENT} % at once"
    lowest, highest = SURCHARGE_PERCENTS
    for item_id, surcharge in surcharges.items():
        if base != current and not base * lowest <= surcharge * 100 <= base * highest:
            return f"the surcharge {surcharge} of item {item_id} is not within {lowest} to +{highest} % of {base}"
    return None


async def _push_base(call: ElevenStCall, product_id: str, current: int, base: int) -> Sent:
    """Set the product's price, and after a lost answer look whether it took effect."""
    if base == current:
        return Sent(product_id, True, "", current)
    try:
        answer = await call.write("GET", f"/prodservices/product/price/{quote(product_id, safe='')}/{base}")
        with readable(call.account):
            told = words.number(row(answer).get("preSelPrc"))
        return Sent(product_id, True, "", current if told is None else told)
    except BadRequest as error:
        return Sent(product_id, False, str(error), current)
    except MarketDown as error:
        return await _after_lost_answer(call, product_id, current, base, error)


async def _after_lost_answer(
    call: ElevenStCall, product_id: str, current: int, base: int, lost: MarketDown
) -> Sent:
    try:
        now = words.number((await call.product(product_id)).get("selPrc"))
    except MarketError as error:
        return Sent(product_id, False, f"{lost}; the price cannot be read: {error}", current, again=True)
    return Sent(product_id, True, "", current) if now == base else Sent(product_id, False, str(lost), current, again=True)
