"""What people and programs see: data on stdout, talk on stderr, tables whose Hangul lines up, one JSON document."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from scheduler.words import say

if TYPE_CHECKING:
    from rich.console import Console

SEOUL = "Asia/Seoul"
CLOCK = "%Y-%m-%d %H:%M:%S"
UNCUT = 10_000
"""Columns of a table that goes into a pipe: nothing is cut there."""

# Escape sequences could repaint a terminal, and direction marks could make a name read as another.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_COLOURS = {
    "active": "green", "success": "green", "running": "cyan", "queued": "blue", "paused": "yellow", "skipped": "yellow",
    "completed": "bright_black", "cancelled": "yellow", "invalid": "red", "failed": "red", "timed_out": "red",
    "lost": "red", "draining": "yellow", "stopped": "bright_black",
}


def clean(text: object) -> str:
    """Return *text* with control characters made visible, fit for a terminal."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", str(text))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (UUID, Path)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def as_json(document: Any, *, indent: int | None = 2) -> str:
    """Return the JSON text of *document*; moments in UTC, Hangul as it is."""
    return json.dumps(document, default=_plain, ensure_ascii=False, indent=indent)


def _write(text: str, stream: Any) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def print_json(document: Any) -> None:
    """Print one JSON document."""
    _write(as_json(document), sys.stdout)


def print_line(document: Any) -> None:
    """Print one line of a stream of JSON documents."""
    _write(as_json(document, indent=None), sys.stdout)


def show(text: str = "") -> None:
    """Print a line of data for people, control characters made visible."""
    _write(clean(text), sys.stdout)


def show_exact(text: str) -> None:
    """Print a line that is to be typed or read again by a program, as it is."""
    _write(text, sys.stdout)


def tell(text: str) -> None:
    """Say something to the person at the terminal."""
    _write(clean(text), sys.stderr)


def hint(text: str) -> None:
    """Say something that --quiet leaves out."""
    from scheduler.cli.grammar import chosen

    if not chosen().quiet:
        tell(text)


def complain(text: str) -> None:
    """Say what went wrong; every line after the first is the way out."""
    first, *rest = text.splitlines() or [""]
    error = console(stderr=True)
    error.print(_text(say("오류: ", "error: "), "bold red") + _text(clean(first)), soft_wrap=True)
    for line in rest:
        error.print(_text(f"  {clean(line)}", "dim"), soft_wrap=True)


def _text(text: str, style: str = "") -> Any:
    from rich.text import Text

    return Text(text, style=style)


def console(*, stderr: bool = False) -> Console:
    """Return a Rich console that reads no markup out of people's words."""
    from rich.console import Console

    from scheduler.cli.grammar import colour_wanted

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS", "").isdigit() else UNCUT
    return Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False,
        no_color=not colour_wanted(), force_terminal=None,
    )


Column = tuple[str, Callable[[Mapping[str, Any]], object]]


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, empty: str) -> None:
    """Print rows as a table, or say on stderr that there are none."""
    if not rows:
        tell(empty)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    cells = [[_cell(value(row)) for _, value in columns] for row in rows]
    for (title, _), width in zip(columns, _widths([title for title, _ in columns], cells), strict=True):
        table.add_column(title, overflow="ellipsis", no_wrap=True, max_width=width)
    for line in cells:
        table.add_row(*line)
    _print_trimmed(table)


def columns_wide() -> int:
    """Return how many columns a table has room for; a pipe has all that are needed."""
    return console().width


def _widths(titles: Sequence[str], cells: Sequence[Sequence[Any]]) -> list[int]:
    """Return the widths of a table's columns; where there is no room, the widest give way, so that numbers stay whole."""
    from rich.cells import cell_len

    natural = [max(cell_len(title), *(line[place].cell_len for line in cells)) for place, title in enumerate(titles)]
    room = columns_wide() - 2 * len(titles)
    cap = max(natural)
    while cap > 1 and sum(min(width, cap) for width in natural) > room:
        cap -= 1
    return [max(1, min(width, cap)) for width in natural]


def _print_trimmed(table: Any) -> None:
    out = console()
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        show(line.rstrip())


def _cell(value: object) -> Any:
    text = clean("" if value is None else value)
    return _text(text, _COLOURS.get(text.lstrip("●⏸✓✕! "), ""))


def print_fields(fields: Iterable[tuple[str, object]], zone: str = SEOUL) -> None:
    """Print names and values, one a line, lined up; moments as people in *zone* read them."""
    from rich.cells import cell_len

    pairs = [(name, value) for name, value in fields if value not in (None, "", [], {})]
    width = max((cell_len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        show(f"{name}{' ' * (width - cell_len(name))}  {_field(value, zone)}")


def _field(value: object, zone: str) -> str:
    if isinstance(value, datetime):
        return moment(value, zone)
    return as_json(value, indent=None) if isinstance(value, (dict, list)) else str(value)


def moment(value: datetime | None, zone: str = SEOUL) -> str:
    """Return a moment as people there read it, or a dash; in UTC, and saying so, for a zone that nobody knows."""
    if value is None:
        return "-"
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return value.astimezone(ZoneInfo(zone)).strftime(CLOCK)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{value.astimezone(UTC).strftime(CLOCK)} UTC"


def relative(value: datetime | None, now: datetime) -> str:
    """Say how far a moment is from *now*: ``3분 뒤``, ``2 h ago``, or a dash."""
    if value is None:
        return "-"
    seconds = (value - now).total_seconds()
    amount = spell_seconds(abs(seconds))
    return say(f"{amount} {'뒤' if seconds >= 0 else '전'}", f"in {amount}" if seconds >= 0 else f"{amount} ago")


def spell_seconds(seconds: float) -> str:
    """Return a length of time in its largest unit: ``41초``, ``3 min``."""
    for size, korean, english in ((86400, "일", " d"), (3600, "시간", " h"), (60, "분", " min")):
        if seconds >= size:
            return f"{int(seconds // size)}{say(korean, english)}"
    return f"{int(seconds)}{say('초', ' s')}"


def spell_duration(milliseconds: int | None) -> str:
    """Return how long an execution took, or a dash."""
    if milliseconds is None:
        return "-"
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def at_terminal() -> bool:
    """Say whether a person can be asked something."""
    return sys.stdin.isatty() and sys.stderr.isatty()
