"""The products of the sandbox 11st: their list page by page, single reads, stocks, and writes of stock, price and display."""

from __future__ import annotations

import re
from datetime import datetime

from handlers.sandbox import elevenst_answers as xml
from handlers.sandbox.answers import Answer, Refusal, Request
from handlers.sandbox.catalogue import Goods, Item
from handlers.sandbox.elevenst_rows import FIRST_ITEM, FIRST_PRODUCT, GoodsRows
from handlers.sandbox.shop import Shop

PRODUCT_PAGE = 500
MOST_STOCK = 99_999
PRICE_LIMIT = 1_000_000_000


class GoodsDesk:
    """Answers all calls about the products of one shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._shown: dict[str, list[int]] = {}

    def products(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer one page of the product list."""
        asked = xml.request_fields(request.body, "SearchProduct")
        try:
            limit, start, end = int(asked["limit"]), int(asked.get("start", "1")), int(asked.get("end", asked["limit"]))
        except (KeyError, ValueError):
            raise Refusal(xml.client_message("", "limit는 필수입니다.", 400)) from None
        if not 1 <= limit <= PRODUCT_PAGE or start < 1 or end < start:
            raise Refusal(xml.client_message("", "조회 범위가 올바르지 않습니다.", 400))
        shown = self._numbers(asked.get("selStatCd", ""), start == 1, now)
        if asked.get("prdNo"):
            shown = [number for number in shown if str(FIRST_PRODUCT + number) == asked["prdNo"]]
        first = start - 1 - (limit // 2 if request.quirk == "repeat_rows" and start > limit else 0)
        rows = GoodsRows(self.shop, now)
        page = [goods for number in shown[first:min(end, first + limit)] if (goods := self.shop.product(number))]
        return xml.rows_answer("products", "product", [rows.row(goods) for goods in page])

    def _numbers(self, state: str, anew: bool, now: datetime) -> list[int]:
        """Return the products of a state. A first page of what is on sale takes stock of all, so that pages fit together."""
        if not self._shown or (anew and state in ("", "103")):
            rows = GoodsRows(self.shop, now)
            shown: dict[str, list[int]] = {"": [], "103": [], "104": [], "105": []}
            for goods in self.shop.products():
                shown[rows.state(goods)].append(goods.number)
                shown[""].append(goods.number)
            self._shown = shown
        return self._shown.get(state, [])

    def _goods(self, match: re.Match[str]) -> Goods:
        goods = self.shop.product(int(match["product"]) - FIRST_PRODUCT)
        if goods is None:
            raise Refusal(xml.client_message(match["product"], "해당 상품 번호가 없습니다.", 404))
        return goods

    def product(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer one product."""
        row = GoodsRows(self.shop, now).row(self._goods(match))
        return xml.xml_answer(f"<Product>{xml.fields(row)}<ProductTag><tagName>시험</tagName></ProductTag></Product>")

    def stocks(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Answer the stocks of a product's items."""
        goods, rows = self._goods(match), GoodsRows(self.shop, now)
        head = {"prdNm": goods.name, "prdNo": FIRST_PRODUCT + goods.number, "sellerPrdCd": rows.own_code(goods)}
        return xml.rows_answer("ProductStocks", "ProductStock", [rows.stock(goods, item) for item in goods.items], head)

    def set_stock(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Set a quantity, and the weight that comes with it."""
        number = match["item"]
        item = self._item(number)
        asked = xml.request_fields(request.body, "ProductStock")
        values = [asked.get(name, "") for name in ("prdNo", "prdStckNo", "stckQty", "optWght")]
        if not all(value.isdigit() for value in values) or int(values[2]) > MOST_STOCK:
            raise Refusal(xml.client_message(number, "잘못된 요청입니다.", 400))
        if values[0] != str(FIRST_PRODUCT + item.product_number) or values[1] != number:
            raise Refusal(xml.client_message(number, "해당 상품/재고 번호 없음.", 404))
        self.shop.state.write("weight", item.number, now, GoodsRows(self.shop, now).weight(item), int(values[3]))
        self.shop.set_stock(item, int(values[2]))
        text = f"옵션재고 번호 {number}(상품번호:{values[0]})의 수량이 업데이트 되었습니다. 변경된 수량 : {values[2]}"
        return xml.client_message(number, text, 200)

    def _item(self, number: str) -> Item:
        item = self.shop.item(int(number) - FIRST_ITEM)
        if item is None:
            raise Refusal(xml.client_message(number, "해당 상품/재고 번호 없음.", 404))
        return item

    def set_price(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Set the price of a product, within what one change may be."""
        goods, rows = self._goods(match), GoodsRows(self.shop, now)
        former, number = rows.price(goods), match["product"]
        wanted = int(match["price"]) if match["price"].isdigit() else 0
        if not 0 < wanted < PRICE_LIMIT or wanted % 10:
            return xml.client_message(number, "판매가는 10원 단위로 입력하셔야 합니다.", 500)
        if not former * 20 <= wanted * 100 <= former * 150:
            return xml.client_message(number, "판매가는 한번에 50% 인상, 80% 인하까지 가능합니다.", 500)
        for item in goods.items:
            self.shop.set_price(item, wanted + rows.surcharge(goods, item))
        return xml.client_message(number, f"가격이 {wanted}원으로 변경되었습니다.", 200, preSelPrc=former)

    def display(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Take a product off display, or put it back."""
        goods = self._goods(match)
        for item in goods.items:
            (self.shop.stop_sale if match["what"] == "stopdisplay" else self.shop.resume_sale)(item)
        return xml.client_message(match["product"], "상품의 전시 상태가 변경되었습니다.", 200)
