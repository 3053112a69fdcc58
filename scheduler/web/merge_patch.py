"""JSON Merge Patch (RFC 7396), and the conditions under which a row may be changed: ``ETag`` and ``If-Match``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header

from scheduler.web.problems import Problem, Refused
from scheduler.words import say

TAG = re.compile(r'\s*"([^"]*)"\s*')
IfMatch = Annotated[str | None, Header(
    alias="If-Match", max_length=1000, description="읽을 때 받은 ETag / The ETag as it was read", examples=['"3"'])]


def merged(target: Any, patch: Any) -> Any:
    """Return *target* as *patch* says: null takes a member away, objects are merged, all else takes the place of what was."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def etag(revision: int | str) -> str:
    """Return the ETag of a revision."""
    return f'"{revision}"'


def demanded(condition: str | None) -> str:
    """Return If-Match as it was sent. Raises Refused (428) without one."""
    if condition is not None and condition.strip():
        return condition
    words = say("If-Match 헤더가 필요합니다. 먼저 GET으로 ETag를 받으세요", "If-Match is needed; GET the ETag first")
    raise Refused(Problem(428, "precondition", words, hint='If-Match: "3"'))


def matches(condition: str, revision: int | str) -> bool:
    """Say whether *revision* is one of those that an If-Match names; ``*`` is any, a weak tag (``W/``) none."""
    named = [found[1] for each in condition.split(",") if (found := TAG.fullmatch(each))]
    return condition.strip() == "*" or str(revision) in named


def changed(current: Mapping[str, Any], revision: int | str) -> Refused:
    """Make the refusal of a change to what has changed meanwhile; it carries the present row."""
    words = say(f"그사이 바뀌었습니다. 지금 번호는 {revision}입니다", f"it has changed meanwhile; its revision is {revision} now")
    return Refused(Problem(412, "changed", words, headers={"ETag": etag(revision)}, more={"current": dict(current)}))
