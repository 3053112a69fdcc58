"""The sandbox Naver's products: search, details, and the calls that set stock, price and state."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from handlers.sandbox.answers import Answer, Refusal, Request, json_answer
from handlers.sandbox.catalogue import Goods, Item
from handlers.sandbox.naver_gate import refusal
from handlers.sandbox.naver_rows import CHANNEL, OPTION, ORIGIN
from handlers.sandbox.shop import Shop

MOST_FOUND = 500
MOST_STOCK = 99_999_999
MOST_PRICE = 999_999_990
TYPES = {"SALE_PRICE", "STOCK", "PRODUCT_STATUS_SALE", "PRODUCT_STATUS_SUSPENSION"}

Json = dict[str, Any]


def bad(name: str, message: str) -> Refusal:
    return refusal(400, "BAD_REQUEST", "요청 값이 올바르지 않습니다.", invalidInputs=[
        {"name": name, "type": "INVALID", "message": message}])


def body_of(request: Request) -> Json:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise bad("body", "JSON 객체가 필요합니다.")
    return body


def whole(value: Any, name: str, most: int, step: int = 1, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most or value % step:
        raise bad(name, f"{least} 이상 {most} 이하, {step} 단위의 정수여야 합니다.")
    return value


def price_of(content: Json) -> int:
    sale = content.get("productSalePrice")
    return whole(sale.get("salePrice") if isinstance(sale, dict) else None, "productSalePrice.salePrice", MOST_PRICE, 10, 10)


class NaverGoods:
    """The product API of one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    # -- reading

    def search(self, request: Request, match: re.Match[str]) -> Answer:
        """Answer one page of products."""
        body = body_of(request)
        page, size = body.get("page", 1), whole(body.get("size", 50), "size", MOST_FOUND, least=1)
        whole(page, "page", 10**6, least=1)
        numbers = body.get("originProductNos")
        if numbers is None:
            total = self._shop.goods.size
            found = list(self._shop.goods.products((page - 1) * size + 1, size))
        else:
            known = [goods for number in numbers if (goods := self._shop.product(int(number) - ORIGIN)) is not None]
            total, found = len(known), known[(page - 1) * size:page * size]
        pages = -(-total // size)
        return json_answer({
            "contents": [self._found(goods) for goods in found], "page": page, "size": size, "totalElements": total,
            "totalPages": pages, "first": page == 1, "last": page >= pages})

    def _found(self, goods: Goods) -> Json:
        number = ORIGIN + goods.number
        return {"groupProductNo": None, "originProductNo": number, "channelProducts": [{
            "originProductNo": number, "channelProductNo": CHANNEL + goods.number, "channelServiceType": "STOREFARM",
            "categoryId": "50000000", "name": goods.name, "sellerManagementCode": self._code(goods),
            "statusType": self._status(goods), "channelProductDisplayStatusType": "ON", "salePrice": self._base(goods),
            "discountedPrice": self._base(goods), "stockQuantity": self._stock(goods), "deliveryFee": 3000,
            "wholeCategoryName": "생활/건강", "brandName": goods.brand, "manufacturerName": goods.brand,
            "regDate": "2026-01-05T10:00:00.000+09:00", "modifiedDate": "2026-03-01T12:00:00.000+09:00"}]}

    def origin(self, request: Request, match: re.Match[str]) -> Answer:
        """Answer one product in full."""
        goods = self._goods(int(match["product"]) - (CHANNEL if "channel-products" in request.path else ORIGIN))
        attribute: Json = {"sellerCodeInfo": {"sellerManagementCode": self._code(goods)}}
        if len(goods.items) > 1:
            attribute["optionInfo"] = {
                "optionCombinationGroupNames": {"optionGroupName1": "옵션"}, "optionStandards": [],
                "optionCombinations": [self._option(goods, item) for item in goods.items], "useStockManagement": True}
        else:
            attribute["sellerCodeInfo"]["sellerBarcode"] = goods.items[0].barcode
        return json_answer({
            "originProduct": {
                "statusType": self._status(goods), "saleType": "NEW", "leafCategoryId": "50000000", "name": goods.name,
                "salePrice": self._base(goods), "stockQuantity": self._stock(goods), "detailAttribute": attribute},
            "smartstoreChannelProduct": {"channelProductName": goods.name, "channelProductDisplayStatusType": "ON"}})

    def _option(self, goods: Goods, item: Item) -> Json:
        return {"id": OPTION + item.number, "optionName1": item.name, "stockQuantity": self._shop.stock(item),
                "price": self._shop.price(item) - self._base(goods), "usable": self._is_usable(goods, item),
                "sellerManagerCode": item.sku}

    def _goods(self, number: int) -> Goods:
        goods = self._shop.product(number)
        if goods is None:
            raise refusal(404, "NOT_FOUND", "상품을 찾을 수 없습니다.")
        return goods

    def _code(self, goods: Goods) -> str:
        return goods.items[0].sku if len(goods.items) == 1 else f"GOODS-{goods.number:04d}"

    def _base(self, goods: Goods) -> int:
        return min(self._shop.price(item) for item in goods.items)

    def _stock(self, goods: Goods) -> int:
        return sum(self._shop.stock(item) for item in goods.items)

    def _is_suspended(self, goods: Goods) -> bool:
        return not any(self._shop.on_sale(item) for item in goods.items)

    def _is_usable(self, goods: Goods, item: Item) -> bool:
        return self._shop.on_sale(item) or self._is_suspended(goods)

    def _status(self, goods: Goods) -> str:
        if self._is_suspended(goods):
            return "SUSPENSION"
        return "SALE" if self._stock(goods) else "OUTOFSTOCK"

    # -- writing: all of a body is looked at before any of it is done

    def option_stock(self, request: Request, match: re.Match[str]) -> Answer:
        """Set all options of a product; a value that is left out, and an option that is left out, counts as 0."""
        goods, body = self._goods(int(match["product"]) - ORIGIN), body_of(request)
        rows = self._option_rows(goods, body)
        with self._shop.state.lock:
            base = price_of(body) if "productSalePrice" in body else self._base(goods)
            for item, row in zip(goods.items, rows, strict=True):
                self._set(item, row["stockQuantity"], base + row["price"])
                if row["usable"] != self._is_usable(goods, item):
                    (self._shop.resume_sale if row["usable"] else self._shop.stop_sale)(item)
        return json_answer({"originProductNo": ORIGIN + goods.number})

    def _option_rows(self, goods: Goods, body: Json) -> list[Json]:
        """Read the options of a body, in the order of the product's items."""
        info = body.get("optionInfo")
        if not isinstance(info, dict) or not isinstance(info.get("optionCombinations"), list):
            raise bad("optionInfo", "필수 항목입니다.")
        given = {row.get("id"): row for row in info["optionCombinations"]}
        if len(goods.items) < 2 or not given.keys() <= {OPTION + item.number for item in goods.items}:
            raise bad("optionInfo.optionCombinations.id", "상품의 옵션이 아닙니다.")
        rows = [{"stockQuantity": 0, "price": 0, "usable": True, **given.get(OPTION + item.number, {})} for item in goods.items]
        for row in rows:
            whole(row["stockQuantity"], "optionInfo.optionCombinations.stockQuantity", MOST_STOCK)
            whole(row["price"], "optionInfo.optionCombinations.price", MOST_PRICE)
        if all(row["price"] for row in rows):
            raise bad("optionInfo.optionCombinations.price", "옵션가가 0원인 옵션이 1개 이상 필요합니다.")
        return rows

    def multi_update(self, request: Request, match: re.Match[str]) -> Answer:
        """Set stock, price or state of products; stock only of those without options."""
        rows = body_of(request).get("multiProductUpdateRequestVos")
        if not isinstance(rows, list) or not rows:
            raise bad("multiProductUpdateRequestVos", "필수 항목입니다.")
        deeds = [deed for row in rows for deed in self._deeds(row)]
        with self._shop.state.lock:
            for deed in deeds:
                deed()
        return json_answer({"code": "SUCCESS", "message": "", "data": None})

    def _deeds(self, row: Json) -> list[Callable[[], None]]:
        goods = self._goods(int(row.get("originProductNo", 0)) - ORIGIN)
        types = set(row.get("multiUpdateTypes") or [])
        if not types or not types <= TYPES:
            raise bad("multiUpdateTypes", "지원하지 않는 값입니다.")
        if types & {"STOCK", "SALE_PRICE"} and len(goods.items) > 1:
            raise bad("originProductNo", "옵션이 있는 상품입니다.")
        stock = whole(row.get("stockQuantity"), "stockQuantity", MOST_STOCK) if "STOCK" in types else None
        price = price_of(row) if "SALE_PRICE" in types else None
        deeds: list[Callable[[], None]] = [lambda: self._set(goods.items[0], stock, price)]
        if "PRODUCT_STATUS_SUSPENSION" in types:
            deeds.append(lambda: self._suspend(goods))
        if "PRODUCT_STATUS_SALE" in types:
            deeds.append(lambda: self._resume(goods))
        return deeds

    def change_status(self, request: Request, match: re.Match[str]) -> Answer:
        """Set a product's state, which sets its stock with it."""
        goods, body = self._goods(int(match["product"]) - ORIGIN), body_of(request)
        wanted = body.get("statusType")
        with self._shop.state.lock:
            if wanted == "SUSPENSION":
                self._suspend(goods)
            elif wanted == "OUTOFSTOCK":
                for item in goods.items:
                    self._set(item, 0, None)
            elif wanted == "SALE":
                self._back_on_sale(goods, body)
            else:
                raise bad("statusType", "지원하지 않는 값입니다.")
        return json_answer({})

    def _back_on_sale(self, goods: Goods, body: Json) -> None:
        if not self._stock(goods):
            stock = whole(body.get("stockQuantity"), "stockQuantity", MOST_STOCK, least=1)
            self._set(goods.items[0], stock, None)
        self._resume(goods)

    def _set(self, item: Item, stock: int | None, price: int | None) -> None:
        """Set what differs."""
        if stock is not None and stock != self._shop.stock(item):
            self._shop.set_stock(item, stock)
        if price is not None and price != self._shop.price(item):
            self._shop.set_price(item, price)

    def _suspend(self, goods: Goods) -> None:
        for item in goods.items:
            self._shop.stop_sale(item)

    def _resume(self, goods: Goods) -> None:
        for item in goods.items:
            self._shop.resume_sale(item)
