"""What the JSON of Korean markets has in common: times without a zone are Korean, an empty text is nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

KOREA = ZoneInfo("Asia/Seoul")

Json = dict[str, Any]


def moment(text: str | None) -> datetime | None:
    """Read a date and time; without an offset it is meant in Korean time."""
    if not text:
        return None
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=KOREA)


def required_moment(text: str | None) -> datetime:
    """Read a date and time that has to be there. Raises ValueError when it is not."""
    read = moment(text)
    if read is None:
        raise ValueError("a date is missing")
    return read


def text_or_none(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
