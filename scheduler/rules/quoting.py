"""Quote what people typed so that it can stand in a message: short, and without anything a terminal would obey."""

from __future__ import annotations

LONGEST = 80


def quoted(text: str) -> str:
    """Return *text* in quotes: control, bidi and broken characters escaped, at most 80 characters of it."""
    shown = repr(text[: LONGEST + 1])[1:-1]
    if len(shown) > LONGEST:
        shown = shown[: LONGEST - 1] + "…"
    return f"'{shown}'"
