"""Answers to programs: JSON with exact moments, lengths of time and numbers, whatever a row holds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.responses import Response


class Answer(Response):
    """JSON out of rows: moments as RFC 3339 with offset, lengths of time as ISO 8601."""

    media_type = "application/json"

    def __init__(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(as_text(value), status, headers)


def as_text(value: Any) -> str:
    """Write *value* as JSON; a number that JSON has not becomes null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), default=_plain)


def iso_duration(length: timedelta, months: int = 0) -> str:
    """Write a length of time as ISO 8601: ``PT30M``, ``P1DT2H``, ``P1M``."""
    seconds = length.total_seconds()
    if seconds < 0:
        return "-" + iso_duration(-length, -months)
    whole, rest = int(seconds), seconds - int(seconds)
    days, whole = divmod(whole, 86400)
    hours, whole = divmod(whole, 3600)
    minutes, whole = divmod(whole, 60)
    last = f"{whole + rest:.6f}".rstrip("0").rstrip(".")
    dates = "".join(f"{number}{unit}" for number, unit in ((months, "M"), (days, "D")) if number)
    times = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (last, "S")) if number not in (0, "0"))
    return f"P{dates}" + (f"T{times}" if times else "") if dates or times else "PT0S"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return iso_duration(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
