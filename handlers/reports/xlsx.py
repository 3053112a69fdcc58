"""The report as a spreadsheet: numbers as numbers, days as days, native charts, and no cell that is a formula."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from handlers.reports import figures
from handlers.reports.document import Chart, Document, Kind, Section
from handlers.reports.words import Words

FORMATS: dict[Kind, str] = {
    "text": "@", "won": "#,##0", "count": "#,##0", "number": "#,##0.0", "share": "0.0%", "day": "yyyy-mm-dd",
    "hour": "hh:mm", "moment": "yyyy-mm-dd hh:mm",
}
FONT = "Malgun Gothic"
ACCENT = "#2459C4"
PALETTE = ("#2459C4", "#E08A1E", "#2B9C74", "#A4508B", "#6B7685", "#C2453D", "#3EA6C9", "#8C7A2B")
NARROWEST, WIDEST = 9, 60
LONGEST_TEXT = 32_767
ROW_PIXELS = 20


class Book:
    """A spreadsheet being written."""

    def __init__(self, words: Words, made: datetime, title: str) -> None:
        self.words = words
        self.buffer = io.BytesIO()
        self.workbook = xlsxwriter.Workbook(
            self.buffer,
            {
                "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
                "nan_inf_to_errors": False,
            },
        )
        self.workbook.set_properties({"title": title, "created": made.replace(tzinfo=None)})
        self._formats: dict[tuple[str, bool, bool], Format] = {}

    def format(self, kind: Kind, *, bold: bool = False, head: bool = False) -> Format:
        """Return the format of a kind of figure, each made once."""
        key = (kind, bold, head)
        if key not in self._formats:
            made = self.workbook.add_format(
                {"font_name": FONT, "font_size": 10, "num_format": FORMATS[kind], "bold": bold or head}
            )
            if head:
                made.set_text_wrap()
                made.set_bottom(2)
                made.set_bg_color("#EEF2F8")
                made.set_align("vcenter")
            elif bold:
                made.set_top(1)
            self._formats[key] = made
        return self._formats[key]

    def put(self, sheet: Worksheet, row: int, column: int, kind: Kind, value: Any, *, bold: bool = False) -> None:
        """Write one cell; a text stays a text whatever it begins with."""
        look = self.format(kind, bold=bold)
        if value is None or value == "":
            sheet.write_blank(row, column, None, look)
        elif isinstance(value, str):
            sheet.write_string(row, column, value[:LONGEST_TEXT], look if kind == "text" else self.format("text", bold=bold))
        elif isinstance(value, datetime):  # cut to the minute: the last instant of a day would be rounded into the next
            sheet.write_datetime(row, column, value.replace(second=0, microsecond=0), look)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, look)
        else:
            sheet.write_number(row, column, value, look)


def make_workbook(document: Document, words: Words, made: datetime) -> bytes:
    """Return the XLSX file of a document. made: the moment of its snapshot."""
    book = Book(words, made, document.title)
    summary = book.workbook.add_worksheet(words("summary"))
    write_summary(book, summary, document)
    for section in document.sections:
        sheet = book.workbook.add_worksheet(section.name[:31])
        write_section(book, sheet, section)
    book.workbook.close()
    return book.buffer.getvalue()


def write_summary(book: Book, sheet: Worksheet, document: Document) -> None:
    """Write title, warning, the figures beside those of the period before, and the notes."""
    words = book.words
    title = book.workbook.add_format({"font_name": FONT, "font_size": 16, "bold": True})
    warning = book.workbook.add_format({"font_name": FONT, "font_size": 10, "font_color": "#8A5A00", "bg_color": "#FFF3D6"})
    plain = book.workbook.add_format({"font_name": FONT, "font_size": 10})
    sheet.write_string(0, 0, document.title, title)
    lines = [(document.subtitle, plain), (document.made, plain)]
    lines += [(line, warning) for line in ([document.warning, *document.reasons] if document.warning else [])]
    lines += [(document.empty, plain)] if document.empty else []
    for row, (line, look) in enumerate(lines, start=1):
        sheet.write_string(row, 0, line, look)
    row = write_tiles(book, sheet, document, len(lines) + 2)
    sheet.write_string(row + 1, 0, words("notes"), book.workbook.add_format({"font_name": FONT, "font_size": 10, "bold": True}))
    for place, note in enumerate(document.notes, start=row + 2):
        sheet.write_string(place, 0, note, plain)
    sheet.set_column(0, 0, max(20, *(figures.width(tile.label) + 3 for tile in document.tiles)))
    sheet.set_column(1, 3, 18)
    finish(sheet, 1, 0)


def write_tiles(book: Book, sheet: Worksheet, document: Document, top: int) -> int:
    """Write the table of the summary and return the row below it."""
    compared = any(tile.before is not None for tile in document.tiles)
    heads = ("figure", "this_period", "before", "change") if compared else ("figure", "this_period")
    for column, key in enumerate(heads):
        sheet.write_string(top, column, book.words(key), book.format("text", head=True))
    for row, tile in enumerate(document.tiles, start=top + 1):
        book.put(sheet, row, 0, "text", tile.label)
        book.put(sheet, row, 1, tile.kind, tile.value)
        if compared:
            book.put(sheet, row, 2, tile.kind, tile.before)
            book.put(sheet, row, 3, "share", figures.write_change(book.words, tile) if tile.kind == "share" else tile.change)
    return top + len(document.tiles) + 1


def write_section(book: Book, sheet: Worksheet, section: Section) -> None:
    """Write the table with its head frozen, the total below it and the charts to its right."""
    table = section.table
    for column, named in enumerate(table.columns):
        sheet.write_string(0, column, named.title, book.format("text", head=True))
    for row, cells in enumerate(table.rows, start=1):
        for column, (named, value) in enumerate(zip(table.columns, cells, strict=True)):
            book.put(sheet, row, column, named.kind, value)
    if not table.rows:
        book.put(sheet, 1, 0, "text", book.words("no_rows"))
    elif table.total:
        for column, (named, value) in enumerate(zip(table.columns, table.total, strict=True)):
            book.put(sheet, len(table.rows) + 1, column, named.kind, value, bold=True)
    sheet.set_row(0, 30)
    set_widths(book, sheet, section)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
    finish(sheet, 1, 1)
    sheet.repeat_rows(0)
    for number, chart in enumerate(section.charts):
        if table.rows:
            sheet.insert_chart(1 + number * 18, len(table.columns) + 1, native_chart(book, section, chart))


def set_widths(book: Book, sheet: Worksheet, section: Section) -> None:
    """Make each column as wide as its longest text, a Hangul syllable counting two."""
    table = section.table
    for column, named in enumerate(table.columns):
        cells = [row[column] for row in [*table.rows, *([table.total] if table.total else [])]]
        texts = [value if isinstance(value, str) else _as_shown(book.words, named.kind, value) for value in cells]
        widest = max((figures.width(text) for text in texts), default=0)
        sheet.set_column(column, column, min(max(widest + 2, figures.width(named.title) + 4, NARROWEST), WIDEST))


def _as_shown(words: Words, kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if kind == "day" else figures.write(words, "count" if kind == "won" else kind, value)


def finish(sheet: Worksheet, rows: int, columns: int) -> None:
    """Freeze what names the figures and fit the print to one page across."""
    sheet.freeze_panes(rows, columns)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C&P / &N")


def native_chart(book: Book, section: Section, chart: Chart) -> Any:
    """Make a chart of the program's own that reads its cells: upright bars, or a pie of few parts."""
    name, last = section.name[:31], len(section.table.rows)
    kind, first = section.table.columns[chart.column].kind, section.table.columns[0].kind
    pie = chart.shape == "shares"
    made: Any = book.workbook.add_chart({"type": "pie" if pie else "column"})
    series: dict[str, Any] = {
        "name": [name, 0, chart.column], "categories": [name, 1, 0, last, 0],
        "values": [name, 1, chart.column, last, chart.column],
    }
    if pie:
        series["points"] = [{"fill": {"color": PALETTE[place % len(PALETTE)]}} for place in range(last)]
        series["data_labels"] = {"percentage": True, "leader_lines": True, "position": "best_fit"}
        made.set_legend({"position": "right", "font": {"name": FONT, "size": 9}})
    else:
        series |= {"fill": {"color": ACCENT}, "gap": 45}
        axis_format = {"day": "m/d", "hour": "hh:mm"}.get(first)
        font = {"num_font": {"name": FONT, "size": 9}}
        made.set_x_axis({"text_axis": True, **font, **({"num_format": axis_format} if axis_format else {})})
        made.set_y_axis({"num_format": FORMATS[kind], "major_gridlines": {"visible": True, "line": {"color": "#DDE1E7"}}, **font})
        made.set_legend({"none": True})
    made.add_series(series)
    made.set_title({"name": chart.title, "name_font": {"name": FONT, "size": 12}})
    made.set_size({"width": 480 if pie else 720, "height": 16 * ROW_PIXELS})
    made.set_chartarea({"border": {"color": "#DDE1E7"}})
    return made
