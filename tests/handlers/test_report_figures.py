"""Every figure in the spreadsheets equals what independent SQL says about the same days."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from handlers.report_generation import generate_report
from tests.handlers.report_month import END, EVIL, KOREA, START, a_context, collected, fill
from tests.support.cluster import Cluster

SPANS = {
    "daily": ("2025-03-31 00:00+09", "2025-04-01 00:00+09", "2025-03-30 00:00+09"),
    "weekly": ("2025-03-24 00:00+09", "2025-03-31 00:00+09", "2025-03-17 00:00+09"),
    "monthly": ("2025-03-01 00:00+09", "2025-04-01 00:00+09", "2025-02-01 00:00+09"),
}
PERIODS = tuple(SPANS)

# Written another way than the report's: each line's won first, with CASE, then plain sums.
FACTS = """
CREATE VIEW facts AS
SELECT o.market_code AS market, o.account, o.order_id, o.ordered_at,
       to_char(o.ordered_at AT TIME ZONE 'UTC' + interval '9 hours', 'YYYY-MM-DD') AS day,
       extract(hour FROM o.ordered_at AT TIME ZONE 'UTC' + interval '9 hours')::int AS hour, i.name,
       CASE WHEN trim(coalesce(i.sku, '')) = '' THEN NULL ELSE i.sku END AS sku, i.state,
       i.quantity AS q, i.cancelled_quantity AS c, i.held_quantity AS h,
       CASE WHEN i.returned_quantity > i.quantity - i.cancelled_quantity THEN i.quantity - i.cancelled_quantity
            ELSE i.returned_quantity END AS r,
       CASE WHEN i.unit_price IS NOT NULL THEN i.unit_price * i.quantity
            WHEN i.amount IS NOT NULL THEN i.amount ELSE 0 END AS gross,
       CASE WHEN i.unit_price IS NOT NULL THEN i.unit_price * i.cancelled_quantity
            WHEN i.amount IS NOT NULL THEN round(i.amount * i.cancelled_quantity / i.quantity::numeric)::bigint ELSE 0
       END AS cancelled, i.unit_price, i.amount, i.returned_quantity, i.quantity, i.cancelled_quantity
  FROM erp.order_items i, erp.orders o
 WHERE i.market_code = o.market_code AND i.account = o.account AND i.order_id = o.order_id;
CREATE VIEW lines AS
SELECT *, CASE WHEN unit_price IS NOT NULL THEN unit_price * r
               WHEN amount IS NOT NULL THEN round(amount * r / quantity::numeric)::bigint ELSE 0 END AS returned
  FROM facts;
"""
SUMS = """count(DISTINCT market || account || order_id), sum(q - c - r)::bigint, sum(gross)::bigint, sum(cancelled)::bigint,
          sum(returned)::bigint, sum(gross - cancelled - returned)::bigint"""
NAMES = {"coupang": "쿠팡", "naver": "네이버", "11st": "11번가"}
WHERE = "ordered_at >= %s::timestamptz AND ordered_at < %s::timestamptz"
Sheets = dict[str, list[tuple[Any, ...]]]
Maker = Callable[..., tuple[dict[str, Any], Sheets]]


@pytest.fixture(scope="module")
def month(cluster: Cluster, template: str) -> Iterator[str]:
    """Give the DSN of a database with two months in it, for tests that only read."""
    cluster.start()
    name = cluster.create(template)
    with psycopg.connect(cluster.dsn(name), autocommit=True) as connection:
        fill(connection)
        collected(connection, START, END)
        connection.execute(FACTS)  # type: ignore[arg-type]
    yield cluster.dsn(name)
    cluster.drop(name)


@pytest.fixture
def ask(month: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    with psycopg.connect(month, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values).fetchall()


@pytest.fixture
def make(month: str, tmp_path: Path) -> Maker:
    """Give a function that makes a report and reads its spreadsheet with another program."""

    def made(report: str, period: str, language: str = "ko", markets: list[str] | None = None) -> tuple[dict[str, Any], Sheets]:
        with a_context(month, tmp_path, markets=markets) as (context, _):
            result = generate_report(context, report, period, None, language, ("xlsx",))  # type: ignore[arg-type]
        book = openpyxl.load_workbook(io.BytesIO(Path(result["artefacts"][0]["path"]).read_bytes()))
        return result, {sheet.title: [tuple(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}

    return made


def shop_name(market: str, account: str) -> str:
    return NAMES[market] if account == "default" else f"{NAMES[market]} ({account})"


def tiles(sheets: Sheets, first: str = "요약") -> dict[str, tuple[Any, Any, Any]]:
    rows = sheets[first]
    head = next(number for number, row in enumerate(rows) if row[0] in ("항목", "Figure"))
    body = []
    for row in rows[head + 1:]:
        if row[0] is None:
            break
        body.append(row)
    return {row[0]: (*row[1:4], *([None] * (4 - len(row[:4])))) for row in body}


@pytest.mark.parametrize("period", PERIODS)
def test_the_sums_of_sales_and_of_the_period_before_are_right(period: str, make: Maker, ask: Any) -> None:
    result, sheets = make("sales", period)

    start, end, earlier = SPANS[period]
    orders, units, gross, cancelled, returned, net = ask(f"SELECT {SUMS} FROM lines WHERE {WHERE}", start, end)[0]
    before = ask(f"SELECT {SUMS} FROM lines WHERE {WHERE}", earlier, start)[0]
    shown = tiles(sheets)
    assert [shown[name][0] for name in ("주문 수", "순판매 수량", "총매출", "취소 금액", "반품 금액", "순매출")] == [
        orders, units, gross, cancelled, returned, net]
    assert [shown[name][1] for name in ("주문 수", "순판매 수량", "총매출", "취소 금액", "반품 금액", "순매출")] == list(before)
    assert shown["순매출"][2] == pytest.approx((net - before[-1]) / before[-1])
    assert shown["주문당 순매출"][0] == round(net / orders)
    unpriced, lines, quantity = ask(
        "SELECT count(*) FILTER (WHERE unit_price IS NULL AND amount IS NULL), count(*), sum(q)::bigint "
        f"FROM lines WHERE {WHERE}", start, end)[0]
    assert result["totals"] == {
        "gross": gross, "cancelled": cancelled, "returned": returned, "net": net, "orders": orders, "lines": lines,
        "units": quantity, "net_units": units, "unpriced_lines": unpriced, "net_before": before[-1],
        "net_change": pytest.approx((net - before[-1]) / before[-1]),
    }
    assert gross > net > 0 and cancelled > 0 and returned > 0 and unpriced > 0
    assert any(f"{unpriced}줄" in str(row[0]) for row in sheets["요약"])


@pytest.mark.parametrize("period", PERIODS)
def test_each_day_or_hour_of_sales_is_right(period: str, make: Maker, ask: Any) -> None:
    _, sheets = make("sales", period)

    start, end, _ = SPANS[period]
    if period == "daily":
        rows = sheets["시간대별"]
        found = {row[0]: row[1:] for row in ask(f"SELECT hour, {SUMS} FROM lines WHERE {WHERE} GROUP BY 1", start, end)}
        expected = [(datetime(2025, 3, 31, hour), *found.get(hour, (0,) * 6)) for hour in range(24)]
    else:
        rows = sheets["일별"]
        expected = [
            (datetime.fromisoformat(day), *figures)
            for day, *figures in ask(f"SELECT day, {SUMS} FROM lines WHERE {WHERE} GROUP BY day ORDER BY day", start, end)
        ]
        assert len(expected) == {"weekly": 7, "monthly": 31}[period]
    assert rows[1:-1] == expected
    assert rows[-1] == ("합계", *ask(f"SELECT {SUMS} FROM lines WHERE {WHERE}", start, end)[0])


@pytest.mark.parametrize("period", PERIODS)
def test_each_shop_of_sales_is_right(period: str, make: Maker, ask: Any) -> None:
    _, sheets = make("sales", period)

    start, end, earlier = SPANS[period]
    by_shop = f"SELECT market, account, {SUMS} FROM lines WHERE {WHERE} GROUP BY 1, 2 ORDER BY 1, 2"
    before = {(market, account): net for market, account, *_, net in ask(by_shop, earlier, start)}
    whole = ask(f"SELECT {SUMS} FROM lines WHERE {WHERE}", start, end)[0][-1]
    expected = [
        (shop_name(market, account), *figures, pytest.approx(figures[-1] / whole), before[market, account],
         pytest.approx(figures[-1] / before[market, account] - 1))
        for market, account, *figures in ask(by_shop, start, end)
    ]
    assert sheets["마켓별"][1:-1] == expected and len(expected) == 4
    assert sheets["마켓별"][-1][6] == whole and sheets["마켓별"][-1][8] == sum(before.values())


def test_the_best_twenty_items_and_the_others_add_up(make: Maker, ask: Any) -> None:
    _, sheets = make("sales", "monthly")

    start, end, _ = SPANS["monthly"]
    items = ask(
        f"SELECT coalesce(sku, '(코드 없음)'), max(name), {SUMS} FROM lines WHERE {WHERE} "
        "GROUP BY sku, CASE WHEN sku IS NULL THEN name END ORDER BY sum(gross - cancelled - returned) DESC, sku", start, end)
    rows = sheets["품목"]
    assert [(row[0], row[1], *row[3:8]) for row in rows[1:21]] == [
        (rank, item[0], *item[3:8]) for rank, item in enumerate(items[:20], start=1)]
    assert rows[21][2] == f"그 외 {len(items) - 20}개 품목"
    assert [rows[21][column] for column in range(3, 8)] == [sum(item[column] for item in items[20:]) for column in range(3, 8)]
    assert rows[22][3:8] == ask(f"SELECT {SUMS} FROM lines WHERE {WHERE}", start, end)[0][1:]
    assert rows[22][8] == 1


@pytest.mark.parametrize("period", PERIODS)
def test_the_orders_by_state_shop_and_day_are_right(period: str, make: Maker, ask: Any) -> None:
    result, sheets = make("orders", period)

    start, end, _ = SPANS[period]
    words = ("결제 완료", "발주 확인", "배송 중", "배송 완료", "구매 확정", "교환", "반품", "취소")
    states = ("paid", "confirmed", "shipping", "delivered", "completed", "exchanged", "returned", "cancelled")
    least = " ".join(f"WHEN bool_or(state = '{state}') THEN '{state}'" for state in states)
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for market, account, state, number in ask(
        f"SELECT market, account, state, count(*) FROM (SELECT market, account, order_id, CASE {least} END AS state FROM lines "
        f"WHERE {WHERE} GROUP BY 1, 2, 3) AS one GROUP BY 1, 2, 3", start, end):
        counted.setdefault((market, account), {})[state] = number
    expected = [
        (shop_name(market, account), orders, *(counted[market, account].get(state, 0) for state in states),
         pytest.approx(c / q), pytest.approx(r / q))
        for market, account, orders, q, c, r in ask(
            "SELECT market, account, count(DISTINCT order_id), sum(q)::float, sum(c)::float, sum(r)::float FROM lines "
            f"WHERE {WHERE} GROUP BY 1, 2 ORDER BY 1, 2", start, end)
    ]
    assert sheets["마켓별"][1:-1] == expected
    in_states = {state: sum(shop.get(state, 0) for shop in counted.values()) for state in states}
    assert sheets["마켓별"][-1][1:10] == (sum(in_states.values()), *in_states.values())
    assert [row[:2] for row in sheets["상태별"][1:-1]] == list(zip(words, in_states.values(), strict=True))
    assert result["totals"]["states"] == in_states
    held = ask(f"SELECT sum(h)::bigint FROM lines WHERE {WHERE}", start, end)[0][0]
    assert result["totals"]["held_units"] == held == tiles(sheets)["취소 요청 수량"][0]
    by_day = "hour" if period == "daily" else "day"
    days = ask(
        f"SELECT {by_day}, count(DISTINCT market || account || order_id), count(*), sum(q)::bigint, sum(c)::bigint, "
        "sum(r)::bigint "
        f"FROM lines WHERE {WHERE} GROUP BY 1 ORDER BY 1", start, end)
    rows = sheets["시간대별" if period == "daily" else "일별"]
    assert [row[1:6] for row in rows[1:-1] if row[1]] == [day[1:] for day in days]
    assert rows[-1][1:] == (*(sum(day[column] for day in days) for column in range(1, 6)), in_states["cancelled"])


def test_orders_that_wait_for_more_than_two_days_are_listed_oldest_first(make: Maker, ask: Any) -> None:
    result, sheets = make("orders", "daily")

    waiting = ask(
        "SELECT order_id, to_char(ordered_at AT TIME ZONE 'Asia/Seoul', 'YYYY-MM-DD HH24:MI'), count(*), sum(q - c)::bigint "
        "FROM lines WHERE state = ANY ('{paid,confirmed,shipping}') AND ordered_at < '2025-04-01 00:00+09' "
        "GROUP BY market, account, order_id, ordered_at ORDER BY ordered_at, market, account, order_id")
    rows = sheets["오래된 미완료 주문"]
    assert result["totals"]["waiting"] == len(waiting) > 1000 == len(rows) - 1
    assert [(row[1], row[2].strftime("%Y-%m-%d %H:%M"), row[5], row[6]) for row in rows[1:]] == waiting[:1000]
    assert any("1000건만" in str(row[0]) for row in sheets["요약"])


def test_stock_value_states_and_days_of_cover_are_right(make: Maker, ask: Any) -> None:
    result, sheets = make("stock", "daily")

    offered = """
        SELECT market_code, account, coalesce(sku, '(코드 없음)') AS sku, sum(stock)::bigint AS stock, min(price) AS price,
               sum(CASE WHEN stock IS NULL OR price IS NULL THEN 0 ELSE stock * price END)::bigint AS value
          FROM erp.market_items GROUP BY market_code, account, 3"""
    sold = {
        (market, account, sku): units for market, account, sku, units in ask(
            "SELECT market, account, sku, sum(q - c - r)::bigint FROM lines WHERE sku IS NOT NULL AND "
            "ordered_at >= '2025-03-04 00:00+09' AND ordered_at < '2025-04-01 00:00+09' GROUP BY 1, 2, 3")}
    expected = {}
    for market, account, sku, stock, price, value in ask(offered):
        units = sold.get((market, account, sku), 0)
        cover = None if stock is None or not units else pytest.approx(stock / (units / 28))
        valued = stock is not None and (price is not None or stock == 0)
        expected[shop_name(market, account), sku] = (stock, price, value if valued else None, units, cover)
    rows = sheets["품목"]
    assert {(row[2], row[0]): row[4:9] for row in rows[1:-1]} == expected and len(rows) - 2 == len(expected)
    stocks = [stock for stock, *_ in expected.values()]
    totals = result["totals"]
    assert totals["units"] == sum(stock or 0 for stock in stocks) == rows[-1][4] == sheets["마켓별"][-1][3]
    assert totals["value"] == sum(one[2] or 0 for one in expected.values()) == rows[-1][6] == sheets["마켓별"][-1][4]
    assert totals["sold_out"] == stocks.count(0) == tiles(sheets)["품절"][0] > 0
    assert totals["low"] == sum(1 for stock in stocks if stock and stock <= 5) == tiles(sheets)["부족 (5개 이하)"][0]
    assert totals["unknown"] == stocks.count(None) == 4
    assert totals["sold"] == sum(one[3] for one in expected.values()) and totals["sold_days"] == 28
    assert totals["days_of_cover"] == pytest.approx(totals["units"] / (totals["sold"] / 28))
    assert [row[3] for row in rows[1:-1]].index("부족") == totals["sold_out"], "what is sold out stands first"
    days = ask("SELECT day, sum(q - c - r)::bigint FROM lines WHERE ordered_at >= '2025-03-04 00:00+09' GROUP BY 1 ORDER BY 1")
    assert [(f"{row[0]:%Y-%m-%d}", row[4]) for row in sheets["일별"][1:-1]] == days


def test_items_whose_stock_differs_between_shops_are_listed(make: Maker, ask: Any) -> None:
    result, sheets = make("stock", "daily")

    apart = ask(
        "SELECT sku, max(stock) - min(stock) FROM (SELECT market_code, account, sku, sum(stock)::bigint AS stock "
        "FROM erp.market_items WHERE sku IS NOT NULL GROUP BY 1, 2, 3) AS one "
        "GROUP BY sku HAVING min(stock) <> max(stock) ORDER BY sku")
    rows = sheets["마켓 간 재고 차이"]
    assert rows[0] == ("품목 코드", "품목 이름", "11번가", "쿠팡", "네이버", "네이버 (second)", "차이")
    assert [(row[0], row[-1]) for row in rows[1:]] == apart
    assert result["totals"]["differing"] == len(apart) > 10
    assert "SKU-009" not in {row[0] for row in rows}


def test_a_job_for_one_market_reports_on_that_market_only(make: Maker, ask: Any) -> None:
    result, sheets = make("sales", "monthly", markets=["naver"])

    start, end, _ = SPANS["monthly"]
    net = ask(f"SELECT {SUMS} FROM lines WHERE {WHERE} AND market = 'naver'", start, end)[0][-1]
    assert result["totals"]["net"] == net
    assert [row[0] for row in sheets["마켓별"][1:]] == ["네이버", "네이버 (second)", "합계"]
    assert result["artefacts"][0]["name"] == "sales_2025-03-01_ko_naver.xlsx"
    assert "마켓: 네이버" in sheets["요약"][1][0]


@pytest.mark.parametrize("report", ["sales", "orders", "stock"])
def test_names_stay_texts_and_numbers_stay_numbers(report: str, month: str, tmp_path: Path) -> None:
    with a_context(month, tmp_path) as (context, _):
        result = generate_report(context, report, "monthly", None, "en", ("xlsx",))  # type: ignore[arg-type]
    book = openpyxl.load_workbook(result["artefacts"][0]["path"])

    assert book.sheetnames[:4] == ["Summary", "By day", "By market", "Items"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type in ("f", "e")]
    texts = {cell.value for cell in cells if isinstance(cell.value, str)}
    assert {name for name in EVIL if "\x01" not in name} <= texts
    items = book["Items"]
    figure = next(cell for cell in items[2] if isinstance(cell.value, int) and cell.column > 3)
    assert figure.number_format == "#,##0" and items.freeze_panes == "B2"
    assert isinstance(book["By day"]["A2"].value, datetime) and book["By day"]["A2"].number_format == "yyyy-mm-dd"
    assert book["By day"].freeze_panes == "B2" and book["Summary"].freeze_panes == "A2"
    assert sum(len(sheet._charts) for sheet in book) >= 2
    column = "B" if report == "stock" else "C"
    assert items.column_dimensions[column].width >= 2 * len("똠방각하") + 2


def test_the_week_begins_on_monday_and_the_day_at_midnight_in_korea(make: Maker, ask: Any) -> None:
    result, sheets = make("sales", "weekly")

    assert (result["from"], result["to"]) == ("2025-03-24", "2025-03-30")
    assert date.fromisoformat(result["from"]).weekday() == 0
    just_before = ask("SELECT count(*) FROM erp.orders WHERE ordered_at = %s", datetime(2025, 3, 30, 23, 59, 59, 999999, KOREA))
    assert just_before == [(2,)], "the month has orders at the very edge"
    assert [row[0].date() for row in sheets["일별"][1:-1]] == [date(2025, 3, day) for day in range(24, 31)]
