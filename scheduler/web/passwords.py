"""Passwords: argon2id, the same time for names that nobody has, two at once at most."""

from __future__ import annotations

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from scheduler.errors import ParameterError
from scheduler.words import say

SHORTEST = 10
LONGEST = 500

# RFC 9106, second choice: 64 MiB, three passes. Each check takes that memory, so that only so many may be at it.
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)
_AT_ONCE = threading.BoundedSemaphore(2)


def check_password(password: str, again: str | None = None, name: str = "") -> None:
    """Refuse what is no good password. Raises ParameterError in words; *again* is what was typed the second time."""
    if again is not None and password != again:
        raise ParameterError(say("두 비밀번호가 다릅니다", "the two passwords differ"))
    if not SHORTEST <= len(password) <= LONGEST:
        raise ParameterError(say(f"비밀번호는 {SHORTEST}자 이상이어야 합니다", f"a password has {SHORTEST} characters or more"))
    if len(set(password)) < 4 or (name and password.casefold() == name.casefold()):
        raise ParameterError(say("너무 쉬운 비밀번호입니다", "that password is too easy to guess"))


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    with _AT_ONCE:
        return HASHER.hash(_as_typed(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Say whether the password is right. Without a hash it takes as long and is wrong."""
    with _AT_ONCE:
        try:
            right = HASHER.verify(password_hash or _nobodys(), _as_typed(password))
        except (VerificationError, InvalidHashError):
            return False
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


def _as_typed(password: str) -> str:
    """Return the same text whichever keyboard composed its syllables; what is too long is cut before it costs time."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 2])


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return HASHER.hash("the password of nobody")
