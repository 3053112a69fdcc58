"""How long a job takes, day by day: the median and the 95th percentile, with the timeout where it is near."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from scheduler.web.render import duration
from scheduler.words import say

EPOCH = date(1970, 1, 1)
WIDE, HIGH = 640, 150
LEFT, BELOW, TOP = 70, 20, 8
NEAR = 3.0
"""The line of the timeout stands at its height when the longest day comes within this part of it; else at the upper edge."""

Scale = Callable[[float], float]


def trend(days: Sequence[Mapping[str, Any]], timeout_ms: float) -> Markup:
    """Draw *days* (day, p50_ms, p95_ms), oldest first; nothing for less than two."""
    known = [each for each in days if each["p50_ms"] is not None]
    if len(known) < 2:
        return Markup("")
    longest = max(each["p95_ms"] for each in known)
    is_near = timeout_ms <= longest * NEAR
    top = max(longest, timeout_ms) * 1.05 if is_near else longest * 1.1 or 1.0
    first, last = known[0]["day"], known[-1]["day"]

    def across(day: Any) -> float:
        return float(LEFT + (WIDE - LEFT - 8) * (day - first).days / max(1, (last - first).days))

    def up(value: float) -> float:
        return float(TOP + (HIGH - TOP - BELOW) * (1 - value / top))

    parts = [_grid(top, up), _days(first, last)]
    limit = up(timeout_ms) if is_near else float(TOP)
    parts.append(Markup('<path class="limit" d="M{} {:.1f}H{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
        LEFT, limit, WIDE, WIDE - 8, limit + 12, limit_words(timeout_ms, is_near)))
    for name in ("p95_ms", "p50_ms"):
        points = "L".join(f"{across(each['day']):.1f} {up(each[name]):.1f}" for each in known)
        parts.append(Markup('<path class="{}" d="M{}"/>').format(name[:3], points))
    return Markup('<svg class="trend" role="img" aria-label="{}" viewBox="0 0 {} {}" width="100%">{}</svg>').format(
        _words(known), WIDE, HIGH, Markup("").join(parts))


def limit_words(timeout_ms: float, is_near: bool) -> str:
    """Name the line of the timeout, with an arrow when it lies far above what is drawn."""
    return ("" if is_near else "↑ ") + say(f"제한 시간 {duration(timeout_ms)}", f"time limit {duration(timeout_ms)}")


def trend_values(days: Sequence[Mapping[str, Any]], timeout_ms: float) -> dict[str, Any]:
    """Return what a chart of the trend is drawn from: seconds of the days in UTC, milliseconds, and the line of the timeout."""
    known = [each for each in days if each["p50_ms"] is not None]
    is_near = timeout_ms <= max((each["p95_ms"] for each in known), default=0) * NEAR
    return {
        "at": [(each["day"] - EPOCH).days * 86_400 for each in known],
        "p50": [float(each["p50_ms"]) for each in known], "p95": [float(each["p95_ms"]) for each in known],
        "limit": timeout_ms, "isNear": is_near, "limitWords": limit_words(timeout_ms, is_near),
    }


def _grid(top: float, up: Scale) -> Markup:
    return Markup("").join(
        Markup('<path class="grid" d="M{} {:.1f}H{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT, up(value), WIDE, LEFT - 6, up(value) + 4, duration(value) if value else 0)
        for value in (0.0, top / 2, top * 0.95))


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
