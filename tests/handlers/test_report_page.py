"""The page: the same totals as the result, nothing fetched, nothing run, complete in both languages, and what is missing said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from handlers.report_generation import generate_report
from handlers.reports import charts, figures
from handlers.reports.document import Tile
from handlers.reports.words import TEXTS, Words
from tests.handlers.report_month import END, EVIL, KOREA, START, a_context, a_window, collected, fill
from tests.support.cluster import Cluster

VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "line"}
HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
REPORTS = ("sales", "orders", "stock")
Maker = Callable[..., tuple[dict[str, Any], str]]


class Page(HTMLParser):
    """Reads a page: which elements it has, whether they are balanced, its tiles, tables and other texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "rect":
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or not data.strip():
            return
        self.texts.append((self.open[-1], data))
        if self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def tiles(self) -> dict[str, str]:
        """Return the figures of the summary by their label."""
        found = {}
        for (tag, text), (below, figure) in zip(self.texts, self.texts[1:], strict=False):
            if (tag, below) == ("dt", "dd"):
                found[text] = figure
        return found


@pytest.fixture(scope="module")
def month(cluster: Cluster, template: str) -> Iterator[str]:
    cluster.start()
    name = cluster.create(template)
    with psycopg.connect(cluster.dsn(name), autocommit=True) as connection:
        fill(connection, orders=1200)
        collected(connection, START - timedelta(days=40), END)
    yield cluster.dsn(name)
    cluster.drop(name)


def render(dsn: str, root: Path, report: str, period: str, language: str, **more: Any) -> tuple[dict[str, Any], str]:
    with a_context(dsn, root, **more) as (context, _):
        result = generate_report(context, report, period, None, language)  # type: ignore[arg-type]
    page = next(made["path"] for made in result["artefacts"] if made["kind"] == "html")
    return result, Path(page).read_text(encoding="utf-8")


@pytest.fixture
def make(month: str, tmp_path: Path) -> Maker:
    return lambda report, period, language: render(month, tmp_path, report, period, language)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("period", ["daily", "weekly", "monthly"])
def test_the_page_shows_the_totals_of_sales(period: str, language: str, make: Maker) -> None:
    result, text = make("sales", period, language)

    page, totals = Page(text), result["totals"]
    say = (lambda value: f"{value:,}원") if language == "ko" else (lambda value: f"₩{value:,}")
    place = 0 if language == "ko" else 1
    shown = page.tiles()
    for key, name in (("net", "net"), ("gross", "gross"), ("cancelled", "cancelled_amount"), ("returned", "returned_amount")):
        assert shown[TEXTS[name][place]] == say(totals[key])
    by_time, by_market, items = page.tables
    for table, column in ((by_time, 3), (by_market, 3), (items, 4)):
        assert table[-1][column:column + 4] == [say(totals[key]) for key in ("gross", "cancelled", "returned", "net")]
        sums = [sum(_number(row[column + extra]) for row in table[1:-1]) for extra in range(4)]
        assert sums == [totals[key] for key in ("gross", "cancelled", "returned", "net")]
    assert len(by_time) == {"daily": 24, "weekly": 7, "monthly": 31}[period] + 2


def _number(text: str) -> int:
    return int(re.sub(r"[^\d-]", "", text))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_shows_the_totals_of_orders_and_stock(language: str, make: Maker) -> None:
    place = 0 if language == "ko" else 1
    orders, text = make("orders", "monthly", language)
    shown = Page(text).tiles()
    for key, name in (("orders", "order_count"), ("units", "units"), ("cancelled_units", "cancelled_units"),
                      ("returned_units", "returned_units"), ("waiting", "waiting"), ("held_units", "held_units")):
        assert shown[TEXTS[name][place]] == f"{orders['totals'][key]:,}"
    states = Page(text).tables[3]
    assert [_number(row[1]) for row in states[1:-1]] == list(orders["totals"]["states"].values())

    stock, text = make("stock", "monthly", language)
    shown, totals = Page(text).tiles(), stock["totals"]
    for key, name in (("units", "on_hand"), ("sold_out", "sold_out"), ("low", "low_count"), ("differing", "differing_count")):
        assert shown[TEXTS[name][place]] == f"{totals[key]:,}"
    assert shown[TEXTS["value"][place]] == (f"{totals['value']:,}원" if language == "ko" else f"₩{totals['value']:,}")
    assert len(Page(text).tables[2]) == 1 + 50 + 1, "the page holds the first fifty items, the spreadsheet all"


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("report", REPORTS)
def test_the_page_needs_nothing_and_runs_nothing(report: str, language: str, make: Maker) -> None:
    _, text = make(report, "monthly", language)

    page = Page(text)
    assert text.startswith("<!DOCTYPE html>") and ("html", {"lang": language}) in page.elements
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text)
    assert page.tags().isdisjoint({"script", "img", "link", "iframe", "object", "embed", "form", "base"})
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")] and "src" not in names
    assert all(str(attributes["href"]).startswith("#s") for tag, attributes in page.elements if tag == "a")
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff]", text)
    if report != "stock":
        assert {name for name in EVIL if "\x01" not in name} <= {cell for table in page.tables for row in table for cell in row}


@pytest.mark.parametrize("report", REPORTS)
def test_charts_have_a_title_a_description_and_a_bar_for_each_value(report: str, make: Maker) -> None:
    _, text = make(report, "monthly", "en")

    page = Page(text)
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(pictures) >= 2 and len(ids) == len(set(ids))
    for picture in pictures:
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= set(ids)
    described = [text for tag, text in page.texts if tag == "desc"]
    assert len(described) == len(pictures) and all("otal" in text for text in described)
    first = page.tables[0][1:-1]
    bars = [attributes for tag, attributes in page.elements if (tag, attributes.get("class")) == ("rect", "bar")]
    tallest = max(range(len(first)), key=lambda row: _number(first[row][{"sales": 6, "orders": 1, "stock": 4}[report]]))
    heights = [float(str(bar["height"])) for bar in bars[: len(first)]]
    assert heights.index(max(heights)) == tallest and 96 <= max(heights) <= 192


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize("report", REPORTS)
def test_the_english_page_and_spreadsheet_hold_no_hangul_but_in_names(
    report: str, period: str, month: str, tmp_path: Path
) -> None:
    result, text = render(month, tmp_path, report, period, "en")

    for tag, said in Page(text).texts:
        if tag not in ("td",):
            assert not HANGUL.search(said), (tag, said)
    book = openpyxl.load_workbook(next(made["path"] for made in result["artefacts"] if made["kind"] == "xlsx"))
    for sheet in book:
        for place, row in enumerate(sheet.iter_rows(values_only=True)):
            if place and sheet.title in ("Items", "Differing stock"):
                continue
            assert not HANGUL.search(" ".join(str(value) for value in row)), row


def test_every_text_stands_in_both_languages_with_the_same_fields() -> None:
    for key, (korean, english) in TEXTS.items():
        assert HANGUL.search(korean) or key in ("gap", "not_over") or "{" in korean, key
        assert not HANGUL.search(english), key
        assert set(re.findall(r"{\w+}", korean)) == set(re.findall(r"{\w+}", english)), key


def test_a_gap_in_the_collection_makes_a_report_provisional_everywhere(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    fill(connection, orders=50)
    collected(connection, START, END)
    connection.execute("DELETE FROM erp.collection_windows WHERE (market_code, account) = ('naver', 'second')")
    a_window(connection, "naver", "second", START, datetime(2025, 3, 5, 9, tzinfo=KOREA))
    a_window(connection, "naver", "second", datetime(2025, 3, 5, 10, 30, tzinfo=KOREA), END)

    result, text = render(database, tmp_path, "sales", "monthly", "ko")

    assert result["provisional"] == [
        {"reason": "gap", "market": "naver", "account": "second", "from": "2025-03-05T09:00:00+09:00",
         "to": "2025-03-05T10:30:00+09:00"}]
    said = "네이버 (second): 2025-03-05 09:00 ~ 2025-03-05 10:30 수집이 빠져 있습니다"
    head = text[: text.index("<main>")]
    assert "잠정 보고서" in head and said in head
    first = openpyxl.load_workbook(result["artefacts"][0]["path"]).worksheets[0]
    cells = [row[0] for row in first.iter_rows(values_only=True)]
    assert said in cells and any(str(cell).startswith("잠정 보고서") for cell in cells)
    assert render(database, tmp_path, "sales", "daily", "ko")[0]["provisional"] is None, "the day lies outside the gap"
    elsewhere = render(database, tmp_path, "sales", "monthly", "ko", markets=["coupang"])[0]
    assert elsewhere["provisional"] is None, "the other market is complete"


@pytest.mark.parametrize("report", REPORTS)
def test_a_period_past_the_watermark_of_an_enabled_account_is_provisional(
    report: str, database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    fill(connection, orders=50)
    reached = datetime(2025, 3, 31, 21, tzinfo=KOREA)
    collected(connection, START, END)
    connection.execute("UPDATE erp.watermarks SET reached_at = %s WHERE market_code = '11st'", (reached,))

    assert render(database, tmp_path, report, "daily", "en")[0]["provisional"] == [
        {"reason": "not_reached", "market": "11st", "account": "default", "from": "2025-03-31T21:00:00+09:00",
         "to": "2025-04-01T00:00:00+09:00"}]
    connection.execute("UPDATE market_accounts SET enabled = false WHERE market_code = '11st'")
    assert render(database, tmp_path, report, "daily", "en")[0]["provisional"] is None


def test_time_before_the_first_collection_and_a_period_that_goes_on_are_provisional(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    begun = datetime(2025, 3, 20, 15, tzinfo=KOREA)
    collected(connection, begun, END)
    reasons = render(database, tmp_path, "orders", "monthly", "ko")[0]["provisional"]
    assert {(one["reason"], one["from"], one["to"]) for one in reasons} == {
        ("not_reached_back", "2025-03-01T00:00:00+09:00", begun.isoformat())}
    assert render(database, tmp_path, "orders", "weekly", "ko")[0]["provisional"] is None

    today = connection.execute("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date").fetchone()
    with a_context(database, tmp_path, markets=["naver"]) as (context, _):
        result = generate_report(context, "orders", "monthly", today[0] if today else None)
    assert result["provisional"][0]["reason"] == "not_over" and result["provisional"][0]["market"] is None


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("report", REPORTS)
def test_an_empty_period_makes_a_valid_report_that_says_so(
    report: str, language: str, database: str, tmp_path: Path
) -> None:
    result, text = render(database, tmp_path, report, "monthly", language)

    said = TEXTS["empty_stock" if report == "stock" else "empty_orders"][0 if language == "ko" else 1]
    assert said in text and not re.search(r"\b(nan|inf|none)\b", text[text.index("<body>"):].replace('class="none"', ""))
    page = Page(text)
    assert not [tag for tag, _ in page.elements if tag == "svg"]
    assert TEXTS["chart_empty"][0 if language == "ko" else 1] in [text for _, text in page.texts]
    book = openpyxl.load_workbook(result["artefacts"][0]["path"])
    assert said in [row[0] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert not [value for value in result["totals"].values() if value not in (0, None) and not isinstance(value, dict)
                and value != result["totals"].get("sold_days")]
    assert result["provisional"] is None


@pytest.mark.parametrize(("most", "top"), [(1, 2), (3, 4), (9, 10), (20, 20), (21, 24), (999_999, 1_000_000)])
def test_an_axis_ends_at_a_round_figure_above_the_highest_bar(most: float, top: float) -> None:
    assert charts.ceiling(most) == pytest.approx(top)


def test_the_change_of_a_rate_is_told_in_points_and_that_of_an_amount_in_per_cent() -> None:
    korean, english = Words("ko"), Words("en")
    rate, amount, first = Tile("", 0.061, "share", 0.05), Tile("", 90, "won", 120), Tile("", 90, "won", 0)
    assert [figures.write_change(words, rate) for words in (korean, english)] == ["+1.1%p", "+1.1 pp"]
    assert [figures.write_change(korean, tile) for tile in (amount, first)] == ["-25.0%", "–"]


@pytest.mark.parametrize(("value", "korean", "english"), [
    (0, "0원", "₩0"), (1234, "1,234원", "₩1,234"), (-1234567, "-1,234,567원", "-₩1,234,567"), (None, "–", "–"),
])
def test_won_is_written_as_each_language_does(value: int | None, korean: str, english: str) -> None:
    assert figures.write(Words("ko"), "won", value) == korean
    assert figures.write(Words("en"), "won", value) == english


def test_bars_are_named_at_even_distances_however_many_there_are() -> None:
    for count in (1, 7, 24, 28, 29, 30, 31):
        marks = [charts._mark(place, count) for place in range(count)]
        always = [place for place, mark in enumerate(marks) if mark == "always"]
        named = [place for place, mark in enumerate(marks) if mark]
        assert 1 <= len(always) <= 7 and len(named) <= 17
        for places in (always, named):
            assert len({after - before for before, after in pairwise(places)}) <= 1, count
