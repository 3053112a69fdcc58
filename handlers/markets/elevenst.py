"""11st seller Open API: reading orders, claims, products, stocks and prices, and the four writes.

Source: pages of openapi.11st.co.kr (OpenApiGuide, numbered by apiSeq) as copied publicly in May 2026, read in November
2026. HTTP 200 is not success here: the code in the body decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar
from urllib.parse import quote

import httpx

from handlers.markets import elevenst_words as words
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
    Option,
    Orders,
    ProductPage,
    Push,
    Sent,
    State,
    Window,
)
from handlers.markets.elevenst_call import ElevenStCall, Missing
from handlers.markets.elevenst_push import push_each, push_price_of, push_stock_of
from handlers.markets.elevenst_words import ORDER_LISTS
from handlers.markets.elevenst_xml import Row, document
from handlers.markets.http import Client, gather, readable

FIRST_ROW = 1
"""The number of a product list's first row: not documented, to be verified on the first live call (doubled or missing rows)."""

PRODUCT_PAGE = 500
LIST_LIMIT = 3000
SINGLE_READS = 100
MINUTE = timedelta(minutes=1)
LONGEST_ORDERS = timedelta(days=7)
LONGEST_CLAIMS = timedelta(days=30)
PRODUCT_STATES = (words.ON_SALE, words.SOLD_OUT)

LineId = tuple[str, str]


def spans(window: Window, longest: timedelta) -> list[tuple[datetime, datetime]]:
    """Cut the window into spans of whole minutes as they are asked for, each at most *longest*.

    Whether the end of a span belongs to it is not documented, so each ends a minute late: what comes twice is folded.
    """
    start = window.start.replace(second=0, microsecond=0)
    end = window.end.replace(second=0, microsecond=0)
    end = end if end == window.end else end + MINUTE
    cut = []
    while start < end:
        stop = min(start + longest - MINUTE, end)
        cut.append((start, stop + MINUTE))
        start = stop
    return cut


class ElevenSt(Client):
    """One shop at 11st.

    secret  resolves a reference of market_accounts.credentials
    now     the database's clock, which stamps what is read
    """

    splits: ClassVar[bool] = False
    # Whether a later list goes by the time of the order or of the state is not documented: by either, these are found.
    open_states: ClassVar[tuple[State, ...]] = ("paid", "confirmed", "shipping", "delivered")

    def __init__(
        self, account: Account, secret: Callable[[str], str], now: Clock, budget: Budget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._call = ElevenStCall(account, secret, budget, transport)
        super().__init__(account, now, self._call)
        self._listed: dict[LineId, BoxLine] = {}

    # -- orders

    async def orders(self, window: Window) -> Orders:
        """Read the lists of all states over the window; cancelled and returned lines stand in *changes*.

        Which time the later lists go by is not documented, so their rows are taken as they come.
        """
        lines: dict[LineId, BoxLine] = {}
        for path, code in ORDER_LISTS:
            unknown = await self._read_list(path, code, window, lines)
            for line in await self._single(sorted({order_id for order_id, _ in unknown})):
                lines[line.order_id, line.line_id] = line
            if missing := unknown - lines.keys():
                named = ", ".join(sorted({order_id for order_id, _ in missing})[:5])
                raise MarketDown(f"{self.account.label}: on their way, but not to be read one by one: {named}")
        return Orders(list(lines.values()), [])

    async def _read_list(self, path: str, code: str, window: Window, lines: dict[LineId, BoxLine]) -> set[LineId]:
        """Fold one list into *lines*, and return the lines of which it does not tell enough."""
        unknown: set[LineId] = set()
        for start, end in spans(window, LONGEST_ORDERS):
            async for found, read_at in self._rows(f"/ordservices/{path}", start, end):
                with readable(self.account):
                    for row in found:
                        line = self._line(row, code, lines.get(words.key(row)), read_at)
                        if line is None:
                            unknown.add(words.key(row))
                        else:
                            lines[words.key(row)] = self._listed[words.key(row)] = line
        return unknown

    @staticmethod
    def _line(row: Row, code: str, known: BoxLine | None, read_at: datetime) -> BoxLine | None:
        """Turn a row into a line; one of *shipping* only moves a line that is known, and is None for any other."""
        if row.get("ordQty") is not None:
            return words.box_line(row, code, read_at)
        return None if known is None else replace(known, state=words.STATES[code], market_state=code, read_at=read_at)

    async def _rows(self, path: str, start: datetime, end: datetime) -> AsyncIterator[tuple[list[Row], datetime]]:
        """Give the rows of a list and the moment they were asked for; a full answer is asked for again in halves."""
        read_at = self._now()
        found = await self._call.rows(f"{path}/{words.by_minute(start)}/{words.by_minute(end)}", "order")
        if len(found) < LIST_LIMIT:
            yield found, read_at
            return
        if end - start <= MINUTE:
            raise BadRequest(f"{self.account.label}: {path} has {LIST_LIMIT} rows or more within a minute")
        middle = start + (end - start) // 2 // MINUTE * MINUTE
        for half in ((start, middle), (middle, end)):
            async for part in self._rows(path, *half):
                yield part

    async def order(self, order_id: str) -> list[BoxLine]:
        """Read one order as it stands now; empty when the market no longer shows it."""
        return await self._single([order_id])

    async def _single(self, order_ids: Sequence[str]) -> list[BoxLine]:
        """Read orders by their numbers, a hundred at a time; prices and times come from lists that were read before."""
        found = []
        for place in range(0, len(order_ids), SINGLE_READS):
            read_at = self._now()
            named = ",".join(quote(order_id, safe="") for order_id in order_ids[place:place + SINGLE_READS])
            listed = await self._call.rows(f"/claimservice/orderlistall/{named}", "order")
            with readable(self.account):
                found += words.single_lines(listed, read_at)
        return [words.filled(line, self._listed.get((line.order_id, line.line_id))) for line in found]

    async def changes(self, window: Window) -> Orders:
        """Read cancels, returns and exchanges, asked for and settled, and the orders they are about."""
        claims: dict[tuple[str, str], Claim] = {}
        for listed in words.CLAIM_LISTS:
            for start, end in spans(window, LONGEST_CLAIMS):
                async for found, read_at in self._rows(f"/claimservice/{listed.path}", start, end):
                    with readable(self.account):
                        # The list of what is settled is read after the requests, so its rows win.
                        for claim in (words.claim(row, listed, read_at) for row in found):
                            claims[claim.claim_id, claim.line_id] = claim
        # A claim tells neither code nor ordered quantity, and its line stands in no list of a state any more.
        lines = await self._single(sorted({claim.order_id for claim in claims.values()}))
        return Orders(lines, list(claims.values()))

    async def acknowledge(self, lines: Sequence[LineKey]) -> list[Sent]:
        """Confirm paid lines, order by order; each is sent once, and after a lost answer its state is read."""
        async def confirm(order_id: str, group: Sequence[LineKey]) -> list[Sent]:
            listed = await self._call.rows(f"/ordservices/complete/{quote(order_id, safe='')}", "order")
            paid = {row.get("ordPrdSeq"): row for row in listed}
            return [await self._confirm(line, paid.get(line.line_id)) for line in group]

        return await push_each(lines, lambda line: line.order_id, lambda line: line.line_id, confirm)

    async def _confirm(self, line: LineKey, row: Row | None) -> Sent:
        if row is None:
            return await self._as_it_stands(line, "is not in the list of paid orders")
        if row.get("dlvNo") is None:
            return Sent(line.line_id, False, f"{self.account.label}: order {line.order_id} has no dlvNo")
        parts = (line.order_id, line.line_id, row.get("addPrdYn") or "N", row.get("addPrdNo") or "null", row["dlvNo"])
        path = "/".join(quote(str(part), safe="") for part in parts)
        try:
            await self._call.write("GET", f"/ordservices/reqpackaging/{path}")
        except (MarketDown, BadRequest) as error:
            # Lines packed together are confirmed together, so a refusal may come after the deed as well.
            return await self._as_it_stands(line, str(error), isinstance(error, MarketDown))
        return Sent(line.line_id, True)

    async def _as_it_stands(self, line: LineKey, why: str, again: bool = False) -> Sent:
        """Answer by the state the line is in now; a GET that writes is never repeated blindly."""
        try:
            found = await self.order(line.order_id)
        except MarketDown as error:
            return Sent(line.line_id, False, f"{why}; its state cannot be read: {error}", again=True)
        state = next((known.state for known in found if known.line_id == line.line_id), None)
        if state in words.CONFIRMED:
            return Sent(line.line_id, True, f"already {state}")
        return Sent(line.line_id, False, f"{why}; it is {state or 'unknown'}", again=again and state == "paid")

    # -- products

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page of the products on sale, then of those sold out; with_details costs a call for each product.

        token  ``state:row``, where the next page begins
        """
        state, _, first = (token or f"{PRODUCT_STATES[0]}:{FIRST_ROW}").partition(":")
        size = max(1, min(page_size, PRODUCT_PAGE))
        start = int(first)
        read_at = self._now()
        body = document("SearchProduct", {"selStatCd": state, "limit": size, "start": start, "end": start + size - 1})
        found = await self._call.rows("/prodmarketservice/prodmarket", "product", "POST", body)
        options: list[tuple[Option, ...] | None] = [None] * len(found)
        if with_details:
            options = list(await gather([partial(self._options, row) for row in found], at_once=4))
        with readable(self.account):
            products = [words.product(row, read_at, its) for row, its in zip(found, options, strict=True)]
        following = PRODUCT_STATES[PRODUCT_STATES.index(state) + 1:]
        if len(found) >= size:
            return ProductPage(products, f"{state}:{start + size}")
        return ProductPage(products, f"{following[0]}:{FIRST_ROW}" if following else None)

    async def _options(self, row: Row) -> tuple[Option, ...]:
        with readable(self.account):
            product_id = words.required(row, "prdNo")
        try:
            stocks = await self._call.stocks(product_id)
        except Missing:
            return ()
        with readable(self.account):
            return words.options(row, stocks)

    async def stock(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the quantity of each item, one call for a product; what the shop no longer has is left out."""
        return await self._by_product(items, self._quantities)

    async def _quantities(self, product_id: str) -> dict[str, int]:
        stocks = await self._call.stocks(product_id)
        with readable(self.account):
            return {words.required(row, "prdStckNo"): words.required_number(row, "stckQty") for row in stocks}

    async def prices(self, items: Sequence[Item]) -> dict[str, int]:
        """Read the price of each item, two calls for a product; what the shop no longer has is left out."""
        return await self._by_product(items, self._prices)

    async def _prices(self, product_id: str) -> dict[str, int]:
        product = await self._call.product(product_id)
        stocks = await self._call.stocks(product_id)
        with readable(self.account):
            return {option.item_id: option.price for option in words.options(product, stocks) if option.price is not None}

    async def _by_product(
        self, items: Sequence[Item], read: Callable[[str], Awaitable[dict[str, int]]]
    ) -> dict[str, int]:
        async def of(product_id: str) -> dict[str, int]:
            try:
                return await read(product_id)
            except Missing:
                return {}

        wanted = {item.item_id for item in items}
        answers = await gather([partial(of, product_id) for product_id in _each(item.product_id for item in items)])
        return {item_id: value for answer in answers for item_id, value in answer.items() if item_id in wanted}

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set quantities; each product's stocks are read just before, for the weights that a write must repeat."""
        return await push_each(pushes, _product_of, _item_of, partial(push_stock_of, self._call))

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set prices. 11st has one price a product, so its items must agree on it after their own surcharges."""
        return await push_each(pushes, _product_of, _item_of, partial(push_price_of, self._call))


def _each(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _product_of(push: Push) -> str:
    return push.item.product_id


def _item_of(push: Push) -> str:
    return push.item.item_id
