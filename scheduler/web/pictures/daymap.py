"""The days of half a year as squares, a week a column: since when does it fail, when did it rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from scheduler.words import say

WEEKS = 26
STEP, SIDE = 13, 11
SEOUL = ZoneInfo("Asia/Seoul")
SHAPES = {
    "none": "M{x} {y}m4 4h3v3h-3z",
    "good": "M{x} {y}h11v11h-11z",
    "mixed": "M{x} {y}h11v11h-11zM{x} {y}m4 4v3h3v-3z",
    "bad": "M{x} {y}m0 2l2-2 3.5 3.5 3.5-3.5 2 2-3.5 3.5 3.5 3.5-2 2-3.5-3.5-3.5 3.5-2-2 3.5-3.5z",
}


def daymap(days: Sequence[Mapping[str, Any]], today: date | None = None, weeks: int = WEEKS) -> Markup:
    """Draw *days*: rows of ``schedule_history_daily`` (day, ended, failed, …), in any order, one a day or several.

    Full square: all succeeded; square with a hole: some failed; a cross: most failed; a dot: nothing ran.
    """
    today = today or datetime.now(SEOUL).date()
    first = today - timedelta(days=today.weekday() + 7 * (weeks - 1))
    ran, failed = _sums(days)
    paths: dict[str, list[str]] = {}
    for number in range((today - first).days + 1):
        day = first + timedelta(days=number)
        kind = _kind(ran.get(day, 0), failed.get(day, 0))
        paths.setdefault(kind, []).append(SHAPES[kind].format(x=number // 7 * STEP, y=number % 7 * STEP))
    drawn = Markup("").join(
        Markup('<path class="day {}" fill-rule="evenodd" d="{}"/>').format(kind, "".join(parts)) for kind, parts in paths.items())
    return Markup('<svg class="daymap" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>').format(
        _words(ran, failed, first, today), weeks * STEP, 7 * STEP, weeks * STEP, 7 * STEP, drawn)


def _sums(days: Sequence[Mapping[str, Any]]) -> tuple[dict[date, int], dict[date, int]]:
    ran: dict[date, int] = {}
    failed: dict[date, int] = {}
    for each in days:
        ran[each["day"]] = ran.get(each["day"], 0) + int(each["ended"])
        failed[each["day"]] = failed.get(each["day"], 0) + int(each["failed"])
    return ran, failed


def _kind(ran: int, failed: int) -> str:
    if not ran:
        return "none"
    if not failed:
        return "good"
    return "bad" if failed * 2 > ran else "mixed"


def _words(ran: Mapping[date, int], failed: Mapping[date, int], first: date, today: date) -> str:
    within = [day for day in ran if first <= day <= today]
    runs, faults = sum(ran[day] for day in within), sum(failed[day] for day in within)
    bad = max((day for day in within if failed.get(day)), default=None)
    korean = f"{first:%Y-%m-%d}부터 {len(within)}일 동안 {runs}회 실행, 실패 {faults}회"
    english = f"Since {first:%Y-%m-%d}: {runs} runs on {len(within)} days, {faults} failed"
    if bad is not None:
        korean, english = f"{korean} (마지막 실패 {bad:%m-%d})", f"{english} (last on {bad:%m-%d})"
    return say(korean, english)
