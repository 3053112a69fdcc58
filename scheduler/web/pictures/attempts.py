"""The attempts at one planned time on one line of time: what waited, what ran, how each ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from scheduler.web.render import duration
from scheduler.web.status_words import status_icon, status_word
from scheduler.words import say

ROW = 36
LEFT, WIDE = 0.5, 99.0
SMALLEST = 2.0
SHOWN = 12


def attempts_picture(attempts: Sequence[Mapping[str, Any]], this: int, now: datetime) -> Markup:
    """Draw the last attempts, one row each; *this* is outlined. Widths are per cent, so it fits any screen."""
    rows = attempts[-SHOWN:]
    begin = min(_first(each) for each in rows)
    end = max(each["finished_at"] or now for each in rows)
    span: float = max((end - begin).total_seconds(), 0.001)

    def place(moment: datetime) -> float:
        past: float = (moment - begin).total_seconds()
        return LEFT + WIDE * min(1.0, max(0.0, past / span))

    drawn = Markup("").join(_row(each, index, this, now, place) for index, each in enumerate(rows))
    label = say(f"시도 {len(attempts)}번: ", f"{len(attempts)} attempts: ") + "; ".join(_words(each) for each in rows)
    return Markup('<svg class="attempts" role="img" aria-label="{}" width="100%" height="{}">{}</svg>').format(
        label, len(rows) * ROW, drawn)


def _first(each: Mapping[str, Any]) -> datetime:
    """Return when an attempt began to be; a row that was written after its run begins with the run."""
    known: list[datetime] = [each[name] for name in ("created_at", "started_at", "finished_at") if each[name] is not None]
    return min(known)


def _row(each: Mapping[str, Any], index: int, this: int, now: datetime, place: Any) -> Markup:
    top = index * ROW
    started, ended = each["started_at"], each["finished_at"] or now
    made = _first(each)
    ready = min(max(each["available_at"], made), started or ended)
    bars = [_bar("delay", place(made), place(ready), top),
            _bar("waits", place(ready), place(started or ended), top)]
    if started is not None:
        kind = f"{each['status']} this" if each["id"] == this else each["status"]
        bars.append(_bar(kind, place(started), place(ended), top, SMALLEST))
    at = place(made)
    text = Markup('<text x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        f"{min(at, 99):.2f}" if at < 60 else "99.50", top + 12, "start" if at < 60 else "end", _words(each))
    return text + Markup("").join(bars)


def _bar(kind: str, left: float, right: float, top: int, smallest: float = 0.0) -> Markup:
    width = max(right - left, smallest)
    if width <= 0:
        return Markup("")
    return Markup('<rect class="{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="12" rx="2"/>').format(
        kind, min(left, 100 - width), top + 18, width)


def _words(each: Mapping[str, Any]) -> str:
    took = f" {duration(each['duration_ms'])}" if each["duration_ms"] is not None else ""
    return f"{each['attempt']} {status_icon(each['status'])} {status_word(each['status'])}{took}"
