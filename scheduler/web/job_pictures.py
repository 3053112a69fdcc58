"""How long a job takes, day by day: the median and the 95th percentile, with the timeout where it is near."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from scheduler.web.render import duration
from scheduler.words import say

WIDE, HIGH = 640, 150
LEFT, BELOW, TOP = 70, 20, 8
NEAR = 3.0
"""The line of the timeout is drawn when the longest day comes within this part of it; else it would flatten all else."""

Scale = Callable[[float], float]


def trend(days: Sequence[Mapping[str, Any]], timeout_ms: float) -> Markup:
    """Draw *days* (day, p50_ms, p95_ms), oldest first; nothing for less than two."""
    known = [each for each in days if each["p50_ms"] is not None]
    if len(known) < 2:
        return Markup("")
    longest = max(each["p95_ms"] for each in known)
    shows_timeout = timeout_ms <= longest * NEAR
    top = max(longest, timeout_ms) * 1.05 if shows_timeout else longest * 1.1 or 1.0
    first, last = known[0]["day"], known[-1]["day"]

    def across(day: Any) -> float:
        return float(LEFT + (WIDE - LEFT - 8) * (day - first).days / max(1, (last - first).days))

    def up(value: float) -> float:
        return float(TOP + (HIGH - TOP - BELOW) * (1 - value / top))

    parts = [_grid(top, up), _days(first, last)]
    if shows_timeout:
        parts.append(Markup('<path class="limit" d="M{} {:.1f}H{}"/>').format(LEFT, up(timeout_ms), WIDE))
    for name in ("p95_ms", "p50_ms"):
        points = "L".join(f"{across(each['day']):.1f} {up(each[name]):.1f}" for each in known)
        parts.append(Markup('<path class="{}" d="M{}"/>').format(name[:3], points))
    return Markup('<svg class="trend" role="img" aria-label="{}" viewBox="0 0 {} {}" width="100%">{}</svg>').format(
        _words(known), WIDE, HIGH, Markup("").join(parts))


def _grid(top: float, up: Scale) -> Markup:
    return Markup("").join(
        Markup('<path class="grid" d="M{} {:.1f}H{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT, up(value), WIDE, LEFT - 6, up(value) + 4, duration(value)) for value in (0.0, top / 2, top * 0.95))


def _days(first: Any, last: Any) -> Markup:
    return Markup('<text x="{}" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>').format(
        LEFT, HIGH - 4, f"{first:%m-%d}", WIDE - 8, HIGH - 4, f"{last:%m-%d}")


def _words(known: Sequence[Mapping[str, Any]]) -> str:
    then, now = known[0], known[-1]
    return say(
        f"걸린 시간: {then['day']:%m-%d} 중앙값 {duration(then['p50_ms'])}, {now['day']:%m-%d} 중앙값 {duration(now['p50_ms'])}, "
        f"가장 긴 p95 {duration(max(each['p95_ms'] for each in known))}",
        f"Durations: median {duration(then['p50_ms'])} on {then['day']:%m-%d}, {duration(now['p50_ms'])} on {now['day']:%m-%d}, "
        f"longest p95 {duration(max(each['p95_ms'] for each in known))}")
