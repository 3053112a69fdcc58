"""One day of jobs, a lane each: what ran, what runs, what comes and what was missed; a unit of width is a minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

MINUTES = 1440
LANE = 28
LEAST = 2


@dataclass(slots=True)
class Lane:
    """A job on that day.

    spans   (status, first minute, last minute) of what ran, gathered by minute already
    future  minutes at which it will run
    missed  minutes at which it should have run and did not
    """

    job_id: int
    name: str
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    future: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def timeline(lanes: Sequence[Lane], now: int | None, label: str) -> Markup:
    """Draw *lanes* over the 1,440 minutes of a day; *now* is the present minute, None on another day.

    Its width follows the page, its height the number of lanes, so shapes must not lean on being square; words and names
    stand outside of it, in HTML.
    """
    high = max(1, len(lanes)) * LANE
    drawn = Markup("").join(_lane(lane, number * LANE) for number, lane in enumerate(lanes))
    line = Markup("") if now is None else Markup('<path class="now" d="M{} 0V{}"/>').format(now, high)
    return Markup(
        '<svg class="timeline" role="img" aria-label="{}" viewBox="0 0 {} {}" width="100%" height="{}" '
        'preserveAspectRatio="none">'
        '<defs><pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse"><path class="running" d="M0 0h3v6h-3z"/>'
        '</pattern></defs><path class="grid" d="{}"/>{}{}</svg>').format(
        label, MINUTES, high, high, _grid(high, len(lanes)), drawn, line)


def _grid(high: int, lanes: int) -> str:
    hours = "".join(f"M{hour * 60} 0V{high}" for hour in range(3, 24, 3))
    return hours + "".join(f"M0 {number * LANE}H{MINUTES}" for number in range(lanes + 1))


def _lane(lane: Lane, top: int) -> Markup:
    by_state: dict[str, list[tuple[int, int]]] = {}
    for status, first, last in lane.spans:
        by_state.setdefault(_state(status), []).append((first, last))
    made = [_path(state, _merged(spans), top) for state, spans in sorted(by_state.items(), key=lambda each: ORDER.index(each[0]))]
    if lane.future:
        made.append(_path("future", [(minute, minute) for minute in sorted(set(lane.future))], top))
    if lane.missed:
        crosses = "".join(f"M{minute - 3} {top + 9}l6 10m0-10l-6 10" for minute in sorted(set(lane.missed)))
        made.append(Markup('<path class="missed" d="{}"/>').format(crosses))
    return Markup("").join(made)


ORDER = ("skipped", "cancelled", "success", "running", "failed", "queued")
SHAPES: Mapping[str, tuple[int, int]] = {
    # state: distance from the top of the lane, height
    "success": (7, 14), "failed": (2, 24), "running": (7, 14), "queued": (11, 6), "skipped": (20, 3), "cancelled": (20, 3),
    "future": (8, 12),
}


def _state(status: str) -> str:
    return "failed" if status in ("failed", "timed_out", "lost") else status


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join what touches: however often a job runs, it has no more shapes than minutes."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def _path(state: str, spans: Sequence[tuple[int, int]], top: int) -> Markup:
    away, height = SHAPES[state]
    shapes = "".join(
        f"M{first} {top + away}h{max(LEAST, min(last, MINUTES) - first)}v{height}h-{max(LEAST, min(last, MINUTES) - first)}z"
        for first, last in spans)
    if state == "running":
        return Markup('<path class="outline" fill="url(#stripes)" d="{}"/>').format(shapes)
    return Markup('<path class="{}" d="{}"/>').format(state, shapes)
