"""The one place that chooses between Korean and English.

Both wordings stand side by side at the point of use, so that a reader sees what an operator sees:

    say("잠금이 없습니다", "there is no lock")
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar

PAIR = re.compile(r"이\(가\)|은\(는\)|을\(를\)|과\(와\)|\(으\)로")
# What is not read aloud between a word and its particle: quotes, and whatever an editor put into parentheses after it.
UNREAD = re.compile(r"(?:\s*\([^()]*\)|['\"’”»」』\]…])+$")
CLOCK = re.compile(r"\d:(\d\d)(:\d\d)?$")
DAY = re.compile(r"-\d\d$")
LATIN = re.compile(r"[A-Za-z]+$")
# English words as they are spelt in Hangul: file 파일, timezone 타임존, name 네임, string 스트링, job 잡.
CLOSED = re.compile(r"([lmn]|ng|[mn]e|(^|[^aeiou])[aeiou][bckpt])$")
VOWEL = re.compile("[aeiouy]", re.IGNORECASE)
LIQUID = re.compile(r"(l|[^l]le)$")
NONE, LIKE_L, OTHER = range(3)
LAST_CONSONANT_OF_A_SYLLABLE = 28
RIEUL = 8

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
    return particles(korean) if language() == "ko" else english


def particles(korean: str) -> str:
    """Choose each particle by the sound before it: ``작업 42이(가)`` is ``작업 42가``, ``재고을(를)`` is ``재고를``.

    Applied to a whole sentence, after the names have been put in; a pair that follows no word stays.
    """
    if "(" not in korean:
        return korean
    return PAIR.sub(lambda pair: _particle(korean[max(0, pair.start() - 100):pair.start()], pair[0]), korean)


def _particle(before: str, pair: str) -> str:
    word = UNREAD.sub("", before).rstrip("'\"‘“ ")
    if not word:
        return pair
    sound = _last_sound(word)
    if pair == "(으)로":
        return "으로" if sound == OTHER else "로"
    return pair[0] if sound != NONE else pair[2]


def _last_sound(word: str) -> int:
    """Say whether *word*, read aloud in Korean, ends in a vowel, in ㄹ, or in another consonant."""
    last = word[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % LAST_CONSONANT_OF_A_SYLLABLE
        return NONE if not final else LIKE_L if final == RIEUL else OTHER
    clock = CLOCK.search(word)
    if clock is not None:
        return NONE if clock[2] or clock[1] == "00" else OTHER      # 열 시, 열 시 오 초, 열 시 삼십 분
    if DAY.search(word) or last in "178":
        return LIKE_L
    if last in "036":
        return OTHER
    latin = LATIN.search(word)
    return NONE if latin is None else _latin_sound(latin[0])


def _latin_sound(word: str) -> int:
    if len(word) == 1 or word.isupper() or VOWEL.search(word) is None:       # said letter by letter: SQL, kr
        return {"L": LIKE_L, "R": LIKE_L, "M": OTHER, "N": OTHER}.get(word[-1].upper(), NONE)
    plain = word.lower()
    return LIKE_L if LIQUID.search(plain) else OTHER if CLOSED.search(plain) else NONE
