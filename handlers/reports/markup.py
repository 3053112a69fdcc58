"""Texts of others inside a page: nothing in a product's name becomes markup."""

from __future__ import annotations

import unicodedata
from html import escape

REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """Escape a text; a character that HTML forbids even as a reference becomes the replacement character."""
    return escape("".join(REPLACEMENT if _is_forbidden(one) else one for one in text))


def _is_forbidden(one: str) -> bool:
    code = ord(one)
    is_noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return is_noncharacter or (unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\n")
