"""Coupang WING Open API: signing, reading orders, cancels, returns, products, stock and prices.

Source: developers.coupangcorp.com, articles 360033461914 (signing), 360033919573 and 360033792774 (order sheets),
360033919613 (returns and cancels), 360033645034 (products),
360034156253 (stock), 360034156273 (price), 360033792994 (acknowledge), 25780974599577 (HTTP 403); read in November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from handlers.markets import coupang_pushes as writes
from handlers.markets import coupang_words as words
from handlers.markets.base import (
    Account,
    BadRequest,
    BoxLine,
    Budget,
    Clock,
    Item,
    LineKey,
    MarketDown,
    MarketError,
    Option,
    Orders,
    Product,
    ProductPage,
    Push,
    Sent,
    State,
    TooSlow,
    Window,
)
from handlers.markets.coupang_calls import Calls
from handlers.markets.http import Client, gather, readable
from handlers.markets.reading import KOREA, Json

ORDERS = "/v2/providers/openapi/apis/api"
PRODUCTS = "/v2/providers/seller_api/apis/api/v1/marketplace"
ORDER_PAGE = 50
PRODUCT_PAGE = 100
SHORTEST_HALF = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
RETURN_STATUSES = ("RU", "UC", "CC", "PR")


def by_minute(moment: datetime) -> str:
    return moment.astimezone(KOREA).strftime("%Y-%m-%dT%H:%M")


def minutes_around(window: Window) -> tuple[datetime, datetime]:
    """Return the window widened to whole minutes, the finest that Coupang can be asked for."""
    start = window.start.replace(second=0, microsecond=0)
    end = window.end.replace(second=0, microsecond=0)
    return start, end if end == window.end else end + MINUTE


class Coupang(Client):
    """One shop at Coupang.

    secret  resolves a reference of market_accounts.credentials
    now     the database's clock, which stamps what is read
    """

    splits: ClassVar[bool] = True
    open_states: ClassVar[tuple[State, ...]] = ("paid", "confirmed", "shipping")

    def __init__(
        self, account: Account, secret: Callable[[str], str], now: Clock, budget: Budget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._calls = Calls(account, secret, now, budget, transport)
        super().__init__(account, now, self._calls)

    # -- orders

    async def orders(self, window: Window) -> Orders:
        """Read every order made in the window, in all states."""
        lines = await (self._sheets_by_day(window) if window.whole_days else self._sheets_by_minute(window))
        return Orders(lines, [])

    async def changes(self, window: Window) -> Orders:
        """Read the cancels and returns made in the window; nothing else at Coupang tells of a change."""
        return Orders([], await self._claims(window))

    async def order(self, order_id: str) -> list[BoxLine]:
        """Read one order as it stands now; empty when Coupang no longer shows it."""
        read_at = self._now()
        target = f"{self._orders_of_vendor('v5')}/{quote(order_id, safe='')}/ordersheets"
        try:
            answer = await self._calls.read(target)
        except BadRequest:
            return []
        data = answer.get("data") or []
        return self._lines([(sheet, read_at) for sheet in (data if isinstance(data, list) else [data])])

    def _orders_of_vendor(self, version: str) -> str:
        return f"{ORDERS}/{version}/vendors/{quote(self._calls.vendor, safe='')}"

    async def _sheets_by_minute(self, window: Window) -> list[BoxLine]:
        start, end = minutes_around(window)
        span = f"createdAtFrom={by_minute(start)}%2B09:00&createdAtTo={by_minute(end)}%2B09:00&searchType=timeFrame"
        sheets = []
        try:
            for state in words.STATES:
                read_at = self._now()
                answer = await self._calls.read(f"{self._orders_of_vendor('v5')}/ordersheets?{span}&status={state}")
                sheets += [(sheet, read_at) for sheet in answer.get("data") or []]
        except TooSlow:
            # There is no paging here, so a window with too many orders times out: ask for half as much.
            half = start + ((end - start) / 2 // MINUTE) * MINUTE
            if half - start < SHORTEST_HALF:
                raise
            first = await self._sheets_by_minute(Window(start, half))
            return first + await self._sheets_by_minute(Window(half, end))
        return self._lines(sheets)

    async def _sheets_by_day(self, window: Window) -> list[BoxLine]:
        first = window.start.astimezone(KOREA).date()
        last = (window.end - timedelta(microseconds=1)).astimezone(KOREA).date()
        sheets = []
        for state in words.STATES:
            query = f"createdAtFrom={first}%2B09:00&createdAtTo={last}%2B09:00&status={state}&maxPerPage={ORDER_PAGE}"
            async for rows, read_at in self._calls.pages(f"{self._orders_of_vendor('v5')}/ordersheets?{query}"):
                sheets += [(sheet, read_at) for sheet in rows]
        return self._lines(sheets)

    def _lines(self, sheets: list[tuple[Json, datetime]]) -> list[BoxLine]:
        """Turn sheets into lines; of a box that was read twice the later reading holds."""
        latest: dict[tuple[str, str], BoxLine] = {}
        with readable(self.account):
            for sheet, read_at in sheets:
                for line in words.box_lines(sheet, read_at):
                    latest[line.box_id, line.line_id] = line
        return list(latest.values())

    async def _claims(self, window: Window) -> list[Any]:
        start, end = minutes_around(window)
        base = (
            f"{self._orders_of_vendor('v6')}/returnRequests?searchType=timeFrame"
            f"&createdAtFrom={by_minute(start)}&createdAtTo={by_minute(end)}"
        )
        # A status must not be given for cancels; returns are asked for one by one.
        queries = ["&cancelType=CANCEL", *(f"&cancelType=RETURN&status={status}" for status in RETURN_STATUSES)]
        found = {}
        for query in queries:
            async for rows, read_at in self._calls.pages(base + query):
                with readable(self.account):
                    for row in rows:
                        row.setdefault("receiptType", "CANCEL" if "CANCEL" in query else "RETURN")
                        found.update({(claim.claim_id, claim.line_id): claim for claim in words.claims(row, read_at)})
        return list(found.values())

    # -- products

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page of products; with_details costs a call for each product and one for each option."""
        query = f"vendorId={quote(self._calls.vendor, safe='')}&maxPerPage={min(page_size, PRODUCT_PAGE)}"
        if token:
            query += f"&nextToken={quote(token, safe='')}"
        read_at = self._now()
        answer = await self._calls.read(f"{PRODUCTS}/seller-products?{query}")
        rows = answer.get("data") or []
        options: list[tuple[Option, ...] | None] = [None] * len(rows)
        if with_details:
            details = await gather([partial(self._options, str(row["sellerProductId"])) for row in rows], at_once=4)
            options = list(details)
        with readable(self.account):
            found: list[Product] = [
                words.product(row, read_at, its) for row, its in zip(rows, options, strict=True)
            ]
        return ProductPage(found, str(answer.get("nextToken") or "") or None)

    async def _options(self, product_id: str) -> tuple[Option, ...]:
        detail = await self._calls.read(f"{PRODUCTS}/seller-products/{quote(product_id, safe='')}")
        items = [item for item in (detail.get("data") or {}).get("items") or [] if item.get("vendorItemId")]
        return tuple([await self._option(item) for item in items])

    async def _option(self, item: Json) -> Option:
        answer = await self._calls.read(f"{self._item(str(item['vendorItemId']))}/inventories")
        with readable(self.account):
            return words.option(item, answer.get("data") or {})

    # -- stock and prices

    async def stock(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the quantity of each item, a call each; what Coupang no longer has is left out."""
        return await self._values(items, "amountInStock")

    async def prices(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the price of each item, a call each; what Coupang no longer has is left out."""
        return await self._values(items, "salePrice")

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set quantities, a call each."""
        return await writes.one_by_one(pushes, lambda push: self._put(f"{self._item(push.item.item_id)}/quantities/{push.value}"))

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set prices, a call each; Coupang's own guard against wild changes stays on."""

        async def write(push: Push) -> str:
            fault = writes.price_fault(push)
            if fault is not None:
                raise writes.Refused(f"{self.account.label}: {fault}")
            return await self._put(f"{self._item(push.item.item_id)}/prices/{push.value}?forceSalePriceUpdate=false")

        return await writes.one_by_one(pushes, write)

    async def acknowledge(self, lines: Sequence[LineKey]) -> list[Sent]:
        """Confirm the boxes that hold these lines; all lines of a box share its answer.

        Each batch is sent once. After a lost answer, or a refusal that may come because an earlier call had done it, the
        state of the box is read.
        """
        answers: dict[str, Sent] = {}
        for boxes in writes.batches(lines):
            answers |= await self._acknowledged(boxes, bool(answers))
        answers |= await writes.done_already([line for line in lines if not answers[line.box_id].ok], self.order)
        return [replace(answers[line.box_id], key=line.line_id) for line in lines]

    async def _acknowledged(self, boxes: list[str], others_done: bool) -> dict[str, Sent]:
        target = f"{self._orders_of_vendor('v4')}/ordersheets/acknowledgement"
        try:
            answer = await self._calls.write(target, writes.acknowledgement(self._calls.vendor, boxes))
        except MarketError as error:
            if not others_done and not isinstance(error, MarketDown):
                raise
            again = not isinstance(error, BadRequest)
            return {box: Sent(box, False, str(error), again=again) for box in boxes}
        with readable(self.account):
            return writes.boxes_answered(boxes, answer)

    def _item(self, item_id: str) -> str:
        return f"{PRODUCTS}/vendor-items/{quote(item_id, safe='')}"

    async def _values(self, items: Sequence[Item], name: str) -> dict[str, int]:
        read = await gather([partial(self._value, item.item_id, name) for item in items], at_once=4)
        return {item.item_id: value for item, value in zip(items, read, strict=True) if value is not None}

    async def _value(self, item_id: str, name: str) -> int | None:
        try:
            answer = await self._calls.read(f"{self._item(item_id)}/inventories")
        except writes.Refused:
            return None
        with readable(self.account):
            return words.won((answer.get("data") or {}).get(name))

    async def _put(self, target: str) -> str:
        # The value is absolute, so that a call whose answer was lost may be repeated at once.
        return str((await self._calls.read(target, "PUT")).get("message") or "")
