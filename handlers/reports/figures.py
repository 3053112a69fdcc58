"""How figures are written for people: won, counts, shares and days, in the reader's language."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

from handlers.reports.document import Kind, Tile
from handlers.reports.words import MONTHS, WEEKDAYS, Words

UNKNOWN = "–"
KOREAN_STEPS = ((10**12, "조"), (10**8, "억"), (10**4, "만"))
ENGLISH_STEPS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def write(words: Words, kind: Kind, value: Any) -> str:
    """Write one figure; a dash for None."""
    if value is None:
        return UNKNOWN
    if kind == "won":
        return _won(words, f"{value:,}")
    if kind == "count":
        return f"{value:,}"
    if kind == "number":
        return f"{value:,.1f}"
    if kind == "share":
        return f"{value * 100:,.1f}%"
    if kind == "day":
        return _day(words, value)
    if kind in ("hour", "moment"):
        return str(value.strftime("%H:%M" if kind == "hour" else "%Y-%m-%d %H:%M"))
    return str(value)


def write_change(words: Words, tile: Tile) -> str:
    """Write a change in per cent with its sign; that of a share in percentage points."""
    if tile.change is None:
        return UNKNOWN
    unit = "%" if tile.kind != "share" else "%p" if words.language == "ko" else " pp"
    return f"{tile.change * 100:+,.1f}{unit}"


def compact(words: Words, kind: Kind, value: float) -> str:
    """Write a round figure for an axis, such as 350만 or ₩3.5M."""
    korean = words.language == "ko"
    for size, unit in KOREAN_STEPS if korean else ENGLISH_STEPS:
        if value >= size:
            text = f"{value / size:,.2f}".rstrip("0").rstrip(".") + unit
            break
    else:
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return _won(words, text) if kind == "won" else text


def short_day(kind: Kind, value: Any) -> str:
    """Write a day or hour as short as an axis needs it."""
    return f"{value.month}/{value.day}" if kind == "day" else f"{value.hour}" if kind == "hour" else str(value)


def width(text: str) -> int:
    """Say how many columns a text takes in a spreadsheet: two for a Hangul syllable."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _won(words: Words, text: str) -> str:
    if words.language == "ko":
        return f"{text}원"
    return f"-₩{text[1:]}" if text.startswith("-") else f"₩{text}"


def _day(words: Words, day: date) -> str:
    weekday = WEEKDAYS[words.place][day.weekday()]
    if words.language == "ko":
        return f"{day.month}월 {day.day}일 ({weekday})"
    return f"{weekday} {day.day} {MONTHS[day.month - 1]}"
