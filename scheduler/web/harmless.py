"""Text that programs wrote, without what would act: in a browser, in a terminal, in an editor."""

from __future__ import annotations

import re

# Colours and cursor movements of terminals mean nothing here; a title or a link within them must not act either.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Characters that act, or that turn the direction of what follows, are shown instead of obeyed.
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """Return *text* without terminal codes, each other control character as a picture of itself or its number."""
    return ACTING.sub(_picture, ESCAPES.sub("", text.replace("\r\n", "\n")))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else f"<U+{code:04X}>"
