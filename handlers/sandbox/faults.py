"""Faults on request: what the next calls will meet instead of their answer, or besides it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("429", "503", "html403", "maintenance", "slow", "reset", "truncate", "expired", "drop_after_write")
"""What every sandbox can do; each market adds its quirks."""


@dataclass(slots=True)
class Fault:
    """*count* calls whose target contains *path* meet it; with 0 all do until faults are cleared.

    retry_after  seconds that a 429 tells the caller to wait; None leaves them untold
    seconds      how long a slow answer takes
    drop_after_write is met by calls that wrote something only: it is done, but the caller sees the connection reset
    """

    kind: str
    count: int = 1
    retry_after: float | None = None
    seconds: float = 2.0
    path: str = ""


class Faults:
    """The faults that are waiting, oldest first."""

    def __init__(self, quirks: tuple[str, ...] = ()) -> None:
        self.kinds = (*KINDS, *quirks)
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, content: dict[str, Any]) -> None:
        """Take a fault as the control door gives it. Raises ValueError for one that is not known."""
        kind = str(content.get("kind"))
        if kind not in self.kinds:
            raise ValueError(f"kind is one of {', '.join(self.kinds)}")
        wait = content.get("retry_after")
        fault = Fault(
            kind, int(content.get("count", 1)), None if wait is None else float(wait),
            float(content.get("seconds", 2.0)), str(content.get("path", "")),
        )
        if fault.count < 0:
            raise ValueError("count is at least 0")
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that are still to be met."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, target: str, *, has_written: bool = False) -> Fault | None:
        """Use up one call of the first fault that fits; None when there is none.

        has_written  ask for the faults that come after a write, instead of those that come before the answer
        """
        with self._lock:
            for fault in self._waiting:
                if fault.path in target and (fault.kind == "drop_after_write") == has_written:
                    fault.count -= 1
                    if fault.count == 0:
                        self._waiting.remove(fault)
                    return fault
        return None
