"""A week by the hour: how much ran, how much will, how many at once, and which days are closed. Figures only, no markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from scheduler.web.render import SEOUL

HOURS = 24


@dataclass(slots=True)
class Cell:
    """One hour of one day.

    runs         that ended, or that are planned
    most         planned at once
    is_estimate  whether a part of it was continued at the present pace
    """

    runs: int = 0
    failed: int = 0
    skipped: int = 0
    most: int = 0
    is_past: bool = False
    is_now: bool = False
    is_estimate: bool = False

    def share(self, slots: int) -> float:
        """Return how much of the pool is taken at most, in per cent up to 100."""
        return round(min(100.0, 100 * self.most / max(slots, 1)), 1)


@dataclass(frozen=True, slots=True)
class Day:
    """One column."""

    day: date
    closed: str | None
    is_today: bool
    cells: list[Cell] = field(default_factory=list)

    @property
    def runs(self) -> int:
        return sum(cell.runs for cell in self.cells)

    @property
    def failed(self) -> int:
        return sum(cell.failed for cell in self.cells)

    @property
    def skipped(self) -> int:
        return sum(cell.skipped for cell in self.cells)

    @property
    def busy(self) -> list[tuple[int, Cell]]:
        """Return the hours in which something ran or will."""
        return [(hour, cell) for hour, cell in enumerate(self.cells) if cell.runs or cell.skipped or cell.most]


def week_grid(
    monday: date, now: datetime, past: Sequence[Mapping[str, Any]], ahead: Sequence[Mapping[str, Any]],
    cut: Sequence[Mapping[str, Any]], closed: Mapping[date, str | None],
) -> list[Day]:
    """Put figures by the hour (Seoul, without zone) into seven days of 24 cells."""
    local = now.astimezone(SEOUL).replace(tzinfo=None)
    days = [Day(day, closed.get(day), day == local.date()) for day in (monday + timedelta(each) for each in range(7))]
    for day in days:
        day.cells.extend(_cell(datetime(day.day.year, day.day.month, day.day.day, hour), local) for hour in range(HOURS))
    by_day = {each.day: each for each in days}
    for each in past:
        if each["hour"].date() in by_day:
            cell = by_day[each["hour"].date()].cells[each["hour"].hour]
            cell.runs, cell.failed, cell.skipped = cell.runs + each["runs"], each["failed"], each["skipped"]
    runs, most = by_hour(ahead, 7 * HOURS)
    for place in range(7 * HOURS):
        cell = days[place // HOURS].cells[place % HOURS]
        cell.runs, cell.most = cell.runs + runs[place], most[place]
    _go_on(days, cut)
    return days


def by_hour(ahead: Sequence[Mapping[str, Any]], hours: int) -> tuple[list[int], list[int]]:
    """Count the runs that begin in each hour, and how many run at once at most.

    ahead  rows with offsets (seconds from the first hour) and seconds (how long one takes)
    """
    steps: list[int] = []
    runs, most = [0] * hours, [0] * hours
    for each in ahead:
        length = max(1, round(each["seconds"]))
        # One number a step, so that sorting is quick: an end is even and comes before a beginning at the same second.
        steps += [offset * 2 + 1 for offset in each["offsets"]]
        steps += [(offset + length) * 2 for offset in each["offsets"]]
    running, reached = 0, 0
    for step in sorted(steps):
        hour = min(step // 7200, hours)
        for between in range(reached + 1, hour):
            most[between] = running
        if hour > reached and hour < hours:
            most[hour] = running if step % 7200 else 0
        reached = hour
        running += 1 if step % 2 else -1
        if hour < hours:
            runs[hour] += step % 2
            most[hour] = max(most[hour], running)
    return runs, most


def _cell(hour: datetime, local: datetime) -> Cell:
    return Cell(is_past=hour + timedelta(hours=1) <= local, is_now=hour <= local < hour + timedelta(hours=1))


def _go_on(days: Sequence[Day], cut: Sequence[Mapping[str, Any]]) -> None:
    """Continue what is known for a part of the week only, at the pace that is known."""
    ends = [(each["known_until"].astimezone(SEOUL).replace(tzinfo=None), each["per_hour"], each["seconds"]) for each in cut]
    for day in days:
        for hour, cell in enumerate(day.cells):
            begin = datetime(day.day.year, day.day.month, day.day.day, hour)
            beyond = [(pace, seconds) for end, pace, seconds in ends if begin >= end]
            if beyond and not cell.is_past:
                cell.runs += round(sum(pace for pace, _ in beyond))
                cell.most += math.ceil(sum(pace * seconds / 3600 for pace, seconds in beyond))
                cell.is_estimate = True
