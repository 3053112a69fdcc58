"""The report as one page that needs nothing else: no script, no request, readable on a telephone, on paper and by ear."""

from __future__ import annotations

from itertools import count
from typing import Any

from handlers.reports import charts, figures
from handlers.reports.document import Column, Document, Row, Section, Table, Tile
from handlers.reports.markup import clean
from handlers.reports.style import STYLE
from handlers.reports.words import Words

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def make_page(document: Document, words: Words) -> bytes:
    """Return the page of a document, UTF-8."""
    numbers = count(1)
    sections = "".join(_section(words, section, place, numbers) for place, section in enumerate(document.sections, start=1))
    title = f"{document.title} · {document.subtitle}"
    return (
        f'<!DOCTYPE html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="referrer" content="no-referrer">\n'
        f"<title>{clean(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{clean(document.title)}</h1><p class=\"days\">{clean(document.subtitle)}</p>"
        f"<p class=\"made\">{clean(document.made)}</p>{_warning(document)}{_contents(words, document)}</header>\n<main>\n"
        f"{_summary(words, document)}\n{sections}{_notes(words, document)}</main>\n</body>\n</html>\n"
    ).encode()


def _warning(document: Document) -> str:
    if not document.warning:
        return ""
    reasons = "".join(f"<li>{clean(reason)}</li>" for reason in document.reasons)
    return f'<div class="warning" role="note"><strong>{clean(document.warning)}</strong><ul>{reasons}</ul></div>'


def _contents(words: Words, document: Document) -> str:
    links = "".join(
        f'<li><a href="#s{place}">{clean(section.name)}</a></li>' for place, section in enumerate(document.sections, start=1)
    )
    return f'<nav aria-label="{clean(words("contents"))}"><ul>{links}</ul></nav>'


def _summary(words: Words, document: Document) -> str:
    empty = f'<p class="empty">{clean(document.empty)}</p>' if document.empty else ""
    tiles = "".join(_tile(words, tile) for tile in document.tiles)
    head = f'<h2 id="s0">{clean(words("summary"))}</h2>'
    return f'<section aria-labelledby="s0">{head}{empty}<dl class="tiles">{tiles}</dl></section>'


def _tile(words: Words, tile: Tile) -> str:
    compared = ""
    if tile.before is not None:
        before = f"{words('before')} {figures.write(words, tile.kind, tile.before)}"
        compared = f'<dd class="before">{clean(before)} <span>{clean(figures.write_change(words, tile))}</span></dd>'
    return (
        f'<div><dt>{clean(tile.label)}</dt><dd class="figure">{clean(figures.write(words, tile.kind, tile.value))}</dd>'
        f"{compared}</div>"
    )


def _section(words: Words, section: Section, place: int, numbers: Any) -> str:
    drawn = "".join(charts.draw(words, chart, section.table, next(numbers)) for chart in section.charts)
    table = _table(words, section.table, section.shown, f"s{place}")
    left = len(section.table.rows) - section.shown if section.shown is not None else 0
    more = f'<p class="more">{clean(words("rows_left", count=f"{left:,}"))}</p>' if left > 0 else ""
    return f'<section aria-labelledby="s{place}"><h2 id="s{place}">{clean(section.name)}</h2>{drawn}{table}{more}</section>\n'


def _table(words: Words, table: Table, shown: int | None, label: str) -> str:
    """Write a table that scrolls by itself when the screen is too narrow for it."""
    head = "".join(f'<th scope="col" class="{_side(column)}">{clean(column.title)}</th>' for column in table.columns)
    rows = "".join(_row(words, table.columns, row) for row in table.rows[:shown])
    if not rows:
        rows = f'<tr><td class="none" colspan="{len(table.columns)}">{clean(words("no_rows"))}</td></tr>'
    foot = f"<tfoot>{_row(words, table.columns, table.total)}</tfoot>" if table.total and table.rows else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{label}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody>{foot}</table></div>"
    )


def _row(words: Words, columns: tuple[Column, ...], row: Row) -> str:
    cells = []
    for place, (column, value) in enumerate(zip(columns, row, strict=True)):
        text = value if isinstance(value, str) else figures.write(words, column.kind, value)
        cells.append(
            f'<th scope="row" class="{_side(column)}">{clean(text)}</th>' if place == 0
            else f'<td class="{_side(column)}">{clean(text)}</td>'
        )
    return f"<tr>{''.join(cells)}</tr>"


def _side(column: Column) -> str:
    if column.kind in ("day", "hour", "moment"):
        return "when"
    return "words" if column.kind == "text" else "figure"


def _notes(words: Words, document: Document) -> str:
    notes = "".join(f"<li>{clean(note)}</li>" for note in document.notes)
    head = f'<h2 id="notes">{clean(words("notes"))}</h2>'
    return f'<section class="notes" aria-labelledby="notes">{head}<ul>{notes}</ul></section>\n'
