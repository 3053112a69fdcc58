"""Which days a report is about: whole days of Seoul, weeks from Monday to Sunday. Pure: days come in, spans go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

KOREA = ZoneInfo("Asia/Seoul")
DAY = timedelta(days=1)

Length = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days from *first* up to *end*, which is not included."""

    first: date
    end: date

    @property
    def last(self) -> date:
        return self.end - DAY

    @property
    def days(self) -> int:
        return (self.end - self.first).days

    @property
    def from_at(self) -> datetime:
        return midnight(self.first)

    @property
    def to_at(self) -> datetime:
        return midnight(self.end)

    def buckets(self, step: str) -> list[datetime]:
        """List the hours or days of the span, as Seoul's clock shows them and without a zone."""
        each = timedelta(hours=1) if step == "hour" else DAY
        start, count = datetime.combine(self.first, time()), self.days * (DAY // each)
        return [start + each * number for number in range(count)]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), KOREA)


def span_of(length: Length, day: date) -> Span:
    """Return the day, week or month that *day* lies in. Raises OverflowError at the ends of the calendar."""
    if length == "daily":
        return Span(day, day + DAY)
    if length == "weekly":
        monday = day - DAY * day.weekday()
        return Span(monday, monday + DAY * 7)
    first = day.replace(day=1)
    return Span(first, (first + DAY * 31).replace(day=1))


def before(length: Length, span: Span) -> Span:
    """Return the period before."""
    return span_of(length, span.first - DAY)


def span_at(length: Length, moment: datetime, current: bool = False) -> Span:
    """Return the last period that was over at that moment, or the *current* one."""
    there = span_of(length, moment.astimezone(KOREA).date())
    return there if current else before(length, there)
