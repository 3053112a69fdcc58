"""Periods in which jobs run more often, or not at all, and that are over by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Overlay:
    """One period: [start, end).

    action  ``stop``: no planned times; ``multiply``: intervals come *factor* times as often
    """

    name: str
    start: datetime
    end: datetime
    action: str
    factor: float | None = None


def overlays_of(
    rows: Iterable[Sequence[Any]], job_type: str, market_codes: Collection[str] | None, tags: Collection[str] | None
) -> tuple[Overlay, ...]:
    """Pick the overlays that concern a job, earliest first; equal rows give equal overlays.

    rows  (name, starts_at, ends_at, action, factor, job_types, market_codes, tags); an empty list means all jobs
    """
    found = [
        Overlay(name, starts_at.astimezone(UTC), ends_at.astimezone(UTC), action, factor)
        for name, starts_at, ends_at, action, factor, types, markets, labels in rows
        if _fits(types, (job_type,)) and _fits(markets, market_codes) and _fits(labels, tags)
    ]
    return tuple(sorted(found, key=lambda each: (each.start, each.end, each.name)))


def _fits(wanted: Collection[str] | None, given: Collection[str] | None) -> bool:
    return not wanted or not set(wanted).isdisjoint(given or ())
