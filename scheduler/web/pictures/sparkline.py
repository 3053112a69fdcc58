"""A line as small as a word: how long the last successful runs took."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDE, HIGH = 80, 18
FEWEST = 3


def sparkline(values: Sequence[float | None], label: str) -> Markup:
    """Draw *values*, the oldest first, with *label* as its words; nothing when there are too few to see a course."""
    known = [each for each in values if each is not None]
    if len(known) < FEWEST:
        return Markup("")
    lowest, highest = min(known), max(known)
    spread = (highest - lowest) or 1
    step = WIDE / (len(known) - 1)
    points = [f"{round(place * step)} {round(1 + (HIGH - 2) * (highest - each) / spread)}" for place, each in enumerate(known)]
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}"><path d="M{}"/></svg>'
    ).format(label, WIDE, HIGH, WIDE, HIGH, "L".join(points))
