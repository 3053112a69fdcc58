"""The lines of an execution as text that does no harm: in a browser, in a terminal, in an editor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from scheduler.web.ansi import coloured
from scheduler.web.harmless import harmless
from scheduler.web.render import SEOUL

PORTION = 500


def fields_text(fields: Mapping[str, Any] | None) -> str:
    """Return the further values of a line as ``name=value``."""
    return harmless(" ".join(f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
                             for name, value in (fields or {}).items()))


def shown(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return lines as the page shows them."""
    return [{**line, "message": coloured(line["message"]), "fields": fields_text(line["fields"]), "at": _clock(line["logged_at"])}
            for line in lines]


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(SEOUL):%H:%M:%S.%f}"[:12]


def as_file(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return lines as a part of a text file."""
    return "".join(
        f"{line['logged_at'].astimezone(SEOUL).isoformat(timespec='milliseconds')} {line['level']:<8} "
        + (f"[{line['stream']}] " if line["stream"] != "log" else "")
        + " ".join(part for part in (harmless(line["message"]), fields_text(line["fields"])) if part) + "\n"
        for line in lines
    )


def whole_file(read: Callable[[int, int], Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Yield a whole log as a text file, a portion at a time: however long it is, no more than that is held.

    read  returns the next lines, at most so many, past the line of that number
    """
    last = -1
    while lines := read(last, PORTION):
        yield as_file(lines)
        last = lines[-1]["line"]
        if len(lines) < PORTION:
            return
