"""What a sandbox remembers of its callers: how many calls of which kind, how they ended, and how many at once."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any


class Counts:
    """Counts the calls of one market; those for a token apart, since they take no part in the market's rate.

    ticks  a clock in seconds that only goes forward
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self.requests: Counter[str] = Counter()
        self.token_calls = 0
        self.most_in_a_second = 0
        self._statuses: Counter[str] = Counter()
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def begin(self, call: str, is_token_call: bool) -> int:
        """Note that a call began. Returns how many began within the last second, this one included; 0 for a token's."""
        with self._lock:
            if is_token_call:
                self.token_calls += 1
                return 0
            self.requests[call] += 1
            now = self._ticks()
            self._recent.append(now)
            while self._recent[0] <= now - 1:
                self._recent.popleft()
            self.most_in_a_second = max(self.most_in_a_second, len(self._recent))
            return len(self._recent)

    def end(self, status: str, is_token_call: bool) -> None:
        """Note how a call ended: a status, or ``reset``."""
        if not is_token_call:
            with self._lock:
                self._statuses[status] += 1

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self.requests.clear()
            self._statuses.clear()
            self.token_calls = self.most_in_a_second = 0

    def content(self) -> dict[str, Any]:
        """Return all of it, as the control door shows it."""
        with self._lock:
            return {
                "total": self.requests.total(), "by_call": dict(self.requests), "by_status": dict(self._statuses),
                "most_in_a_second": self.most_in_a_second, "token_calls": self.token_calls,
            }
