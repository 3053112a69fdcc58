"""The sandbox Naver's orders: the feed of changes, the list, the details, and the placed-order check."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handlers.sandbox.answers import Answer, Refusal, Request, json_answer
from handlers.sandbox.life import Change
from handlers.sandbox.naver_gate import refusal, stamp
from handlers.sandbox.naver_rows import STATUSES, find_line, order_id, product_order_id, row
from handlers.sandbox.orders import Line, Order
from handlers.sandbox.shop import Shop

MILLISECOND = timedelta(milliseconds=1)
LONGEST_SPAN = timedelta(hours=24)
SLICE = timedelta(minutes=10)
"""How much of the feed is put together at once: a page needs no whole day."""
MOST_ROWS = 300
MOST_CONFIRMS = 30
REPEATED = 3
FILTERS = {"productOrderStatuses": "productOrderStatus", "claimStatuses": "claimStatus",
           "placeOrderStatusType": "placeOrderStatus"}
RANGES = ("PAYED_DATETIME", "ORDERED_DATETIME")
TYPES = {
    "paid": "PAYED", "sent": "DISPATCHED", "completed": "PURCHASE_DECIDED", "cancelled": "CLAIM_COMPLETED",
    "return_requested": "CLAIM_REQUESTED", "returned": "CLAIM_COMPLETED",
    "exchange_requested": "CLAIM_REQUESTED", "exchanged": "CLAIM_COMPLETED",
}
"""What the feed tells of; of the placed-order check and of delivery it does not."""

Json = dict[str, Any]


def bad(message: str, code: str = "4000") -> Refusal:
    return refusal(400, code, message)


def moment(query: dict[str, str], name: str) -> datetime | None:
    """Read a moment of a query in whole milliseconds; refuse one without an offset, or with an offset cut off by a plus."""
    text = query.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise bad(f"잘못된 요청 파라미터: {name}") from None
    if read.tzinfo is None:
        raise bad(f"잘못된 요청 파라미터: {name}")
    return read.replace(microsecond=read.microsecond // 1000 * 1000)


def span(request: Request, first: str, last: str) -> tuple[datetime, datetime]:
    """Read a span whose ends are inclusive and return it half-open."""
    query = request.query if "+" not in request.raw_query else {}
    start = moment(query, first)
    if start is None:
        raise bad(f"필수 파라미터: {first}")
    end = moment(query, last) or start + LONGEST_SPAN
    if end < start or end - start > LONGEST_SPAN:
        raise bad("조회 기간은 24시간 이내여야 합니다.", "104139")
    return start, end + MILLISECOND


def count(query: dict[str, str], name: str, most: int | None, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or int(text) < 1 or (most is not None and int(text) > most):
        raise bad(f"잘못된 요청 파라미터: {name}")
    return int(text)


def numbers_of(request: Request, most: int) -> tuple[list[str], Json]:
    try:
        body = json.loads(request.body)
        numbers = [str(number) for number in body["productOrderIds"]]
    except (ValueError, KeyError, TypeError):
        raise bad("필수 파라미터: productOrderIds") from None
    if not 1 <= len(numbers) <= most:
        raise bad(f"productOrderIds는 1개 이상 {most}개 이하여야 합니다.")
    return numbers, body


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the feed; sorted by moment, then by number."""

    at: str
    number: str
    change: Change

    @property
    def place(self) -> tuple[str, str]:
        return self.at, self.number


def entry_of(change: Change) -> Entry:
    return Entry(stamp(change.moment), product_order_id(change.order, change.line), change)


class NaverOrders:
    """The pay-order API of one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._empty = itertools.count()

    # -- the feed

    def feed(self, request: Request, match: re.Match[str]) -> Answer:
        """Answer what changed; the page after ``more`` begins with the row that the last one ended with."""
        query, now = request.query, self._shop.now()
        start, end = span(request, "lastChangedFrom", "lastChangedTo")
        limit = min(count(query, "limitCount", None, MOST_ROWS), MOST_ROWS)
        entries = self._entries(start, end, now, query, limit + 1)
        if not entries:
            return self._nothing()
        page = entries[:limit]
        data: Json = {"lastChangeStatuses": [self._changed(entry) for entry in page], "count": len(page)}
        if len(entries) > limit:
            data["more"] = {"moreFrom": page[-1].at, "moreSequence": page[-1].number}
        return json_answer({"timestamp": stamp(now), "data": data})

    def _nothing(self) -> Answer:
        """Say that nothing changed in one of the two ways that are known, by turns."""
        data = {"data": {"lastChangeStatuses": [], "count": 0}} if next(self._empty) % 2 else {}
        return json_answer({"timestamp": stamp(self._shop.now()), **data})

    def _entries(self, start: datetime, end: datetime, now: datetime, query: dict[str, str], enough: int) -> list[Entry]:
        """Return the entries that the query asks for, in order; a little more than enough will do."""
        wanted = query.get("lastChangedType")
        first = (stamp(start), query.get("moreSequence", ""))
        found: list[Entry] = []
        end = min(end, now + MILLISECOND)
        while start < end and len(found) < enough:
            cut = min(start + SLICE, end)
            slice_of_it = (entry_of(change) for change in self._shop.changes(start, cut, now) if change.what in TYPES)
            fit = (entry for entry in slice_of_it if wanted in (None, TYPES[entry.change.what]) and entry.place >= first)
            found += sorted(fit, key=lambda entry: entry.place)
            start = cut
        return found

    def _changed(self, entry: Entry) -> Json:
        """Make a row of the feed; its status is that of the change, which the order may have left behind."""
        change = entry.change
        then = self._shop.line_state(change.order, change.line, change.moment)
        return {
            "orderId": order_id(change.order), "productOrderId": entry.number, "lastChangedType": TYPES[change.what],
            "paymentDate": stamp(change.order.ordered_at), "lastChangedDate": entry.at,
            "productOrderStatus": STATUSES[then], "claimType": None, "claimStatus": None,
            "receiverAddressChanged": False, "giftReceivingStatus": None,
        }

    # -- list and details

    def listed(self, request: Request, match: re.Match[str]) -> Answer:
        """Answer the orders paid in a span, page by page."""
        query, now = request.query, self._shop.now()
        start, end = span(request, "from", "to")
        if query.get("rangeType", RANGES[0]) not in RANGES:
            raise bad("잘못된 요청 파라미터: rangeType")
        size, page = count(query, "pageSize", MOST_ROWS, MOST_ROWS), count(query, "page", None, 1)
        wants_some = any(name in query for name in FILTERS)
        new_form = is_new_form(query.get("quantityClaimCompatibility"))
        lines = [
            pair for pair in self._lines(start, end, now)
            if not wants_some or fits(row(self._shop, *pair, now, new_form), query)
        ]
        first = (page - 1) * size
        shown = lines[max(0, first - REPEATED) if request.quirk == "repeat_rows" else first:first + size]
        rows = [row(self._shop, *pair, now, new_form) for pair in shown]
        return json_answer({"timestamp": stamp(now), "data": {
            "contents": [{"productOrderId": each["productOrder"]["productOrderId"], "content": each} for each in rows],
            "pagination": {"page": page, "size": size, "hasNext": first + size < len(lines)}}})

    def _lines(self, start: datetime, end: datetime, now: datetime) -> Iterator[tuple[Order, Line]]:
        for order in self._shop.orders(start, end, now):
            for line in order.lines:
                yield order, line

    def details(self, request: Request, match: re.Match[str]) -> Answer:
        """Answer product orders in full; what is not there is left out."""
        numbers, body = numbers_of(request, MOST_ROWS)
        now = self._shop.now()
        found = [find_line(self._shop, number, now) for number in dict.fromkeys(numbers)]
        return json_answer({"timestamp": stamp(now), "data": [
            row(self._shop, *pair, now, is_new_form(body.get("quantityClaimCompatibility"))) for pair in found if pair]})

    def of_order(self, request: Request, match: re.Match[str]) -> Answer:
        """Answer the numbers of an order's product orders."""
        now = self._shop.now()
        pair = find_line(self._shop, f"{int(match['order']) + 1}", now)
        if pair is None or order_id(pair[0]) != match["order"]:
            raise bad("처리권한이 없는 주문번호를 요청했습니다.", "101010")
        numbers = [product_order_id(pair[0], line) for line in pair[0].lines]
        return json_answer({"timestamp": stamp(now), "data": numbers})

    # -- the placed-order check

    def confirm(self, request: Request, match: re.Match[str]) -> Answer:
        """Confirm paid product orders; what cannot be confirmed is told row by row with status 200."""
        numbers, _ = numbers_of(request, MOST_CONFIRMS)
        done: list[Json] = []
        failed: list[Json] = []
        for place, number in enumerate(numbers):
            is_kept_back = request.quirk == "partial_ack" and place % 2
            fault = ("9999", "잠시 후 다시 시도해 주세요.") if is_kept_back else self._confirm(number)
            if fault is None:
                done.append({"productOrderId": number, "isReceiverAddressChanged": False})
            else:
                failed.append({"productOrderId": number, "code": fault[0], "message": fault[1]})
        return json_answer({"timestamp": stamp(self._shop.now()), "data": {
            "successProductOrderInfos": done, "failProductOrderInfos": failed}})

    def _confirm(self, number: str) -> tuple[str, str] | None:
        with self._shop.state.lock:
            now = self._shop.now()
            pair = find_line(self._shop, number, now)
            if pair is None:
                return "100001", "상품 주문을 찾을 수 없음"
            if self._shop.line_state(*pair, now) != "paid":
                return "9999", "발주 확인을 할 수 있는 상태가 아닙니다."
            self._shop.acknowledge(*pair)
        return None


def is_new_form(value: Any) -> bool:
    return str(value).lower() == "true"


def fits(content: Json, query: dict[str, str]) -> bool:
    """Say whether a row is among those that the query asks for."""
    sold = content["productOrder"]
    return all(sold[field] in query[name].split(",") for name, field in FILTERS.items() if name in query)


