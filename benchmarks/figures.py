"""Figures with their goals, and the table that shows them."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound to compare a median with; it is shown, never enforced."""

    value: float
    at_least: bool = False

    def is_met(self, median: float) -> bool:
        return median >= self.value if self.at_least else median <= self.value

    def text(self) -> str:
        return f"{'>=' if self.at_least else '<='} {number(self.value)}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure: a sample for each repeat.

    ratio  the median divided by the goal
    load   load average of the machine (1 minute) when it was measured
    """

    name: str
    unit: str
    samples: tuple[float, ...]
    goal: Goal | None = None
    note: str = ""
    load: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        return self.median / self.goal.value if self.goal else None

    def cells(self) -> tuple[str, ...]:
        spread = f"[{number(min(self.samples))}..{number(max(self.samples))}]" if len(self.samples) > 1 else ""
        verdict = ("yes" if self.goal.is_met(self.median) else "NO") if self.goal else ""
        return (
            self.name, f"{number(self.median)} {self.unit}".strip(), spread, str(len(self.samples)),
            self.goal.text() if self.goal else "", verdict, "" if self.ratio is None else f"{self.ratio:.2f}",
            f"{self.load:.1f}", self.note,
        )

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "median": self.median, "ratio": self.ratio}


HEAD = ("measure", "median", "[min..max]", "n", "goal", "met", "of goal", "load", "note")


def figure(name: str, unit: str, samples: Sequence[float], goal: Goal | None = None, note: str = "") -> Figure:
    """Make a figure, noting how busy the machine is."""
    return Figure(name, unit, tuple(samples), goal, note, os.getloadavg()[0])


def number(value: float) -> str:
    """Return three significant digits, with thousands apart."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which *share* of all lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns, the last one ragged."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
