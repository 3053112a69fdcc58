"""Naver's products: reading them with their options, and setting stock and prices without touching what was not named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from handlers.markets import naver_origin as origin
from handlers.markets.base import Account, BadRequest, Clock, Item, Option, Product, ProductPage, Push, Sent
from handlers.markets.http import gather, readable
from handlers.markets.naver_calls import Calls, Json, NotThere
from handlers.markets.naver_pushes import Work, each

PRODUCTS = "/v1/products"
ORIGINS = "/v1/products/origin-products"
LARGEST_PAGE = 500
TOGETHER = 20
GONE = "the shop no longer has it"


def by_product(pushes: Iterable[Push]) -> dict[str, list[Push]]:
    found: defaultdict[str, list[Push]] = defaultdict(list)
    for push in pushes:
        found[push.item.product_id].append(push)
    return found


def is_whole(item: Item) -> bool:
    """Say whether the item is a product without options: it has the product's own number."""
    return item.item_id == item.product_id


class Goods:
    """The products of one account."""

    def __init__(self, account: Account, calls: Calls, now: Clock) -> None:
        self._account = account
        self._calls = calls
        self._now = now

    # -- reading

    async def products(self, token: str | None, page_size: int, with_details: bool) -> ProductPage:
        """Read one page. token: the number of the page."""
        page, read_at = int(token or 1), self._now()
        body = {"page": page, "size": min(page_size, LARGEST_PAGE), "orderType": "NO"}
        answer = await self._calls.ask(f"{PRODUCTS}/search", body)
        with readable(self._account):
            rows = [row for row in answer.get("contents") or [] if origin.is_sold(row)]
            numbers = [str(row["originProductNo"]) for row in rows]
            follows = not answer.get("last", False) and page < int(answer["totalPages"])
        details: list[Json | None] = [None] * len(rows)
        if with_details:
            details = await gather([partial(self._origin, number) for number in numbers], at_once=4)
        with readable(self._account):
            found = [
                self._product(row, read_at, detail) for row, detail in zip(rows, details, strict=True)
                # Deleted between the two calls: the next pass will not see it either.
                if detail is not None or not with_details
            ]
        return ProductPage(found, str(page + 1) if follows else None)

    @staticmethod
    def _product(row: Json, read_at: Any, detail: Json | None) -> Product:
        options = None if detail is None else tuple(origin.options(str(row["originProductNo"]), detail))
        return origin.product(row, read_at, options)

    async def _origin(self, product_id: str) -> Json | None:
        """Read one product in full; None when the shop no longer has it."""
        try:
            answer = await self._calls.get(f"/v2/products/origin-products/{quote(product_id, safe='')}")
        except NotThere:
            return None
        with readable(self._account):
            return dict(answer["originProduct"])

    async def options(self, items: Sequence[Item]) -> dict[str, Option]:
        """Read the items as they stand, by item_id, a call for each product."""
        wanted = {item.item_id for item in items}
        numbers = list(dict.fromkeys(item.product_id for item in items))
        found = await gather([partial(self._origin, number) for number in numbers], at_once=4)
        with readable(self._account):
            return {
                option.item_id: option
                for number, detail in zip(numbers, found, strict=True) if detail is not None
                for option in origin.options(number, detail) if option.item_id in wanted
            }

    # -- writing

    async def push_stock(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set quantities."""
        refused, fit = _sorted_out(pushes, origin.stock_fault)
        return refused + await each([
            *(Work(_keys(batch), partial(self._update, batch, "STOCK")) for batch in _together(fit)),
            *(Work(_keys(of_one), partial(self._option_stock, product_id, of_one)) for product_id, of_one in _apart(fit)),
        ])

    async def push_price(self, pushes: Sequence[Push]) -> list[Sent]:
        """Set prices."""
        refused, fit = _sorted_out(pushes, origin.price_fault)
        return refused + await each([
            *(Work(_keys(batch), partial(self._update, batch, "SALE_PRICE")) for batch in _together(fit)),
            *(Work(_keys(of_one), partial(self._option_price, product_id, of_one)) for product_id, of_one in _apart(fit)),
        ])

    async def _update(self, pushes: list[Push], what: str) -> list[Sent]:
        """Set products without options, several at once; when that is refused, one by one, to know which."""
        body = {"multiProductUpdateRequestVos": [origin.update(push, what) for push in pushes]}
        try:
            await self._calls.write("PATCH", f"{ORIGINS}/multi-update", body)
        except BadRequest:
            if len(pushes) == 1:
                raise
            return await each([Work(_keys([push]), partial(self._update, [push], what)) for push in pushes])
        return [Sent(push.item.item_id, True) for push in pushes]

    async def _option_stock(self, product_id: str, pushes: list[Push]) -> list[Sent]:
        # Between reading and writing an order may take from another option: as little time as can be lies between.
        detail = await self._origin(product_id)
        with readable(self._account):
            known = origin.stocks(detail)
            there = {push.item.item_id: push.value for push in pushes if push.item.item_id in known}
            body = origin.stock_body(detail, there) if detail is not None and there else None
        return await self._write_options(product_id, pushes, known, body)

    async def _option_price(self, product_id: str, pushes: list[Push]) -> list[Sent]:
        detail = await self._origin(product_id)
        with readable(self._account):
            known = origin.prices(detail)
            there = {push.item.item_id: push.value for push in pushes if push.item.item_id in known}
            body = origin.price_body(detail, there) if detail is not None and there else None
        return await self._write_options(product_id, pushes, known, body)

    async def _write_options(
        self, product_id: str, pushes: list[Push], known: dict[str, int], body: Json | None
    ) -> list[Sent]:
        if body is not None:
            await self._calls.write("PUT", f"{ORIGINS}/{quote(product_id, safe='')}/option-stock", body)
        return [
            Sent(push.item.item_id, True, former=known[push.item.item_id]) if push.item.item_id in known
            else Sent(push.item.item_id, False, GONE)
            for push in pushes
        ]


def _sorted_out(pushes: Sequence[Push], fault: origin.Fault) -> tuple[list[Sent], list[Push]]:
    """Keep back what Naver would refuse, so that it does not take others with it."""
    faults = [(push, fault(push.value)) for push in pushes]
    refused = [Sent(push.item.item_id, False, text) for push, text in faults if text]
    return refused, [push for push, text in faults if not text]


def _together(pushes: Sequence[Push]) -> list[list[Push]]:
    whole = [push for push in pushes if is_whole(push.item)]
    return [whole[first:first + TOGETHER] for first in range(0, len(whole), TOGETHER)]


def _apart(pushes: Sequence[Push]) -> list[tuple[str, list[Push]]]:
    return list(by_product(push for push in pushes if not is_whole(push.item)).items())


def _keys(pushes: Sequence[Push]) -> list[str]:
    return [push.item.item_id for push in pushes]
