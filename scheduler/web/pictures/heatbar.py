"""The last runs of a job as a row of bars: height by duration, colour and shape by result, a gap where it was skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from scheduler.web.status_words import status_word
from scheduler.words import say

MOST = 50
STEP, WIDE = 4, 3
HIGH, LOWEST = 18, 5
BELOW = 4
FAILED = ("failed", "timed_out", "lost")
SEOUL = ZoneInfo("Asia/Seoul")


def heatbar(
    results: Sequence[str] | None, durations: Sequence[float | None] | None = None,
    since: datetime | None = None, until: datetime | None = None,
) -> Markup:
    """Draw *results*, newest first as ``schedule_job_health.results`` has them, the oldest at the left.

    durations     in milliseconds, in the same order; without them all successes are equally high
    since, until  the span of time that the bars stand for, for the words
    """
    shown = list(results or ())[:MOST]
    if not shown:
        return Markup('<span class="quiet">{}</span>').format(say("아직 실행 안 됨", "Never run"))
    heights = _heights(shown, durations)
    paths: dict[str, list[str]] = {}
    first = MOST - len(shown)
    for place, (status, height) in enumerate(zip(reversed(shown), reversed(heights), strict=True)):
        paths.setdefault(status, []).append(_bar(status, (first + place) * STEP, height))
    drawn = Markup("").join(
        Markup('<path class="{}" d="{}"/>').format(status, "".join(parts)) for status, parts in paths.items() if any(parts))
    return Markup('<svg class="heat" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>').format(
        in_words(shown, since, until), MOST * STEP, HIGH + BELOW, MOST * STEP, HIGH + BELOW, drawn)


def in_words(results: Sequence[str], since: datetime | None = None, until: datetime | None = None) -> str:
    """Say how the last runs ended, and when they were."""
    counted = ", ".join(f"{status_word(status)} {number}" for status, number in Counter(results).most_common())
    words = say(f"최근 {len(results)}회: {counted}", f"Last {len(results)}: {counted}")
    if since is None or until is None:
        return words
    return f"{words} ({since.astimezone(SEOUL):%m-%d %H:%M} – {until.astimezone(SEOUL):%m-%d %H:%M})"


def _heights(results: Sequence[str], durations: Sequence[float | None] | None) -> list[int]:
    """Rank the durations: the longest is as high as the picture, the shortest still seen."""
    if durations is None:
        return [HIGH - BELOW] * len(results)
    known = sorted({each for each in durations if each is not None})
    rank = {each: place / max(1, len(known) - 1) for place, each in enumerate(known)}
    return [LOWEST + round((HIGH - LOWEST) * rank.get(each, 0.0)) if each is not None else LOWEST for each in
            list(durations)[:len(results)]]


def _bar(status: str, x: int, height: int) -> str:
    if status == "skipped":
        return ""
    if status in FAILED:
        return f"M{x} 0h{WIDE}v{HIGH + BELOW}h-{WIDE}z"
    if status == "cancelled":
        return f"M{x} {HIGH - 2}h{WIDE}v2h-{WIDE}z"
    return f"M{x} {HIGH - height}h{WIDE}v{height}h-{WIDE}z"
