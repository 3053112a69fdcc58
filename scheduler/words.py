"""The one place that chooses between Korean and English.

Both wordings stand side by side at the point of use, so that a reader sees what an operator sees:

    say("잠금이 없습니다", "there is no lock")
"""

from __future__ import annotations

import os
from contextvars import ContextVar

_language: str | None = None
_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)
"""The language of one request of many that a process answers at once."""


def set_language(language: str | None) -> None:
    """Fix the language for this process; None goes back to the environment's choice."""
    global _language
    _language = language


def speak(language: str) -> None:
    """Choose the language of the present context: of one request, and of what it calls."""
    _spoken.set(language)


def language() -> str:
    """Say which language people read here: ``ko`` or ``en``.

    Order: speak, set_language, ERP_SCHEDULER_LANG, an English locale in LC_ALL, LC_MESSAGES or LANG, else Korean.
    """
    chosen = _spoken.get() or _language
    if chosen in ("ko", "en"):
        return chosen
    chosen = os.environ.get("ERP_SCHEDULER_LANG", "").lower()
    if chosen in ("ko", "en"):
        return chosen
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "en" if value.startswith("en") else "ko"
    return "ko"


def say(korean: str, english: str) -> str:
    """Return the wording in the language of this process."""
    return korean if language() == "ko" else english
