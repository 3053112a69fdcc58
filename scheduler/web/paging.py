"""Lists page by page: a cursor names the last row that was sent, so that no page is slower than the first."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import Depends, Query
from starlette.requests import Request

from scheduler.queries.rows import Row
from scheduler.web.answers import Answer
from scheduler.web.problems import Problem, Refused
from scheduler.words import say

MOST = 200
USUAL = 50
LONGEST_CURSOR = 2000
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a list is wanted."""

    limit: int = USUAL
    cursor: str | None = None
    counts: bool = False

    def after(self, scope: str, kinds: Sequence[type]) -> tuple[Any, ...] | None:
        """Return the key of the row after which to go on, None for the beginning. Raises Refused (400).

        scope  what the list is sorted by: a cursor of another order says nothing
        kinds  the types of the key's parts; each may be None
        """
        return None if self.cursor is None else read_cursor(self.cursor, scope, kinds)


def _asked(
    limit: Annotated[int, Query(ge=1, le=MOST, description="At most so many items")] = USUAL,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="`next` of the page before")] = None,
    count: Annotated[Literal["exact"] | None, Query(description="`exact` counts all matches into `total`")] = None,
) -> Asked:
    return Asked(limit, cursor, count == "exact")


PageAsked = Annotated[Asked, Depends(_asked)]


def make_cursor(scope: str, key: Iterable[Any]) -> str:
    """Write a cursor: opaque to whoever holds it."""
    parts = [each.isoformat() if isinstance(each, datetime) else each for each in key]
    text = json.dumps([scope, *parts], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, scope: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """Read a cursor. Raises Refused (400) when it is none of ours, or one of another order."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(found, list) or len(found) != len(kinds) + 1 or found[0] != scope:
            raise ValueError("another list")
        return tuple(_part(each, kind) for each, kind in zip(found[1:], kinds, strict=True))
    except (ValueError, RecursionError, binascii.Error):
        words = say("cursor가 이 목록의 것이 아닙니다. cursor 없이 처음부터 읽으세요",
                    "the cursor is not one of this list; leave it out and begin anew")
        raise Refused(Problem(400, "malformed", words, errors=(
            {"pointer": "/cursor", "in": "query", "code": "cursor", "message": words},))) from None


def _part(value: Any, kind: type) -> Any:
    if value is None:
        return None
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a moment without offset")
        return moment
    if type(value) is not kind or not _fits(value):
        raise ValueError("another type")
    return value


def _fits(value: Any) -> bool:
    """Say whether PostgreSQL can take it."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value)
    return abs(value) <= LARGEST if isinstance(value, int) else True


def page_of(
    request: Request, asked: Asked, found: Sequence[Row], scope: str, key: Callable[[Row], Iterable[Any]],
    *, shown: Callable[[Row], Any] = dict, total: int | None = None, reached: Iterable[Any] | None = None,
) -> Answer:
    """Answer one page of a list.

    found    the rows in order, one more than ``asked.limit`` when there are more
    key      what the cursor keeps of a row
    shown    what is sent of a row
    reached  the key to go on from when the look ended before the page was full
    """
    sent = found[:asked.limit]
    last = key(sent[-1]) if sent and len(found) > asked.limit else reached
    following = None if last is None else make_cursor(scope, last)
    headers = {} if following is None else {"Link": f'<{_address(request, following)}>; rel="next"'}
    return Answer({"items": [shown(each) for each in sent], "next": following, "total": total}, headers=headers)


def _address(request: Request, cursor: str) -> str:
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    path = quote(request.scope["path"], safe="/:")
    return f"{path}?{urlencode([*query, ('cursor', cursor)])}"


def chosen_fields(fields: str | None, known: Iterable[str]) -> frozenset[str] | None:
    """Read ``fields=id,name``; None means all. Raises Refused (422) for one that nobody knows."""
    if fields is None:
        return None
    wanted, there = [each.strip() for each in fields.split(",") if each.strip()], set(known)
    unknown = [each for each in wanted if each not in there]
    if unknown or not wanted:
        words = say(f"fields: {', '.join(unknown)[:200] or '(없음)'}은(는) 모르는 항목입니다",
                    f"fields: {', '.join(unknown)[:200] or '(none)'} is not known")
        raise Refused(Problem(422, "invalid", words, errors=(
            {"pointer": "/fields", "in": "query", "code": "unknown", "message": words},)))
    return frozenset(wanted)


def only(fields: frozenset[str] | None, values: Mapping[str, Any]) -> Row:
    """Return those of *values* that were asked for."""
    return {name: value for name, value in values.items() if fields is None or name in fields}
