"""What every report has around its figures: title, days, moment, the warning and its reasons; and shared pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from handlers.reports import figures
from handlers.reports.completeness import Reason
from handlers.reports.document import Chart, Column, Document, Kind, Section, Table, Tile
from handlers.reports.lines import Shop
from handlers.reports.periods import KOREA, Length, Span
from handlers.reports.words import Words

REASONS = 20
TOP = 20


@dataclass(frozen=True, slots=True)
class Frame:
    """One report to be made, and the moment of its snapshot. compares_well: the period before is collected whole."""

    words: Words
    report: str
    period: Length
    span: Span
    now: datetime
    markets: list[str] | None
    reasons: list[Reason]
    compares_well: bool = True

    @property
    def step(self) -> Literal["hour", "day"]:
        return "hour" if self.period == "daily" else "day"

    def shop(self, shop: Shop) -> str:
        return self.words.shop(*shop)

    def bucket(self, moment: datetime) -> Any:
        """Return the value of a row's first column: an hour stays a moment, a day becomes a date."""
        return moment if self.step == "hour" else moment.date()

    def column(self, key: str, kind: Kind = "text", **values: Any) -> Column:
        return Column(self.words(key, **values), kind)

    def columns(self, *named: tuple[str, Kind]) -> tuple[Column, ...]:
        return tuple(self.column(key, kind) for key, kind in named)

    def document(
        self, tiles: list[Tile], sections: list[Section], notes: list[str], totals: dict[str, Any], empty: str = ""
    ) -> Document:
        words, first, last = self.words, self.span.first, self.span.last
        notes = notes if self.compares_well else [*notes, words("note_before")]
        subtitle = f"{first}" if first == last else f"{first} ~ {last}" if words.language == "ko" else f"{first} to {last}"
        if self.markets:
            shops = ", ".join(words.shop(code, "default") for code in self.markets)
            subtitle += " · " + words("markets_only", markets=shops)
        return Document(
            language=words.language,
            title=words("title", report=words(self.report), period=words(self.period)), subtitle=subtitle,
            made=words("made", moment=figures.write(words, "moment", self.now.astimezone(KOREA))),
            tiles=tiles, sections=sections, notes=notes, totals=totals, empty=empty,
            warning=words("provisional") if self.reasons else "", reasons=self.say_reasons(),
        )

    def say_reasons(self) -> list[str]:
        """Say why the report is provisional, the first reasons in full."""
        said = [
            self.words(
                reason.kind, shop=self.words.shop(reason.market_code or "", reason.account or "default"),
                from_at=figures.write(self.words, "moment", reason.from_at),
                to_at=figures.write(self.words, "moment", reason.to_at),
            )
            for reason in self.reasons[:REASONS]
        ]
        left = len(self.reasons) - len(said)
        return [*said, self.words("more_reasons", count=left)] if left else said

    def bars(self, key: str, table: Table, column: int) -> Chart:
        """Draw a column in the order of its rows."""
        kind = table.columns[column].kind
        values = [(row[column] or 0, row[0]) for row in table.rows]
        most, where = max(values, key=lambda pair: pair[0]) if values else (0, None)
        described = self.words(
            "bars_described", count=len(values), total=self.write(kind, sum(value for value, _ in values)),
            most=self.write(kind, most), where=self.write(table.columns[0].kind, where),
        )
        return Chart("bars", self.words(key), described, column)

    def shares(self, key: str, table: Table, column: int) -> Chart:
        """Draw a column as parts of its sum."""
        kind = table.columns[column].kind
        parts = [f"{row[0]} {self.write(kind, row[column])}" for row in table.rows]
        total = sum(row[column] or 0 for row in table.rows)
        described = self.words(
            "shares_described", total=self.write(kind, total), parts=", ".join(parts) or self.words("no_rows")
        )
        return Chart("shares", self.words(key), described, column)

    def write(self, kind: Kind, value: Any) -> str:
        return figures.write(self.words, kind, value)


def ordered_shops(shops: Sequence[Shop]) -> list[Shop]:
    return sorted(set(shops))
