"""Coupang WING Open API: signing, reading orders, cancels, returns, products, stock and prices.

Source: developers.coupangcorp.com, articles 360033461914 (signing), 360033919573 and 360033792774 (order sheets),
360033919613 (returns and cancels), 360033645034 (products),
360034156253 (stock), 360034156273 (price), 360033792994 (acknowledge), 25780974599577 (HTTP 403); read in November 2026.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import quote

import httpx

from handlers.markets import coupang_pushes as writes
from handlers.markets import coupang_words as words
from handlers.markets.base import (
    Account,
    AuthFailed,
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
    RateLimited,
    Sent,
    State,
    TooSlow,
    Window,
)
from handlers.markets.http import MarketHttp, credential, gather, read_json, readable
from handlers.markets.reading import KOREA, Json

ORDERS = "/v2/providers/openapi/apis/api"
PRODUCTS = "/v2/providers/seller_api/apis/api/v1/marketplace"
ORDER_PAGE = 50
PRODUCT_PAGE = 100
PAGES_LIMIT = 100_000
EDGE_PAUSE = 300.0
SHORTEST_HALF = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
RETURN_STATUSES = ("RU", "UC", "CC", "PR")
GOOD = {"200", "SUCCESS"}


def sign(access_key: str, secret_key: str, method: str, path: str, query: str, moment: datetime) -> str:
    """Make the Authorization header of one attempt.

    path, query  exactly as they go on the wire; the query without its question mark
    """
    date = moment.astimezone(UTC).strftime("%y%m%dT%H%M%SZ")
    message = f"{date}{method.upper()}{path}{query}"
    signature = hmac.new(secret_key.encode(), message.encode(), hashlib.sha256).hexdigest()
    return f"CEA algorithm=HmacSHA256, access-key={access_key}, signed-date={date}, signature={signature}"


def by_minute(moment: datetime) -> str:
    return moment.astimezone(KOREA).strftime("%Y-%m-%dT%H:%M")


def minutes_around(window: Window) -> tuple[datetime, datetime]:
    """Return the window widened to whole minutes, the finest that Coupang can be asked for."""
    start = window.start.replace(second=0, microsecond=0)
    end = window.end.replace(second=0, microsecond=0)
    return start, end if end == window.end else end + MINUTE


class Coupang:
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
        self.account = account
        self._now = now
        self._budget = budget
        self._vendor = credential(account, "vendor_id", secret)
        self._access_key = credential(account, "access_key", secret)
        self._secret_key = credential(account, "secret_key", secret)
        self._http = MarketHttp(account, budget, self._headers, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    def _headers(self, method: str, wire_target: bytes) -> dict[str, str]:
        path, _, query = wire_target.decode("ascii").partition("?")
        return {
            "Authorization": sign(self._access_key, self._secret_key, method, path, query, datetime.now(UTC)),
            "Content-Type": "application/json;charset=UTF-8",
            "X-Requested-By": self._vendor,
        }

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
            answer = await self._read(target)
        except BadRequest:
            return []
        data = answer.get("data") or []
        return self._lines([(sheet, read_at) for sheet in (data if isinstance(data, list) else [data])])

    def _orders_of_vendor(self, version: str) -> str:
        return f"{ORDERS}/{version}/vendors/{quote(self._vendor, safe='')}"

    async def _sheets_by_minute(self, window: Window) -> list[BoxLine]:
        start, end = minutes_around(window)
        span = f"createdAtFrom={by_minute(start)}%2B09:00&createdAtTo={by_minute(end)}%2B09:00&searchType=timeFrame"
        sheets = []
        try:
            for state in words.STATES:
                read_at = self._now()
                answer = await self._read(f"{self._orders_of_vendor('v5')}/ordersheets?{span}&status={state}")
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
            async for rows, read_at in self._pages(f"{self._orders_of_vendor('v5')}/ordersheets?{query}"):
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
            async for rows, read_at in self._pages(base + query):
                with readable(self.account):
                    for row in rows:
                        row.setdefault("receiptType", "CANCEL" if "CANCEL" in query else "RETURN")
                        found.update({(claim.claim_id, claim.line_id): claim for claim in words.claims(row, read_at)})
        return list(found.values())

    # -- products

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page of products; with_details costs a call for each product and one for each option."""
        query = f"vendorId={quote(self._vendor, safe='')}&maxPerPage={min(page_size, PRODUCT_PAGE)}"
        if token:
            query += f"&nextToken={quote(token, safe='')}"
        read_at = self._now()
        answer = await self._read(f"{PRODUCTS}/seller-products?{query}")
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
        detail = await self._read(f"{PRODUCTS}/seller-products/{quote(product_id, safe='')}")
        items = [item for item in (detail.get("data") or {}).get("items") or [] if item.get("vendorItemId")]
        return tuple([await self._option(item) for item in items])

    async def _option(self, item: Json) -> Option:
        answer = await self._read(f"{self._item(str(item['vendorItemId']))}/inventories")
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
        """Confirm the boxes that hold these lines; all lines of a box share its answer."""
        answers: dict[str, Sent] = {}
        for boxes in writes.batches(lines):
            answers |= await self._acknowledged(boxes, bool(answers))
        return [replace(answers[line.box_id], key=line.line_id) for line in lines]

    async def _acknowledged(self, boxes: list[str], others_done: bool) -> dict[str, Sent]:
        target = f"{self._orders_of_vendor('v4')}/ordersheets/acknowledgement"
        try:
            answer = await self._read(target, "PUT", writes.acknowledgement(self._vendor, boxes))
        except MarketError as error:
            if not others_done:
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
            answer = await self._read(f"{self._item(item_id)}/inventories")
        except writes.Refused:
            return None
        with readable(self.account):
            return words.won((answer.get("data") or {}).get(name))

    async def _put(self, target: str) -> str:
        # The value is absolute, so that a call whose answer was lost may be repeated at once.
        return str((await self._read(target, "PUT")).get("message") or "")

    # -- the envelope

    async def _pages(self, target: str) -> AsyncIterator[tuple[list[Json], datetime]]:
        """Follow nextToken until it is empty, giving rows and the moment they were asked for."""
        token = ""
        for _ in range(PAGES_LIMIT):
            read_at = self._now()
            answer = await self._read(target + (f"&nextToken={quote(token, safe='')}" if token else ""))
            yield answer.get("data") or [], read_at
            former, token = token, str(answer.get("nextToken") or "")
            if not token:
                return
            if token == former:
                break
        raise MarketDown(f"{self.account.label}: the pages of a list never end")

    async def _read(self, target: str, method: str = "GET", content: bytes | None = None) -> Json:
        """Call *target* and return the answer; an expired signature is made anew once."""
        try:
            return await self._http.read(target, self._judge, method, content)
        except _Expired:
            return await self._http.read(target, self._judge, method, content)

    async def _judge(self, response: httpx.Response) -> Json:
        """Return the content of a good answer, or raise what the documents say it means."""
        label = self.account.label
        if response.status_code == 403 and "json" not in response.headers.get("content-type", ""):
            await self._budget.pause(EDGE_PAUSE, "blocked at the edge")
            raise RateLimited(f"{label}: blocked at the edge (HTTP 403 page)", after=EDGE_PAUSE)
        if response.status_code == 404 and "json" not in response.headers.get("content-type", ""):
            raise BadRequest(f"{label}: HTTP 404; check base_url")
        content = read_json(self.account, response)
        message = str(content.get("message") or "")[:300]
        if response.status_code in (401, 403):
            if "expired" in message.lower():
                raise _Expired(f"{label}: {message} Check the clock of this machine")
            raise AuthFailed(f"{label}: HTTP {response.status_code}: {message}")
        if response.status_code != 200 or str(content.get("code")) not in GOOD:
            raise writes.Refused(f"{label}: HTTP {response.status_code}: {message}")
        return content


class _Expired(AuthFailed):
    """The signature came too late; a second one may be in time."""
