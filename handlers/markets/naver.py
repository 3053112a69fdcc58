"""Naver Commerce API (SmartStore): reading orders and their changes, products, stock and prices, and writing them.

Source: apicenter.commerce.naver.com/docs (auth, restriction, commerce-api/current) and the notices of
github.com/commerce-api-naver/commerce-api; read in November 2026.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import ClassVar, TypeVar
from urllib.parse import quote

import httpx

from handlers.markets import naver_words as words
from handlers.markets.base import (
    Account,
    BadRequest,
    BoxLine,
    Budget,
    Claim,
    Clock,
    Item,
    LineKey,
    MarketDown,
    Orders,
    ProductPage,
    Push,
    Sent,
    State,
    Window,
)
from handlers.markets.http import Client, readable
from handlers.markets.naver_calls import Calls, Json
from handlers.markets.naver_goods import Goods
from handlers.markets.naver_pushes import Work, each

SELLER = "/v1/pay-order/seller"
PAGE = 300
DETAILS = 300
CONFIRMS = 30
PAGES_LIMIT = 10_000
MILLISECOND = timedelta(milliseconds=1)
LONGEST_SPAN = timedelta(hours=24)

Value = TypeVar("Value")


def spans(window: Window) -> Iterator[tuple[datetime, datetime]]:
    """Cut the window into spans that Naver takes: whole milliseconds, at most a day each.

    Both ends are inclusive there, so neighbours share a moment; what is read twice is the same.
    """
    start = window.start - timedelta(microseconds=window.start.microsecond % 1000)
    end = window.end + timedelta(microseconds=-window.end.microsecond % 1000)
    while start < end:
        cut = min(start + LONGEST_SPAN, end)
        yield start, cut
        start = cut


def batches(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def has_next(data: Json, page: int, rows: Sequence[Json]) -> bool:
    """Say whether a page follows; the shape of ``pagination`` is not documented, so without it an empty page is the last."""
    pagination = data.get("pagination") or {}
    if "hasNext" in pagination:
        return bool(pagination["hasNext"])
    if "totalPages" in pagination:
        return page < int(pagination["totalPages"])
    return bool(rows)


class Naver(Client):
    """One application at Naver, for the shop that made it.

    secret  resolves a reference of market_accounts.credentials
    now     the database's clock, which stamps what is read
    """

    splits: ClassVar[bool] = False
    # The feed tells neither of the placed-order check nor of delivery.
    open_states: ClassVar[tuple[State, ...]] = ("paid", "shipping")

    def __init__(
        self, account: Account, secret: Callable[[str], str], now: Clock, budget: Budget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._calls = Calls(account, secret, budget, transport)
        super().__init__(account, now, self._calls)
        self._goods = Goods(account, self._calls, now)

    # -- orders

    async def orders(self, window: Window) -> Orders:
        """Read every order paid in the window, in all states, with its claims."""
        rows: dict[str, tuple[Json, datetime]] = {}
        for start, end in spans(window):
            async for found, read_at in self._listed(start, end):
                with readable(self.account):
                    rows.update({words.identity(row): (row, read_at) for row in found})
        return self._orders(rows, dated=False)

    async def changes(self, window: Window) -> Orders:
        """Read what changed in the window: states, cancels, returns and exchanges, as they stand now."""
        changed: dict[str, None] = {}
        for start, end in spans(window):
            async for found in self._feed(start, end):
                with readable(self.account):
                    changed |= {str(row["productOrderId"]): None for row in found}
        # The details are read after the feed and may be newer than what it told: they say themselves how new they are.
        return self._orders(await self._details(changed))

    async def order(self, order_id: str) -> list[BoxLine]:
        """Read one order as it stands now; empty when Naver no longer shows it."""
        # This call is not in the notes we work from; several public clients use it alike.
        try:
            answer = await self._calls.get(f"{SELLER}/orders/{quote(order_id, safe='')}/product-order-ids")
        except BadRequest:
            return []
        numbers = [str(number) for number in answer.get("data") or []]
        return self._orders(await self._details(numbers)).lines

    def _orders(self, rows: dict[str, tuple[Json, datetime]], dated: bool = True) -> Orders:
        """Turn rows into lines and claims.

        dated  they tell all their dates; rows of the list leave out those of dispatch and claims and would look older
        """
        lines: list[BoxLine] = []
        claims: list[Claim] = []
        with readable(self.account):
            for row, read_at in rows.values():
                if words.is_order(row):
                    changed_at = words.changed_at(row) if dated else None
                    lines.append(words.box_line(row, read_at, changed_at))
                    claims += words.claims(row, read_at, changed_at)
        return Orders(lines, claims)

    async def _listed(self, start: datetime, end: datetime) -> AsyncIterator[tuple[list[Json], datetime]]:
        """Follow the pages of the list by payment, giving rows in full and the moment they were asked for."""
        query = (
            f"from={words.stamp(start)}&to={words.stamp(end)}&rangeType=PAYED_DATETIME"
            f"&quantityClaimCompatibility=true&pageSize={PAGE}"
        )
        for page in range(1, PAGES_LIMIT):
            read_at = self._now()
            data = (await self._calls.get(f"{SELLER}/product-orders?{query}&page={page}")).get("data") or {}
            with readable(self.account):
                rows = data.get("contents") or []
                full = [row["content"] for row in rows if (row.get("content") or {}).get("productOrder")]
                bare = [str(row["productOrderId"]) for row in rows if not (row.get("content") or {}).get("productOrder")]
                follows = has_next(data, page, rows)
            yield full, read_at
            for row, later in (await self._details(bare)).values():
                yield [row], later
            if not follows:
                return
        raise MarketDown(f"{self.account.label}: the pages of a list never end")

    async def _feed(self, start: datetime, end: datetime) -> AsyncIterator[list[Json]]:
        """Follow the feed of changes from page to page until it names no further one."""
        rest = f"lastChangedTo={words.stamp(end)}&limitCount={PAGE}"
        begin = f"lastChangedFrom={words.stamp(start)}"
        seen = {begin}
        for _ in range(PAGES_LIMIT):
            answer = await self._calls.get(f"{SELLER}/product-orders/last-changed-statuses?{begin}&{rest}")
            # Where nothing changed, data is missing or holds no rows: both are seen.
            data = answer.get("data") or {}
            yield data.get("lastChangeStatuses") or []
            more = data.get("more")
            if not more:
                return
            with readable(self.account):
                begin = (
                    f"lastChangedFrom={quote(str(more['moreFrom']), safe=':')}"
                    f"&moreSequence={quote(str(more['moreSequence']), safe='')}"
                )
            if begin in seen:
                break
            seen.add(begin)
        raise MarketDown(f"{self.account.label}: the pages of the feed never end")

    async def _details(self, numbers: Iterable[str]) -> dict[str, tuple[Json, datetime]]:
        """Read product orders in full. Raises MarketDown when one is kept back twice: a change must not be lost."""
        found: dict[str, tuple[Json, datetime]] = {}
        wanted = list(dict.fromkeys(numbers))
        for _ in range(2):
            for batch in batches([number for number in wanted if number not in found], DETAILS):
                read_at = self._now()
                body = {"productOrderIds": batch, "quantityClaimCompatibility": True}
                answer = await self._calls.ask(f"{SELLER}/product-orders/query", body)
                with readable(self.account):
                    found.update({words.identity(row): (row, read_at) for row in answer.get("data") or []})
        missing = [number for number in wanted if number not in found]
        if missing:
            raise MarketDown(f"{self.account.label}: no details of product order {', '.join(missing[:5])} (asked twice)")
        return found

    # -- products, stock and prices

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page of products; with_details costs a call for each product."""
        return await self._goods.products(token, page_size, with_details)

    async def stock(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the quantity of each item, by item_id; what the shop no longer has is left out."""
        options = await self._goods.options(items)
        return {number: option.stock for number, option in options.items() if option.stock is not None}

    async def prices(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the price of each item in whole won, by item_id; what the shop no longer has is left out."""
        options = await self._goods.options(items)
        return {number: option.price for number, option in options.items() if option.price is not None}

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set quantities, those of one product in one call."""
        return await self._goods.push_stock(pushes)

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set prices, those of one product in one call."""
        return await self._goods.push_price(pushes)

    async def acknowledge(self, lines: Sequence[LineKey]) -> list[Sent]:
        """Confirm paid lines: the placed-order check."""
        return await each([
            Work([line.line_id for line in batch], partial(self._confirm, [line.line_id for line in batch]))
            for batch in batches(lines, CONFIRMS)
        ])

    async def _confirm(self, numbers: list[str]) -> list[Sent]:
        answer = await self._calls.write("POST", f"{SELLER}/product-orders/confirm", {"productOrderIds": numbers})
        with readable(self.account):
            data = answer.get("data") or {}
            done = {str(row["productOrderId"]) for row in data.get("successProductOrderInfos") or []}
            refused = {
                str(row["productOrderId"]): f"{row.get('code') or ''} {row.get('message') or ''}".strip()
                for row in data.get("failProductOrderInfos") or []
            }
        return [
            Sent(number, True) if number in done
            else Sent(number, False, refused.get(number, "Naver said nothing of it"), again=number not in refused)
            for number in numbers
        ]
