"""Faults on request: what the next calls will meet instead of their answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

KINDS = ("429", "503", "html403", "slow", "reset", "truncate", "expired", "partial_ack", "v4_money")


@dataclass(slots=True)
class Fault:
    """count calls whose target contains *path* meet it."""

    kind: str
    count: int = 1
    retry_after: float | None = None
    seconds: float = 2.0
    path: str = ""


class Faults:
    """The faults that are waiting, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, content: dict[str, Any]) -> None:
        """Take a fault as the control door gives it. Raises ValueError for one that is not known."""
        kind = str(content.get("kind"))
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        wait = content.get("retry_after")
        fault = Fault(
            kind, int(content.get("count", 1)), None if wait is None else float(wait),
            float(content.get("seconds", 2.0)), str(content.get("path", "")),
        )
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, target: str) -> Fault | None:
        """Use up one call of the first fault that fits; None when there is none."""
        with self._lock:
            for fault in self._waiting:
                if fault.path in target:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None
