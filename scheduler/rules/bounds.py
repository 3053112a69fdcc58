"""Between which moments the service plans, as the database does; and how long a length of time may be."""

from __future__ import annotations

from datetime import UTC, datetime

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.words import say

FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_DAYS = 36525
LONGEST_SECONDS = LONGEST_DAYS * 86400.0
"""A hundred years: with it, no moment of ours comes near the end of what a datetime holds."""


def check_moment(moment: datetime, text: str | None = None) -> datetime:
    """Return *moment* when it lies within the years that are planned.

    text    how it was written, for the message
    Raises  ScheduleError
    """
    if FIRST_MOMENT <= moment <= LAST_MOMENT:
        return moment
    shown = quoted(moment.isoformat(sep=" ") if text is None else text)
    raise ScheduleError(say(
        f"{shown}: 2000년에서 2200년 사이의 시각이어야 합니다", f"{shown} is not between the years 2000 and 2200"))
