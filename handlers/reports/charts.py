"""Charts as SVG that needs no script: across in per cent and down in pixels, so that letters keep their size on a telephone.

Each chart has a title and a description for those who do not see it; the table beside it holds every figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from handlers.reports import figures
from handlers.reports.document import Chart, Table
from handlers.reports.markup import clean
from handlers.reports.words import Words

HEIGHT = 200
TOP = 8
LABELS = 24
PART = 46
MOST_PARTS = 12
WIDE_LABELS = 16
NARROW_LABELS = 6
STEPS = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
WHOLE_STEPS = (2, 4, 6, 8, 10)


def draw(words: Words, chart: Chart, table: Table, number: int) -> str:
    """Return the figure element of a chart. number: tells its ids from those of other charts."""
    drawn = [max(row[chart.column] or 0, 0) for row in table.rows]
    body = (_bars if chart.shape == "bars" else _parts)(words, chart, table, drawn, number) if any(drawn) else (
        f'<p class="none">{clean(words("chart_empty"))}</p>'
    )
    return f"<figure><figcaption>{clean(chart.title)}</figcaption>{body}</figure>"


def _svg(chart: Chart, number: int, height: float, content: str) -> str:
    return (
        f'<svg role="img" aria-labelledby="t{number} d{number}" width="100%" height="{height:g}">'
        f'<title id="t{number}">{clean(chart.title)}</title><desc id="d{number}">{clean(chart.description)}</desc>'
        f"{content}</svg>"
    )


def ceiling(most: float) -> float:
    """Return the round figure that an axis ends at; its half is round too, and whole where few things are counted."""
    power = 10.0 ** math.floor(math.log10(most))
    steps = WHOLE_STEPS if power == 1 else STEPS
    return next(step * power for step in steps if step * power >= most)


def _bars(words: Words, chart: Chart, table: Table, drawn: Sequence[float], number: int) -> str:
    kind, first = table.columns[chart.column].kind, table.columns[0].kind
    top = ceiling(max(drawn))
    across = 100 / len(drawn)
    bars, names = [], []
    for place, (row, value) in enumerate(zip(table.rows, drawn, strict=True)):
        tall = value / top * (HEIGHT - TOP)
        label = f"{figures.write(words, first, row[0])}: {figures.write(words, kind, row[chart.column])}"
        bars.append(
            f'<rect class="bar" x="{(place + 0.15) * across:.3f}%" y="{HEIGHT - tall:.1f}" width="{across * 0.7:.3f}%" '
            f'height="{tall:.1f}"><title>{clean(label)}</title></rect>'
        )
        if mark := _mark(place, len(drawn)):
            names.append(
                f'<text class="{mark}" x="{(place + 0.5) * across:.3f}%" y="{HEIGHT + 17}" text-anchor="middle">'
                f"{clean(figures.short_day(first, row[0]))}</text>"
            )
    lines = "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>' for y in _levels()
    )
    axis = "".join(
        f'<span style="top:{y:.1f}px">{clean(figures.compact(words, kind, top * part))}</span>'
        for part, y in zip((1.0, 0.5, 0.0), _levels(), strict=True)
    )
    svg = _svg(chart, number, HEIGHT + LABELS, lines + "".join(bars) + "".join(names))
    return f'<div class="plot"><div class="axis" aria-hidden="true">{axis}</div>{svg}</div>'


def _levels() -> tuple[float, float, float]:
    return (TOP, TOP + (HEIGHT - TOP) / 2, HEIGHT)


def _mark(place: int, count: int) -> str:
    """Say whether a bar is named: always, on wide screens only, or never; what is named stands at even distances."""
    wide = -(-count // WIDE_LABELS)
    narrow = wide * -(-count // (NARROW_LABELS * wide))
    if place % narrow == 0:
        return "always"
    return "wide" if place % wide == 0 else ""


def _parts(words: Words, chart: Chart, table: Table, drawn: Sequence[float], number: int) -> str:
    """Draw each part as a bar across, as long as its share."""
    kind, whole = table.columns[chart.column].kind, sum(drawn)
    content = []
    for place, (row, value) in enumerate(_largest(table, drawn)):
        y = place * PART
        figure = f"{figures.write(words, kind, row[chart.column])} · {value / whole * 100:.1f}%"
        content.append(
            f'<text x="0" y="{y + 16}">{clean(str(row[0]))}</text>'
            f'<text class="figure" x="100%" y="{y + 16}" text-anchor="end">{clean(figure)}</text>'
            f'<rect class="track" x="0" y="{y + 24}" width="100%" height="12" rx="2"/>'
            f'<rect class="bar" x="0" y="{y + 24}" width="{value / whole * 100:.3f}%" height="12" rx="2"/>'
        )
    return _svg(chart, number, len(content) * PART, "".join(content))


def _largest(table: Table, drawn: Sequence[float]) -> list[tuple[tuple[object, ...], float]]:
    """Keep the parts that are there; of very many the largest only, in the order of the table."""
    there = [(row, value) for row, value in zip(table.rows, drawn, strict=True) if value > 0]
    least = sorted((value for _, value in there), reverse=True)[:MOST_PARTS][-1]
    return [(row, value) for row, value in there if value >= least][:MOST_PARTS]
