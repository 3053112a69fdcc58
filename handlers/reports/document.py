"""A report before it has a form: tables, charts and notes in the reader's language, figures still as figures.

A spreadsheet and a page are made of the same document, so they cannot tell two stories.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["text", "won", "count", "number", "share", "day", "hour", "moment"]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; the kind says how its figures are written. None in a cell means that the figure is not known."""

    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below columns; the first column names the row."""

    columns: tuple[Column, ...]
    rows: list[Row]
    total: Row | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of one column of its section's table.

    shape   bars: one upright bar a row, in order; shares: the parts of a whole
    column  the column that is drawn; the names come from the first column
    """

    shape: Literal["bars", "shares"]
    title: str
    description: str
    column: int


@dataclass(frozen=True, slots=True)
class Section:
    """One sheet, one part of the page. shown: rows that the page holds, where the spreadsheet has all."""

    name: str
    table: Table
    charts: tuple[Chart, ...] = ()
    shown: int | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the summary. before: the same in the period before; None where nothing is compared."""

    label: str
    value: Any
    kind: Kind
    before: Any = None

    @property
    def change(self) -> float | None:
        """The relative change; of a share the difference, which is told in percentage points."""
        if self.kind == "share":
            return None if self.value is None or self.before is None else self.value - self.before
        return change(self.value, self.before)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. *totals* goes to the result of the execution, under names that no language changes."""

    language: str
    title: str
    subtitle: str
    made: str
    tiles: list[Tile]
    sections: list[Section]
    notes: list[str]
    totals: dict[str, Any]
    warning: str = ""
    reasons: list[str] = field(default_factory=list)
    empty: str = ""


def change(value: Any, before: Any) -> float | None:
    """Return the relative change; None when there is nothing to compare with."""
    return (value - before) / before if value is not None and before else None


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
