"""The sandbox 11st: order lists by state, claims, single reads, confirmations, products, stocks, prices, display.

Source: section 8 of our notes on 11st, and the pages of its guide that handlers/markets/elevenst_words.py names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from handlers.sandbox import elevenst_answers as xml
from handlers.sandbox.answers import Answer, Refusal, Request
from handlers.sandbox.elevenst_answers import Fields
from handlers.sandbox.elevenst_goods import GoodsDesk
from handlers.sandbox.elevenst_rows import KOREA, Rows, delivery_number, find_order, order_number
from handlers.sandbox.orders import Line, Order
from handlers.sandbox.shop import Shop
from handlers.sandbox.state import State

KEYS = ("openapikey",)
BASE = "/rest"
LIST_LIMIT = 3000
SINGLE_READS = 100
NOTHING = (0, xml.NO_ROWS)
NO_CLAIM = (-1, xml.NO_CLAIMS)


@dataclass(frozen=True, slots=True)
class Faults:
    """The codes a list gives for a bad start, a bad end, and a span that is too long, which is so many days."""

    start: int
    end: int
    span: int
    days: int = 7


CANCEL = Faults(-28007, -28006, -28008, 30)
CLAIM = Faults(-29007, -29006, -29008, 30)
LATE = Faults(-3902, -3903, -3904)
ORDER_FAULTS = {"complete": Faults(-3103, -3104, -3105), "packaging": Faults(-3303, -3304, -3305), "shipping": LATE,
                "dlvcompleted": LATE, "completed": LATE}
CLAIM_LISTS = {"cancelorders": ("cancel", False, CANCEL), "canceledorders": ("cancel", True, CANCEL),
               "returnorders": ("return", False, CLAIM), "returnedorders": ("return", True, CLAIM),
               "exchangeorders": ("exchange", False, CLAIM), "exchangedorders": ("exchange", True, CLAIM)}

Answerer = Callable[[Request, re.Match[str], datetime], Answer]


def open_market(shop: Shop, state: State) -> ElevenSt:
    """Put 11st on top of a shop."""
    return ElevenSt(shop, state)


class ElevenSt:
    """One shop at 11st.

    by_state    the lists after *complete* go by the moment a line came into its state; otherwise by that of the order
    takes_end   a span includes the minute it ends with; neither is documented, and a caller must be right with both
    list_limit  most rows of a list
    """

    quirks: tuple[str, ...] = ("no_prefix", "utf8", "repeat_rows")
    base_path = BASE
    code = "11st"

    def __init__(self, shop: Shop, state: State) -> None:
        self.shop = shop
        self.state = state
        self.by_state = True
        self.takes_end = False
        self.list_limit = LIST_LIMIT
        goods = GoodsDesk(shop)
        self._routes: list[tuple[str, re.Pattern[str], Answerer]] = [
            (method, re.compile(BASE + pattern), answerer) for method, pattern, answerer in (
                ("GET", r"/ordservices/(?P<list>complete|packaging|shipping|dlvcompleted|completed)/"
                        r"(?P<start>[^/]+)/(?P<end>[^/]+)", self._orders),
                ("GET", r"/ordservices/complete/(?P<orders>[^/]+)", self._paid_order),
                ("GET", r"/claimservice/(?P<list>orderlistall|orderlistalladdr)/(?P<orders>[^/]+)", self._single_orders),
                ("GET", rf"/claimservice/(?P<list>{'|'.join(CLAIM_LISTS)})/(?P<start>[^/]+)/(?P<end>[^/]+)", self._claims),
                ("GET", r"/ordservices/reqpackaging/(?P<order>[^/]+)/(?P<line>[^/]+)/(?P<extra>[^/]+)/(?P<extra_no>[^/]+)/"
                        r"(?P<delivery>[^/]+)", self._confirm),
                ("POST", r"/prodmarketservice/prodmarket", goods.products),
                ("GET", r"/prodmarketservice/prodmarket/(?P<product>\d+)", goods.product),
                ("GET", r"/prodmarketservice/prodmarket/stck/(?P<product>\d+)", goods.stocks),
                ("PUT", r"/prodservices/stockqty/(?P<item>\d+)", goods.set_stock),
                ("GET", r"/prodservices/product/price/(?P<product>\d+)/(?P<price>[^/]+)", goods.set_price),
                ("PUT", r"/prodstatservice/stat/(?P<what>stopdisplay|restartdisplay)/(?P<product>\d+)", goods.display),
            )
        ]

    # -- what every market can do

    def now(self) -> datetime:
        return self.shop.now()

    def answer(self, request: Request) -> Answer:
        """Answer a request as 11st does."""
        xml.STYLE.set(xml.Style(prefix=request.quirk != "no_prefix", utf8=request.quirk == "utf8"))
        for method, pattern, answerer in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method and not request.raw_query:
                if request.headers.get("openapikey") != self.state.key("openapikey"):
                    return self._stranger(request.path)
                try:
                    return answerer(request, match, self.now())
                except Refusal as refusal:
                    return refusal.answer
        return xml.auth_message()

    @staticmethod
    def _stranger(path: str) -> Answer:
        if "/reqpackaging/" in path:
            return xml.result_order(-1, f"ERROR : {xml.NO_USER}")
        if path.startswith((f"{BASE}/ordservices", f"{BASE}/claimservice")):
            return xml.list_code(-1, f"주문/클레임 조회 오류 MSG : {xml.NO_USER}")
        return xml.client_message("", xml.NO_USER, 500)

    def truth(self) -> list[dict[str, object]]:
        """Return every line ordered so far, in the scheduler's words."""
        return self.shop.truth(lambda order, line: (order_number(order), str(line.number)))

    def is_token_call(self, request: Request) -> bool:
        return False

    def maintenance(self) -> Answer:
        return xml.list_code(-1000, xml.MAINTENANCE)

    def expired(self) -> Answer:
        return xml.list_code(-1, f"주문/클레임 조회 오류 MSG : {xml.NO_USER}")

    def too_many(self, retry_after: float | None) -> Answer:
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return Answer(429, b"Too Many Requests", {"Content-Type": "text/plain", **headers})

    # -- orders

    def _rows(self, now: datetime) -> Rows:
        return Rows(self.shop, now, self.by_state)

    def _span(self, match: re.Match[str], faults: Faults) -> tuple[datetime, datetime]:
        """Read the two times of a path. Raises Refusal with the code of the list."""
        moments = []
        for name, code in (("start", faults.start), ("end", faults.end)):
            try:
                if not re.fullmatch(r"\d{12}", match[name]):
                    raise ValueError(match[name])
                moments.append(datetime.strptime(match[name], "%Y%m%d%H%M").replace(tzinfo=KOREA))
            except ValueError:
                text = f"{name}_dt의 조회 기간의 포멧('YYYYMMDDHH24:MI')이 올바르지 않습니다."
                raise Refusal(xml.list_code(code, text)) from None
        start, end = moments
        if end < start:
            raise Refusal(xml.list_code(faults.end, "end_dt가 start_dt보다 빠릅니다."))
        if end - start > timedelta(days=faults.days):
            raise Refusal(xml.list_code(faults.span, f"최대 조회기간은 {faults.days}일 입니다."))
        return start, end + timedelta(minutes=1) if self.takes_end else end

    def _bounded(self, rows: Iterator[Fields], quirk: str) -> list[Fields]:
        found = list(islice(rows, self.list_limit))
        return [row for row in found for _ in range(2)][:self.list_limit] if quirk == "repeat_rows" else found

    def _orders(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        start, end = self._span(match, ORDER_FAULTS[match["list"]])
        found = self._bounded(self._rows(now).listed(match["list"], start, end), request.quirk)
        return xml.orders_answer(found, NOTHING)

    def _claims(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        kind, settled, faults = CLAIM_LISTS[match["list"]]
        start, end = self._span(match, faults)
        found = self._bounded(self._rows(now).claims(kind, settled, start, end), request.quirk)
        return xml.orders_answer(found, NO_CLAIM)

    def _paid_order(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        order, rows = find_order(self.shop, match["orders"]), self._rows(now)
        lines = [line for line in order.lines if rows.list_of(order, line) == "complete"] if order else []
        return xml.orders_answer([rows.row(order, line, "complete") for line in lines] if order else [], NOTHING)

    def _single_orders(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        numbers, rows = match["orders"].split(","), self._rows(now)
        if len(numbers) > SINGLE_READS:
            raise Refusal(xml.list_code(-28003, "주문번호의 갯수는 최대 100개 까지만 가능 합니다."))
        address = match["list"] == "orderlistalladdr"
        orders = [order for order in (find_order(self.shop, number) for number in numbers) if order]
        return xml.orders_answer([rows.single(order, line, address) for order in orders for line in order.lines], NO_CLAIM)

    def _confirm(self, request: Request, match: re.Match[str], now: datetime) -> Answer:
        """Confirm a line, and with it the same product in all orders that are packed with it."""
        rows, order = self._rows(now), find_order(self.shop, match["order"])
        line = next((line for line in order.lines if str(line.number) == match["line"]), None) if order else None
        if order is None or line is None or match["delivery"] != str(delivery_number(order)):
            return xml.result_order(-1, "ERROR : 주문 정보가 올바르지 않습니다.")
        if match["extra"] not in ("Y", "N") or match["extra_no"] != str(rows.row(order, line, "complete")["addPrdNo"]):
            return xml.result_order(-1, "ERROR : 추가구성상품 정보가 올바르지 않습니다.")
        code = rows.code(order, line)
        if code == "B01":
            return xml.result_order(-3211, "주문취소된 주문건입니다.")
        if code != "202":
            return xml.result_order(-3206, "이미 발주 처리 되었거나 , 발주 처리할 건이 없습니다.")
        together = [pair for pair in self._packed_with(order, line) if rows.code(*pair) == "202"]
        for each in together:
            self.shop.acknowledge(*each)
        return xml.result_order(0, f"전체 {len(together)}건이 정상적으로 발주처리가 되었습니다.")

    def _packed_with(self, order: Order, line: Line) -> Iterator[tuple[Order, Line]]:
        for number in range(max(0, order.number - 1), order.number + 2):
            other = self.shop.find(number)
            if other is not None and delivery_number(other) == delivery_number(order):
                yield from ((other, its) for its in other.lines if its.item.product_number == line.item.product_number)
