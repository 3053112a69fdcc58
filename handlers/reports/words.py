"""What a report says in Korean and in English; a word that one language lacks cannot be written here."""

from __future__ import annotations

from typing import Any, Literal

Language = Literal["ko", "en"]

TEXTS: dict[str, tuple[str, str]] = {
    # the report
    "sales": ("매출", "Sales"), "stock": ("재고", "Stock"), "orders": ("주문", "Orders"),
    "title": ("{report} 보고서 · {period}", "{report} report · {period}"),
    "daily": ("일간", "daily"), "weekly": ("주간", "weekly"), "monthly": ("월간", "monthly"),
    "made": ("{moment} 기준 (한국 시간)", "As of {moment} (Korean time)"),
    "markets_only": ("마켓: {markets}", "Markets: {markets}"),
    "provisional": ("잠정 보고서: 아래 기간이 아직 모두 수집되지 않아 숫자가 바뀔 수 있습니다.",
                    "Provisional: the time below is not collected completely, so the figures may change."),
    "gap": ("{shop}: {from_at} ~ {to_at} 수집이 빠져 있습니다", "{shop}: {from_at} to {to_at} is missing"),
    "not_reached": ("{shop}: {from_at} ~ {to_at} 아직 수집하지 않았습니다", "{shop}: {from_at} to {to_at} is not collected yet"),
    "not_reached_back": ("{shop}: {from_at} ~ {to_at} 수집을 시작하기 전입니다",
                         "{shop}: {from_at} to {to_at} lies before the first collection"),
    "not_over": ("{from_at} ~ {to_at} 기간이 아직 끝나지 않았습니다", "{from_at} to {to_at} is still to come"),
    "more_reasons": ("그 밖에 {count}건", "{count} more"),
    "empty_orders": ("이 기간에는 주문이 없습니다.", "There were no orders in this period."),
    "empty_stock": ("판매 중인 품목이 없습니다.", "There are no items on offer."),
    "no_rows": ("해당 없음", "None"), "unknown": ("알 수 없음", "unknown"),
    "rows_left": ("{count}행 더 있습니다. 전체는 스프레드시트에 있습니다.",
                  "{count} more rows; the spreadsheet has all of them."),
    "notes": ("참고", "Notes"), "before": ("전 기간", "Period before"), "change": ("증감", "Change"),
    "this_period": ("이 기간", "This period"), "figure": ("항목", "Figure"), "contents": ("목차", "Contents"),
    "total": ("합계", "Total"), "share": ("비중", "Share"), "others": ("그 외 {count}개 품목", "{count} other items"),
    "no_sku": ("(코드 없음)", "(no code)"), "chart_empty": ("표시할 값이 없습니다", "No values to show"),
    # sheets
    "summary": ("요약", "Summary"), "by_day": ("일별", "By day"), "by_hour": ("시간대별", "By hour"),
    "by_market": ("마켓별", "By market"), "by_state": ("상태별", "By state"), "items": ("품목", "Items"),
    "open_orders": ("오래된 미완료 주문", "Open orders"), "differing": ("마켓 간 재고 차이", "Differing stock"),
    # columns
    "day": ("날짜", "Day"), "hour": ("시각", "Hour"), "market": ("마켓", "Market"), "state": ("상태", "State"),
    "gross": ("총매출", "Gross"), "cancelled_amount": ("취소 금액", "Cancelled"), "returned_amount": ("반품 금액", "Returned"),
    "net": ("순매출", "Net sales"), "net_before": ("전 기간 순매출", "Net before"), "order_count": ("주문 수", "Orders"),
    "line_count": ("품목 줄 수", "Lines"), "units": ("주문 수량", "Units ordered"), "net_units": ("순판매 수량", "Units sold"),
    "cancelled_units": ("취소 수량", "Units cancelled"), "returned_units": ("반품 수량", "Units returned"),
    "held_units": ("취소 요청 수량", "Units held for a cancel"), "average": ("주문당 순매출", "Net per order"),
    "cancel_rate": ("취소율", "Cancel rate"), "return_rate": ("반품률", "Return rate"),
    "cancelled_orders": ("전부 취소된 주문", "Orders cancelled whole"),
    "waiting": ("2일 넘은 미완료 주문", "Open for over 2 days"), "rank": ("순위", "Rank"), "sku": ("품목 코드", "SKU"),
    "name": ("품목 이름", "Name"), "order_id": ("주문 번호", "Order"), "ordered_at": ("주문 시각", "Ordered at"),
    "age": ("경과 일수", "Days old"), "units_open": ("수량", "Units"), "price": ("판매가", "Price"),
    "on_hand": ("재고", "Stock"), "value": ("재고 금액", "Stock value"), "codes": ("품목 수", "Items"),
    "listings": ("등록 수", "Listings"), "low_count": ("부족 (5개 이하)", "Low (5 or fewer)"),
    "unknown_count": ("재고 미상", "Stock unknown"), "sold": ("{days}일 순판매", "Sold in {days} days"),
    "cover": ("소진 예상 일수", "Days of cover"), "differing_count": ("마켓 간 재고가 다른 품목", "Items with differing stock"),
    "difference": ("차이", "Difference"),
    # states
    "paid": ("결제 완료", "Paid"), "confirmed": ("발주 확인", "Confirmed"), "shipping": ("배송 중", "Shipping"),
    "delivered": ("배송 완료", "Delivered"), "completed": ("구매 확정", "Completed"), "exchanged": ("교환", "Exchanged"),
    "returned": ("반품", "Returned"), "cancelled": ("취소", "Cancelled"), "enough": ("충분", "Enough"),
    "low": ("부족", "Low"), "sold_out": ("품절", "Sold out"), "stock_unknown": ("미상", "Unknown"),
    # charts
    "net_by_day": ("일별 순매출", "Net sales by day"), "net_by_hour": ("시간대별 순매출", "Net sales by hour"),
    "orders_by_day": ("일별 주문 수", "Orders by day"), "orders_by_hour": ("시간대별 주문 수", "Orders by hour"),
    "sold_by_day": ("일별 순판매 수량", "Units sold by day"), "net_by_market": ("마켓별 순매출 비중", "Net sales by market"),
    "orders_by_market": ("마켓별 주문 비중", "Orders by market"), "orders_by_state": ("상태별 주문 비중", "Orders by state"),
    "value_by_market": ("마켓별 재고 금액 비중", "Stock value by market"),
    "codes_by_state": ("상태별 품목 비중", "Items by state"),
    "bars_described": ("막대 {count}개. 합계 {total}, 가장 큰 값 {most} ({where}).",
                       "{count} bars. Total {total}, highest {most} ({where})."),
    "shares_described": ("합계 {total}. {parts}.", "Total {total}. {parts}."),
    # footnotes
    "note_days": ("하루는 한국 시간 0시부터이며, 한 주는 월요일부터 일요일까지입니다.",
                  "A day begins at midnight in Korea; a week runs from Monday to Sunday."),
    "note_net": ("순매출 = 단가 × (주문 수량 − 취소 수량 − 반품 수량). 주문한 날의 매출로 셉니다. "
                 "단가를 모르면 금액을 수량으로 나눕니다. 배송비는 포함하지 않습니다.",
                 "Net sales = unit price × (ordered − cancelled − returned), counted on the day of the order. "
                 "Where the unit price is not known, the amount is divided by the quantity. "
                 "Shipping is not included."),
    "note_before": ("전 기간은 모두 수집되지 않아 비교가 정확하지 않을 수 있습니다.",
                    "The period before is not collected completely; the comparison may mislead."),
    "note_unpriced": ("금액을 알 수 없는 주문 품목 {count}줄은 금액에서 빠졌습니다 (수량에는 포함).",
                      "Order lines without a known price: {count}. They are left out of the amounts, not of the units."),
    "note_by_claim": ("취소 목록에서만 확인된 주문 {count}건은 취소 시각을 주문 시각으로 셉니다.",
                      "Orders known from a list of cancels only: {count}. They count at the time of the cancel."),
    "note_state": ("여러 품목이 있는 주문의 상태는 가장 덜 진행된 품목의 상태입니다.",
                   "An order with several lines is as far as the line that is least far."),
    "note_rates": ("취소율과 반품률은 수량 기준입니다.", "Cancel and return rates are by units."),
    "note_waiting": ("미완료 주문: 기간 끝까지 들어온 주문 중 2일이 지나도록 결제 완료, 발주 확인, 배송 중인 주문.",
                     "Open orders: made up to the end of the period, over 2 days old, and still paid, confirmed or shipping."),
    "note_listed": ("오래된 순서로 {count}건만 나열했습니다.", "Only the oldest {count} are listed."),
    "note_stock": ("재고와 판매가는 보고서를 만든 시점의 값이며, 마켓에서 가장 오래전에 읽은 값은 {moment} 기준입니다.",
                   "Stock and prices are those known when the report was made; the oldest was read at {moment}."),
    "note_cover": ("소진 예상 일수 = 재고 ÷ 하루 평균 순판매 ({first} ~ {last}, {days}일).",
                   "Days of cover = stock ÷ mean daily units sold ({first} to {last}, {days} days)."),
    "note_offered": ("더 이상 판매하지 않는 품목의 판매는 일별 합계에만 들어갑니다.",
                     "Sales of items that are no longer on offer count in the days only."),
    "note_uncounted": ("재고를 알 수 없는 등록 상품 {count}개는 재고에서 빠졌습니다.",
                       "Listings with unknown stock: {count}. They are left out."),
    "note_stock_unpriced": ("판매가를 알 수 없는 등록 상품 {count}개는 재고 금액에서 빠졌습니다.",
                            "Listings with stock but no known price: {count}. They are left out of the value."),
}
MARKETS = {"coupang": ("쿠팡", "Coupang"), "naver": ("네이버", "Naver"), "11st": ("11번가", "11st")}
WEEKDAYS = ("월화수목금토일", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.place = 0 if language == "ko" else 1

    def __call__(self, key: str, **values: Any) -> str:
        return TEXTS[key][self.place].format(**values)

    def shop(self, market_code: str, account: str) -> str:
        """Name a shop: its market, and its account where that is not the only one."""
        name = MARKETS.get(market_code, (market_code, market_code))[self.place]
        return name if account == "default" else f"{name} ({account})"
