"""Answers that many pages ask for at once, kept for a moment: the same for everybody, never of one person."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from starlette.requests import Request

from scheduler.web.place import place_of

Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """What one question was answered, for *seconds*, for each web process."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._answers: WeakKeyDictionary[object, tuple[float, Answer]] = WeakKeyDictionary()

    def ask(self, request: Request, question: Callable[[], Answer]) -> Answer:
        """Return the answer that is young enough, else ask anew."""
        pool = place_of(request).pool
        since, known = self._answers.get(pool, (None, None))
        if since is not None and known is not None and time.monotonic() - since < self.seconds:
            return known
        found = question()
        self._answers[pool] = time.monotonic(), found
        return found
