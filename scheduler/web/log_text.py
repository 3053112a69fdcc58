"""The lines of an execution as text that does no harm: in a browser, in a terminal, in an editor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from scheduler.web.render import SEOUL

# Colours and cursor movements of terminals mean nothing here; a title or a link within them must not act either.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Characters that act, or that turn the direction of what follows, are shown instead of obeyed.
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """Return *text* without terminal codes, each other control character as a picture of itself or its number."""
    return ACTING.sub(_picture, ESCAPES.sub("", text.replace("\r\n", "\n")))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else f"<U+{code:04X}>"


def fields_text(fields: Mapping[str, Any] | None) -> str:
    """Return the further values of a line as ``name=value``."""
    return harmless(" ".join(f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
                             for name, value in (fields or {}).items()))


def shown(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return lines as the page shows them."""
    return [{**line, "message": harmless(line["message"]), "fields": fields_text(line["fields"]), "at": _clock(line["logged_at"])}
            for line in lines]


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(SEOUL):%H:%M:%S.%f}"[:12]


def as_file(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return lines as a text file."""
    return "".join(
        f"{line['logged_at'].astimezone(SEOUL).isoformat(timespec='milliseconds')} {line['level']:<8} "
        + (f"[{line['stream']}] " if line["stream"] != "log" else "")
        + " ".join(part for part in (harmless(line["message"]), fields_text(line["fields"])) if part) + "\n"
        for line in lines
    )
