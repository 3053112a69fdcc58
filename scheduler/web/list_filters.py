"""Filters out of an address: a value that cannot be read is refused in words, for it must never mean "all"."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request

from scheduler.web.inputs import refused, seconds_of
from scheduler.words import say

LONGEST = 200


def text_of(request: Request, name: str) -> str:
    """Return the text of a filter, empty without one. Raises Refused (422)."""
    text = (request.query_params.get(name) or "").strip()
    if "\0" in text or len(text) > LONGEST:
        words = say(f"{name}: {LONGEST}자 이하로, NUL 없이 쓰세요", f"{name}: at most {LONGEST} characters, without NUL")
        raise refused(name, words)
    return text


def choice_of(request: Request, name: str, known: Collection[str]) -> str | None:
    """Return which of *known* a filter names, None without one. Raises Refused (422)."""
    text = text_of(request, name)
    return _known(name, text, known) if text else None


def choices_of(request: Request, name: str, known: Collection[str]) -> tuple[str, ...]:
    """Return which of *known* a filter names, in their order: it may stand several times, with commas. Raises Refused (422)."""
    texts = [each.strip() for text in request.query_params.getlist(name) for each in text.split(",")]
    named = {_known(name, each, known) for each in texts if each}
    return tuple(each for each in known if each in named)


def _known(name: str, text: str, known: Collection[str]) -> str:
    if text not in known:
        listed = ", ".join(known)
        raise refused(name, say(f"{name}: '{text[:50]}' 값을 모릅니다. 다음 중 하나를 쓰세요: {listed}",
                                f"{name}: '{text[:50]}' is not known; write one of {listed}"))
    return text


def length_of(request: Request, name: str) -> float | None:
    """Return the seconds of a filter such as ``24h``, None without one. Raises Refused (422)."""
    text = text_of(request, name)
    return seconds_of(text, name) if text else None


def refuse_unknown(request: Request, known: Collection[str], others: Collection[str] = ()) -> None:
    """Refuse what neither filters nor says something else: a deed must not concern more than was meant. Raises Refused (422)."""
    for name in request.query_params:
        if name not in known and name not in others:
            listed = ", ".join(known)
            raise refused(name[:50], say(f"'{name[:50]}' 조건을 모릅니다. 쓸 수 있는 것: {listed}",
                                         f"there is no filter '{name[:50]}'; there are {listed}"))
