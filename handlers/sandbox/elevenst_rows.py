"""What the sandbox 11st shows of a shop's orders, claims and products, row by row, in the field names of its guide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from handlers.sandbox import life
from handlers.sandbox.catalogue import Goods, Item
from handlers.sandbox.elevenst_answers import Fields
from handlers.sandbox.orders import LONGEST_LIFE, Line, Order
from handlers.sandbox.shop import Shop

KOREA = ZoneInfo("Asia/Seoul")
FIRST_PRODUCT = 5_000_000_000
FIRST_ITEM = 30_000_000_000
FIRST_DELIVERY = 700_000_000
FIRST_CLAIM = 8_000_000
PACKED_TOGETHER = 2
"""So many orders in a row share a delivery number, as those of one buyer do."""

LISTS = ("complete", "packaging", "shipping", "shipping", "dlvcompleted", "completed")
"""The list that shows a line, by its stage in life.STAGES."""

CODES = ("202", "301", "401", "401", "501", "901")
NAMES = {"202": "결제완료", "301": "배송준비중", "401": "배송중", "501": "배송완료", "601": "클레임진행중", "901": "구매확정",
         "A01": "반품완료", "B01": "주문취소"}
REQUESTED = {"return": "105", "exchange": "201"}
SETTLED = {"return": "106", "exchange": "221"}


def text_of(moment: datetime) -> str:
    return moment.astimezone(KOREA).strftime("%Y-%m-%d %H:%M:%S")


def order_number(order: Order) -> str:
    return f"{order.ordered_at.astimezone(KOREA):%Y%m%d}{order.number + 1:09d}"


def delivery_number(order: Order) -> int:
    return FIRST_DELIVERY + order.number // PACKED_TOGETHER


def find_order(shop: Shop, number: str) -> Order | None:
    """Return the order of that number, None when it does not show."""
    order = shop.find(int(number[8:]) - 1) if number.isdigit() and len(number) == 17 else None
    return order if order is not None and order_number(order) == number else None


class Rows:
    """Rows of one shop at one moment.

    by_state  the lists after *complete* go by the moment a line came into the state, not by the moment of the order
    """

    def __init__(self, shop: Shop, now: datetime, by_state: bool) -> None:
        self.shop = shop
        self.now = now
        self.by_state = by_state

    def code(self, order: Order, line: Line) -> str:
        """Return the state of a line as 11st writes it."""
        if life.cancelled(order, line, self.now) >= line.quantity:
            return "B01"
        if order.fate in ("return", "exchange") and order.fate_at <= self.now:
            if not life.is_settled(order, self.now):
                return "601"
            return "A01" if order.fate == "return" else "501"
        return CODES[self.shop.stage(order, line, self.now)]

    def came_at(self, order: Order, line: Line) -> datetime:
        """Return when the line came into the state it is in."""
        stage = self.shop.stage(order, line, self.now)
        confirmed = self.shop.acknowledged_at(order, line)
        if stage == 1 and confirmed is not None:
            return min(confirmed, order.passed[0])
        # 11st has one word for sent and on its way, the stages 2 and 3.
        return order.ordered_at if stage == 0 else order.passed[1 if stage == 3 else stage - 1]

    def listed(self, path: str, start: datetime, end: datetime) -> Iterator[Fields]:
        """Give the rows of an order list over ``[start, end)``."""
        by_order = path == "complete" or not self.by_state
        first = start if by_order else start - LONGEST_LIFE
        for order in self.shop.orders(first, end, self.now):
            for line in order.lines:
                moment = order.ordered_at if by_order else self.came_at(order, line)
                if start <= moment < end and self.list_of(order, line) == path:
                    yield self.row(order, line, path)

    def list_of(self, order: Order, line: Line) -> str | None:
        """Name the list that shows the line; None when it is in a claim, or through with one."""
        code = self.code(order, line)
        return LISTS[CODES.index(code)] if code in CODES else None

    def row(self, order: Order, line: Line, path: str) -> Fields:
        """Make a row of an order list; each list leaves out other fields."""
        came = text_of(self.came_at(order, line))
        if path == "shipping":
            return {"dlvEtprsCd": "00034", "invcNo": f"6{order.number:011d}", "ordNo": order_number(order),
                    "ordPrdSeq": line.number, "sndEndDt": came}
        row = self._full_row(order, line)
        if path == "packaging":
            row |= {"plcodrCnfDt": came, "stlPlnAmt": row["ordAmt"]}
        if path == "dlvcompleted":
            row |= {"dlvEndDt": came}
            del row["ordDt"], row["addPrdYn"], row["addPrdNo"]
        if path == "completed":
            row |= {"pocnfrmDt": came}
            for name in ("dlvNo", "prdStckNo", "ordStlEndDt", "selPrc", "addPrdYn", "addPrdNo"):
                del row[name]
        return row

    def _full_row(self, order: Order, line: Line) -> dict[str, object]:
        item, left = line.item, line.quantity - life.cancelled(order, line, self.now)
        wish = "null" if order.number % 5 else "문 앞 (똠양꿍 가게 옆 & 2층)"
        return {
            "ordNo": order_number(order), "ordPrdSeq": line.number, "ordDt": text_of(order.ordered_at),
            "ordStlEndDt": text_of(order.ordered_at + timedelta(seconds=4)), "prdNo": FIRST_PRODUCT + item.product_number,
            "prdNm": item.product_name, "prdStckNo": FIRST_ITEM + item.number,
            "slctPrdOptNm": f"선택:{item.name}-{line.quantity}개", "ordQty": line.quantity, "selPrc": item.price,
            "ordAmt": item.price * left, "ordPayAmt": item.price * left, "sellerDscPrc": 0, "tmallDscPrc": 0,
            "dlvCst": 3000, "dlvCstType": "01", "bndlDlvYN": "Y", "bndlDlvSeq": delivery_number(order) + 1,
            "dlvNo": delivery_number(order), "sellerPrdCd": f"P{item.product_number:04d}", "sellerStockCd": item.sku,
            "ordNm": "홍시험", "memID": "test**", "rcvrNm": "홍시험", "rcvrPrtblNo": "010-0000-0000", "rcvrMailNo": "00000",
            "rcvrBaseAddr": "서울특별시 시험구 시험로 1", "rcvrDtlsAddr": "101호", "ordDlvReqCont": wish,
            "addPrdYn": "N", "addPrdNo": "null" if order.number % 2 else 0, "gblDlvYn": "N",
        }

    def single(self, order: Order, line: Line, address: bool) -> Fields:
        """Make a row of a single read: no times, no prices, a quantity that counts cancels."""
        code, item = self.code(order, line), line.item
        row: dict[str, object] = {
            "dlvNo": delivery_number(order), "ordCnQty": life.cancelled(order, line, self.now), "ordNo": order_number(order),
            "ordPrdSeq": line.number, "ordPrdStatNm": NAMES[code], "ordPrdStat": code, "ordQty": line.quantity,
            "prdNm": item.product_name, "prdNo": FIRST_PRODUCT + item.product_number, "sellerID": "sandbox",
        }
        if address:
            return row | {"rcvrNm": "홍시험", "rcvrBaseAddr": "서울특별시 시험구 시험로 1", "rcvrDtlsAddr": "101호",
                          "rcvrMailNo": "00000", "invcNo": "", "sndEndDt": ""}
        return row | {"sellerStockCd": item.sku}

    def claims(self, kind: str, settled: bool, start: datetime, end: datetime) -> Iterator[Fields]:
        """Give the rows of a claim list; requests by when they were made, what is settled by when it was."""
        for order in self.shop.orders(start - LONGEST_LIFE, end, self.now):
            moment = order.settled_at if settled and kind != "cancel" else order.fate_at
            if life.claim_kind(order) != kind or not start <= moment < end or moment > self.now:
                continue
            # A cancel before dispatch is granted at once; a request that is settled has left the list of requests.
            if settled != (kind == "cancel" or life.is_settled(order, self.now)):
                continue
            for line in life.claimed(order, self.now):
                yield self.cancel(order, line) if kind == "cancel" else self.claim(order, line, kind, settled)

    def cancel(self, order: Order, line: Line) -> Fields:
        return {
            "createDt": text_of(order.fate_at), "dlvNo": delivery_number(order), "ordCnDtlsRsn": "다음에 구매하겠습니다.",
            "ordCnQty": line.cancelled, "ordCnMnbdCd": "01", "ordCnRsnCd": "14", "ordCnStatCd": "02",
            "ordNo": order_number(order), "ordPrdCnSeq": FIRST_CLAIM + order.number * 10 + line.number,
            "ordPrdSeq": line.number, "prdNo": FIRST_PRODUCT + line.item.product_number,
            "slctPrdOptNm": f"{line.item.name}-{line.cancelled}개", "cnTrtEndDt": text_of(order.fate_at),
        }

    def claim(self, order: Order, line: Line, kind: str, settled: bool) -> Fields:
        row = {
            "clmReqCont": "상세내역", "clmReqQty": line.cancelled, "clmReqRsn": "101",
            "clmReqSeq": FIRST_CLAIM + order.number * 10 + line.number,
            "clmStat": (SETTLED if settled else REQUESTED)[kind], "optName": line.item.name, "ordNo": order_number(order),
            "ordPrdSeq": line.number, "prdNo": FIRST_PRODUCT + line.item.product_number, "reqDt": text_of(order.fate_at),
        }
        return row | {"trtEndDt": text_of(order.settled_at)} if settled else row


class GoodsRows:
    """Rows of products and stocks. The product costs what its first item costs; the others carry a surcharge."""

    def __init__(self, shop: Shop, now: datetime) -> None:
        self.shop = shop
        self.now = now

    def price(self, goods: Goods) -> int:
        return self.shop.price(goods.items[0])

    @staticmethod
    def surcharge(goods: Goods, item: Item) -> int:
        return item.price - goods.items[0].price

    def state(self, goods: Goods) -> str:
        """Return 105 for what is taken off display, 104 for what is sold out, else 103."""
        if not self.shop.on_sale(goods.items[0]):
            return "105"
        return "103" if any(self.shop.stock(item, self.now) > 0 for item in goods.items) else "104"

    def row(self, goods: Goods) -> Fields:
        state = self.state(goods)
        return {
            "prdNo": FIRST_PRODUCT + goods.number, "prdNm": goods.name, "selPrc": self.price(goods), "selStatCd": state,
            "selStatNm": {"103": "판매중", "104": "품절", "105": "전시중지"}[state], "sellerPrdCd": self.own_code(goods),
            "dispCtgrNo": 4212, "aplBgnDy": "2026-01-05 00:00:00", "aplEndDy": "2099-12-31 23:59:59", "cuponcheck": "N",
        }

    @staticmethod
    def own_code(goods: Goods) -> str:
        return goods.items[0].sku if len(goods.items) == 1 else f"P{goods.number:04d}"

    def weight(self, item: Item) -> int:
        """Return the weight as it was last written along with a quantity."""
        written = self.shop.state.latest("weight", item.number)
        return 300 + item.number if written is None else int(written["value"])

    def stock(self, goods: Goods, item: Item) -> Fields:
        quantity = self.shop.stock(item, self.now)
        return {
            "addPrc": self.surcharge(goods, item), "mixDtlOptNm": item.name, "mixOptNm": "선택", "mixOptNo": 1,
            "prdNo": FIRST_PRODUCT + goods.number, "prdStckNo": FIRST_ITEM + item.number,
            "prdStckStatCd": "01" if quantity else "02", "selQty": 120, "stckQty": quantity, "optWght": self.weight(item),
            # A product without a choice has its code at the product.
            "sellerStockCd": item.sku if len(goods.items) > 1 else "",
        }
