"""What handlers write while they run, on its way to the tables and the log files: limited, and masked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from scheduler.model import Execution
from scheduler.secrets import Redactor
from scheduler.settings import LOG_LINE_CHARACTERS, LOG_LINES_KEPT


@dataclass(slots=True)
class Running:
    """An execution that is with the warden, and what became of its words so far."""

    execution: Execution
    cancel_reason: str | None = None
    lines: int = 0
    lines_dropped: int = 0


@dataclass(slots=True)
class LogLine:
    execution_id: int
    line: int
    at: datetime
    level: str
    stream: str
    message: str
    fields: dict[str, Any] | None


@dataclass(slots=True)
class Journal:
    """What handlers wrote since it was last emptied: log lines; the newest progress and checkpoint of each."""

    lines: list[LogLine] = field(default_factory=list)
    progress: dict[UUID, Any] = field(default_factory=dict)
    checkpoints: dict[UUID, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.lines or self.progress or self.checkpoints)

    def note(
        self, running: Running, level: str, stream: str, message: str, fields: dict[str, Any] | None,
        redactor: Redactor | None,
    ) -> None:
        """Keep one line of *running*, unless it has said too much. redactor None: a line of our own, always kept."""
        if redactor is not None and running.lines >= LOG_LINES_KEPT:
            running.lines_dropped += 1
            return
        running.lines += 1
        text = message[:LOG_LINE_CHARACTERS]
        safe = fields or None
        if redactor is not None:
            text, safe = redactor.text(text), redactor.value(fields) if fields else None
        self.lines.append(LogLine(running.execution.id, running.lines, datetime.now(UTC), level, stream, text, safe))
