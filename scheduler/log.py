"""Where lines go: one event a line, event name first, fields behind it; files exactly where operators look for them.

    logs/scheduler/scheduler_DATE.log    what the daemon does
    logs/JOBTYPE_DATE.log                what executions of that type did and said

User text is always an argument or a field, never a format; line breaks and control characters are escaped.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from loguru import logger

from scheduler.settings import Settings

FORMAT = "{time:YYYY-MM-DDTHH:mm:ss.SSSZ} {level: <7} {message}"
PLAIN = re.compile(r"[\w./:@+%-]+")
FILE_SAFE = re.compile(r"[^A-Za-z0-9_.-]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def field_text(value: Any) -> str:
    """Return a field's value on one line, quoted where it has to be."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text if PLAIN.fullmatch(text) else escape(json.dumps(text, ensure_ascii=False))


def escape(text: str) -> str:
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def event_text(name: str, fields: Mapping[str, Any]) -> str:
    return " ".join([name, *(f"{key}={field_text(value)}" for key, value in fields.items() if value is not None)])


def event(level: str, name: str, **fields: Any) -> None:
    """Log one event of the daemon."""
    logger.opt(raw=False).log(level, "{}", event_text(name, fields))


class Logs:
    """The sinks of one daemon. A sink that fails drops lines and never stops a job."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.types: set[str] = set()

    def open(self) -> None:
        logger.remove()
        logger.add(sys.stderr, format=FORMAT, level=self.settings.log_level, filter=_for_daemon, colorize=False,
                   backtrace=False, diagnose=False)
        self._add_file(self.settings.log_dir / "scheduler" / "scheduler_{time:YYYY-MM-DD}.log", None)

    def _add_file(self, path: Path, job_type: str | None) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            logger.add(
                path, format=FORMAT, level=self.settings.log_level, rotation="00:00", compression="gz",
                retention=f"{self.settings.log_days} days", encoding="utf-8", delay=True, backtrace=False,
                diagnose=False, filter=_for_daemon if job_type is None else _ForType(job_type),
            )
        except OSError as error:
            event("ERROR", "log.unwritable", path=path, error=error.strerror)

    def executions(self, job_type: str, lines: Iterable[tuple[str, str]]) -> None:
        """Write (level, text) lines of one job type's executions in one go."""
        if job_type not in self.types:
            self.types.add(job_type)
            name = FILE_SAFE.sub("_", job_type)
            self._add_file(self.settings.log_dir / f"{name}_{{time:YYYY-MM-DD}}.log", job_type)
        stamp = datetime.now().astimezone().isoformat(timespec="milliseconds")
        text = "".join(f"{stamp} {level: <7} {line}\n" for level, line in lines)
        logger.bind(job_type=job_type).opt(raw=True).log("INFO", text)


def _for_daemon(record: Any) -> bool:
    return "job_type" not in record["extra"]


class _ForType:
    def __init__(self, job_type: str) -> None:
        self.job_type = job_type

    def __call__(self, record: Any) -> bool:
        return bool(record["extra"].get("job_type") == self.job_type)
