"""Coupang's products, stock, prices and sales."""

from __future__ import annotations

import re
from datetime import datetime

from handlers.sandbox import catalogue
from handlers.sandbox.answers import Answer, Request, json_answer
from handlers.sandbox.catalogue import Item
from handlers.sandbox.coupang_orders import FIRST_ITEM, FIRST_PRODUCT, PRODUCT_OF_SELLER
from handlers.sandbox.coupang_pages import REPEATED_ROWS, Json, page_size, products_refusal
from handlers.sandbox.shop import Shop

MOST_STOCK = 99_999


class Goods:
    """Answers what is asked about the goods of one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def products(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with one page of products; neither options nor prices nor stock are in it."""
        query = request.query
        if not query.get("vendorId"):
            raise products_refusal("업체코드는 반드시 입력되어야 합니다.")
        if query["vendorId"] != self._shop.state.key("vendor_id"):
            raise products_refusal("업체코드가 올바르지 않습니다.")
        size = page_size(request, 10, 100, products_refusal)
        token = query.get("nextToken") or "1"
        if not token.isdigit() or int(token) < 1:
            raise products_refusal("nextToken is invalid.")
        numbers = self._numbers(query.get("sellerProductName", ""))
        first = (int(token) - 1) * size
        following = str(int(token) + 1) if first + size < len(numbers) else ""
        begin = max(0, first - REPEATED_ROWS) if request.quirk == "repeat_rows" else first
        found = [self._shop.product(number) for number in numbers[begin:first + size]]
        rows = [self._row(goods) for goods in found if goods is not None]
        return json_answer({"code": "SUCCESS", "message": "", "nextToken": following, "data": rows})

    def _numbers(self, named: str) -> list[int]:
        if not named:
            return self._shop.product_numbers()
        return [goods.number for goods in self._shop.products() if named in goods.name]

    def _row(self, goods: catalogue.Goods) -> Json:
        number = FIRST_PRODUCT + goods.number
        return {
            "sellerProductId": number, "sellerProductName": goods.name, "displayCategoryCode": 78000,
            "categoryId": 2000, "productId": number - PRODUCT_OF_SELLER, "vendorId": self._shop.state.key("vendor_id"),
            "mdId": "", "mdName": "", "saleStartedAt": "2026-01-05T00:00:00", "saleEndedAt": "2099-12-31T00:00:00",
            "brand": goods.brand, "statusName": "승인완료", "createdAt": "2026-01-05T10:00:00",
        }

    def product(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with one product and its options."""
        goods = self._shop.product(int(match["product"]) - FIRST_PRODUCT)
        if goods is None:
            raise products_refusal(f"상품 정보가 존재하지 않습니다. [sellerProductId={match['product']}]")
        items = [
            {"sellerProductItemId": FIRST_ITEM + item.number + 10**9, "vendorItemId": FIRST_ITEM + item.number,
             "itemName": item.name, "originalPrice": self._shop.original_price(item), "salePrice": self._shop.price(item),
             "maximumBuyCount": 100, "externalVendorSku": item.sku, "barcode": item.barcode, "images": []}
            for item in goods.items
        ]
        return json_answer({"code": "SUCCESS", "message": "", "data": {**self._row(goods), "items": items}})

    def inventory(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer with stock, price and status of one option."""
        item = self._shop.item(int(match["item"]) - FIRST_ITEM)
        if item is None:
            raise products_refusal(f"유효한 옵션이 없습니다:[vendorItemId={match['item']}]")
        return json_answer({"code": "SUCCESS", "message": "", "data": {
            "sellerItemId": FIRST_ITEM + item.number, "amountInStock": min(self._shop.stock(item, now), MOST_STOCK),
            "salePrice": self._shop.price(item), "onSale": self._shop.on_sale(item)}})

    # -- writes

    def _item(self, match: re.Match[str]) -> Item:
        item = self._shop.item(int(match["item"]) - FIRST_ITEM)
        if item is None:
            raise products_refusal(f"vendoritemid {match['item']} not found")
        return item

    def set_stock(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Set a quantity."""
        item, value = self._item(match), int(match["value"])
        if not 0 <= value <= MOST_STOCK:
            raise products_refusal("유효하지 않은 재고수량입니다.")
        self._shop.set_stock(item, value)
        return json_answer({"code": "SUCCESS", "message": "재고 변경을 완료했습니다."})

    def set_price(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Set a price; unless it is forced, neither less than half nor more than twice the former one."""
        item, value = self._item(match), whole_tens(match["value"])
        with self._shop.state.lock:
            former = self._shop.price(item)
            if request.query.get("forceSalePriceUpdate") != "true" and not former * 0.5 <= value <= former * 2:
                raise products_refusal("판매가 변경은 최대 50% 인하, 최대 100% 인상까지 가능합니다.")
            self._shop.set_price(item, value)
        return json_answer({"code": "SUCCESS", "message": "가격 변경을 완료했습니다.", "data": None})

    def set_original_price(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Set the price that a discount is shown against."""
        self._shop.set_original_price(self._item(match), whole_tens(match["value"]))
        return json_answer({"code": "SUCCESS", "message": "가격 변경을 완료했습니다.", "data": None})

    def set_sale(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Stop or resume selling an option."""
        item = self._item(match)
        if match["value"] == "stop":
            self._shop.stop_sale(item)
        else:
            self._shop.resume_sale(item)
        return json_answer({"code": "SUCCESS", "message": "판매 상태 변경을 완료했습니다.", "data": None})


def whole_tens(text: str) -> int:
    """Read a price. Raises a refusal unless it is a positive number of tens."""
    value = int(text)
    if value % 10 or value <= 0:
        raise products_refusal("판매가는 10원 단위로 입력해 주세요.")
    return value
