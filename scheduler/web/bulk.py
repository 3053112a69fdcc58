"""Deeds on many rows: a few at a time, so that nobody waits for the whole; what becomes of each is told on a page.

The first few are done within the request. More go on beside it, and the page that the request leads to shows how far they are.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.database.connection import is_outage
from scheduler.errors import SchedulerError
from scheduler.log import event
from scheduler.queries.rows import Row
from scheduler.web.people import Person
from scheduler.web.place import place_of
from scheduler.web.problems import Problem, Refused, problem_of
from scheduler.words import say

AT_ONCE = 25
"""Rows in one transaction: the daemon, which writes them too, must not wait for long."""
ASKS_ABOVE = 10
NAMED = 10
KEPT = 100
WORKERS = 2

Deed = Callable[[psycopg.Connection[Any], Row], Any]


@dataclass(slots=True)
class Outcome:
    """What becomes of a deed on many rows.

    kind    jobs or executions
    broken  why it ended before all were done, in words
    """

    kind: str
    action: str
    actor: str
    total: int
    back: str
    done: int = 0
    refused: list[tuple[Row, str]] = field(default_factory=list)
    broken: str | None = None
    is_over: bool = False
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def seen(self) -> int:
        return self.done + len(self.refused)


_outcomes: OrderedDict[str, Outcome] = OrderedDict()
_workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="bulk")


def check_number(number: int, expect: int, typed: str) -> None:
    """Refuse when there are not as many as were shown, or when many are not confirmed. Raises Refused."""
    if number != expect:
        words = say(f"그사이 해당하는 것이 {expect}개에서 {number}개로 바뀌었습니다. 다시 확인하세요",
                    f"the filter meant {expect} and now means {number}; look again")
        raise Refused(Problem(409, "changed", words))
    if number > ASKS_ABOVE and typed.strip() != str(number):
        words = say(f"확인을 위해 {number}을(를) 입력하세요", f"type {number} to confirm")
        raise Refused(Problem(422, "invalid", words))


def start(request: Request, outcome: Outcome, found: Sequence[Row], deed: Deed) -> str:
    """Do it to the first few, and see to it that the others follow. Returns the address that tells how it goes."""
    _some(request, outcome, found[:AT_ONCE], deed)
    key = _keep(outcome)
    if len(found) > AT_ONCE:
        _workers.submit(copy_context().run, _rest, request, outcome, found[AT_ONCE:], deed)
    else:
        outcome.is_over = True
    return f"/scheduler/bulk/{key}"


def find(key: str, actor: str) -> Outcome | None:
    """Return what becomes of the deed *key* of *actor*; None when this process knows nothing of it."""
    outcome = _outcomes.get(key)
    return outcome if outcome is not None and outcome.actor == actor else None


def _rest(request: Request, outcome: Outcome, found: Sequence[Row], deed: Deed) -> None:
    try:
        for first in range(0, len(found), AT_ONCE):
            _some(request, outcome, found[first:first + AT_ONCE], deed)
    except Exception as error:
        event("ERROR", "web.bulk", trace_id=request.state.trace_id, action=outcome.action,
              error=f"{type(error).__name__}: {error}")
        outcome.broken = _broken_words(error)
    finally:
        outcome.is_over = True


def _broken_words(error: Exception) -> str:
    if is_outage(error):
        return say("데이터베이스에 연결할 수 없어 멈췄습니다. 남은 것은 다시 하세요",
                   "it stopped because the database cannot be reached; do the rest again")
    return say("예상하지 못한 오류로 멈췄습니다. 남은 것은 다시 하세요",
               "it stopped at an error nobody foresaw; do the rest again")


def _some(request: Request, outcome: Outcome, found: Sequence[Row], deed: Deed) -> None:
    """Do it to a few in one transaction; they count only once it has ended well."""
    done, refused = 0, []
    with place_of(request).changing(request) as connection:
        for each in found:
            why = _one(connection, each, deed, request.state.trace_id)
            if why is None:
                done += 1
            else:
                refused.append((each, why))
    outcome.done += done
    outcome.refused += refused


def _one(connection: psycopg.Connection[Any], each: Row, deed: Deed, trace_id: str) -> str | None:
    """Do it to one; a refusal takes back this one only. Returns why it was refused."""
    try:
        with connection.transaction():
            deed(connection, each)
    except (psycopg.Error, SchedulerError) as error:
        if connection.closed or is_outage(error):
            raise
        return problem_of(error, trace_id).detail
    return None


def _keep(outcome: Outcome) -> str:
    """Remember an outcome; the eldest that is over is forgotten for it."""
    key = secrets.token_urlsafe(12)
    _outcomes[key] = outcome
    if len(_outcomes) > KEPT:
        over = next((known for known, each in _outcomes.items() if each.is_over), None)
        if over is not None:
            del _outcomes[over]
    return key


def actor_of(request: Request) -> str:
    """Return who asks, as an outcome names them."""
    person: Person = request.state.person
    return person.actor
