"""What Coupang lets be set: one option a call, prices in units of 10 won, and acknowledgements box by box."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from handlers.markets.base import BadRequest, BoxLine, LineKey, MarketDown, MarketError, Push, Sent
from handlers.markets.coupang_words import CONFIRMED
from handlers.markets.http import gather
from handlers.markets.reading import Json

BOXES_AT_ONCE = 50
PRICE_UNIT = 10


class Refused(BadRequest):
    """The market understood the call and said no to this one thing."""


async def one_by_one(pushes: Sequence[Push], write: Callable[[Push], Awaitable[str]], at_once: int = 4) -> list[Sent]:
    """Write each push with a call of its own, answers in order; a refusal concerns its own item only.

    What stops the whole account (a pause, maintenance, wrong keys) leaves the rest unsent.
    Raises  that MarketError when nothing was written before it
    """
    stopped: list[MarketError] = []

    async def one(push: Push) -> Sent:
        key = push.item.item_id
        if stopped:
            return Sent(key, False, f"not sent: {stopped[0]}", again=True)
        try:
            return Sent(key, True, await write(push))
        except Refused as error:
            return Sent(key, False, str(error))
        except MarketDown as error:
            return Sent(key, False, str(error), again=True)
        except MarketError as error:
            stopped.append(error)
            return Sent(key, False, str(error), again=True)

    sent = await gather([partial(one, push) for push in pushes], at_once=at_once)
    if stopped and not any(each.ok for each in sent):
        raise stopped[0]
    return sent


def price_fault(push: Push) -> str | None:
    """Say why Coupang would refuse a price; None when it would not."""
    if push.value <= 0 or push.value % PRICE_UNIT:
        return f"price {push.value} is not a multiple of {PRICE_UNIT} won above 0"
    if push.former and not push.former <= push.value * 2 <= push.former * 4:
        return f"price {push.former} -> {push.value} changes by more than -50 % or +100 %"
    return None


def batches(lines: Iterable[LineKey]) -> list[list[str]]:
    """Return the boxes of the lines, each once, as many together as Coupang takes."""
    boxes = list(dict.fromkeys(line.box_id for line in lines))
    return [boxes[start:start + BOXES_AT_ONCE] for start in range(0, len(boxes), BOXES_AT_ONCE)]


def acknowledgement(vendor: str, boxes: Sequence[str]) -> bytes:
    return json.dumps({"vendorId": vendor, "shipmentBoxIds": [int(box) for box in boxes]}).encode()


def boxes_answered(boxes: Sequence[str], answer: Json) -> dict[str, Sent]:
    """Read each row of an acknowledgement: status 200 alone does not mean that a box was taken."""
    rows = {str(row["shipmentBoxId"]): row for row in (answer.get("data") or {}).get("responseList") or []}
    return {box: _box_answered(box, rows.get(box)) for box in boxes}


async def done_already(
    lines: Iterable[LineKey], read: Callable[[str], Awaitable[list[BoxLine]]]
) -> dict[str, Sent]:
    """Return an answer for each box that was acknowledged all the same, by the state it is in now.

    read  reads an order; once it fails no further one is read, and the answers there were stand
    """
    stopped: list[MarketError] = []

    async def one(order_id: str) -> list[BoxLine]:
        try:
            return [] if stopped else await read(order_id)
        except MarketError as error:
            stopped.append(error)
            return []

    lines = list(lines)
    states: dict[str, set[str]] = {line.box_id: set() for line in lines}
    for found in await gather([partial(one, order_id) for order_id in dict.fromkeys(line.order_id for line in lines)], at_once=4):
        for line in found:
            states.get(line.box_id, set()).add(line.state)
    told = {box: sorted(there - {"cancelled"}) for box, there in states.items()}
    done = {box: there for box, there in told.items() if there and CONFIRMED.issuperset(there)}
    return {box: Sent(box, True, f"already {', '.join(there)}") for box, there in done.items()}


def _box_answered(box: str, row: Json | None) -> Sent:
    if row is None:
        return Sent(box, False, "the answer does not name this box", again=True)
    text = " ".join(str(row[name]) for name in ("resultCode", "resultMessage") if row.get(name))
    return Sent(box, bool(row.get("succeed")), text, again=not row.get("succeed") and bool(row.get("retryRequired")))
