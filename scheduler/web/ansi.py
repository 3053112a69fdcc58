"""The colours that a program writes for a terminal, as classes: the eight colours, their bright ones, bold, underlined."""

from __future__ import annotations

import re

from markupsafe import Markup

from scheduler.web.harmless import harmless

STYLE = re.compile(r"\x1b\[([0-9;]{0,60})m", re.ASCII)
COLOURS = frozenset((*range(30, 38), *range(90, 98)))
# What follows these names a colour of 256 or of millions: it is no code of its own.
LONGER = {"38", "48", "58"}
LENGTH = {"5": 2, "2": 4}
MOST = 2000


def coloured(text: str) -> Markup:
    """Return *text* without terminal codes, what was coloured, bold or underlined in spans of classes (a31, bold, line-under).

    Text with very many colours is shown without any.
    """
    pieces = STYLE.split(text.replace("\r\n", "\n"))
    if len(pieces) > 2 * MOST:
        return Markup.escape(harmless(text))
    classes: tuple[str, ...] = ()
    parts = [_piece(pieces[0], classes)]
    for codes, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        classes = _after(codes, classes)
        parts.append(_piece(piece, classes))
    return Markup("").join(parts)


def _piece(text: str, classes: tuple[str, ...]) -> Markup:
    shown = harmless(text)
    if not shown or not classes:
        return Markup.escape(shown)
    return Markup('<span class="{}">{}</span>').format(" ".join(classes), shown)


def _after(codes: str, former: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes in force after *codes*; what is no colour, bold or underline changes nothing."""
    colour = next((each for each in former if each not in ("bold", "line-under")), "")
    bold, under = "bold" in former, "line-under" in former
    left = codes.split(";")
    while left:
        code = left.pop(0)
        if code in LONGER:
            colour = "" if code == "38" else colour
            del left[:LENGTH.get(left[0] if left else "", 0)]
        elif code.strip("0") == "":
            colour, bold, under = "", False, False
        elif code.isdigit() and len(code) <= 3:
            number = int(code)
            colour = f"a{number}" if number in COLOURS else "" if number == 39 else colour
            bold = (bold or number == 1) and number != 22
            under = (under or number == 4) and number != 24
    return tuple(each for each in (colour, "bold" * bold, "line-under" * under) if each)
