"""Filters out of an address: a value that cannot be read is refused in words, for it must never mean "all"."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from starlette.requests import Request

from scheduler.web import inputs
from scheduler.web.inputs import refused
from scheduler.web.render import SEOUL, with_query
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


def moment_of(request: Request, name: str) -> datetime | None:
    """Return the moment that a filter names, None without one. Raises Refused (422).

    Either so long ago (``24h``) or a day or time; one that names no zone is Korean, as all that the page shows.
    """
    text = text_of(request, name)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return inputs.moment_of(text, name) if text else None
    return inputs.moment_of(local.isoformat() if local.tzinfo else local.replace(tzinfo=SEOUL).isoformat(), name)


def ended_in(day: date, hour: int | None = None, **filters: Any) -> str:
    """Return the address of the executions that ended on a Korean day, or in an hour of it, and pass *filters*."""
    begin = datetime(day.year, day.month, day.day, hour or 0)
    end = begin + (timedelta(1) if hour is None else timedelta(hours=1))
    return "/scheduler/executions" + with_query(filters, since=f"{begin:%Y-%m-%dT%H:%M}", until=f"{end:%Y-%m-%dT%H:%M}")


def refuse_unknown(request: Request, known: Collection[str], others: Collection[str] = ()) -> None:
    """Refuse what neither filters nor says something else: a deed must not concern more than was meant. Raises Refused (422)."""
    for name in request.query_params:
        if name not in known and name not in others:
            listed = ", ".join(known)
            raise refused(name[:50], say(f"'{name[:50]}' 조건을 모릅니다. 쓸 수 있는 것: {listed}",
                                         f"there is no filter '{name[:50]}'; there are {listed}"))
