"""Which days are closed, and why: a country's public holidays, days of the week, and days of one's own that win over both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from scheduler.rules.days import ENGLISH, KOREAN, parse_days
from scheduler.words import say

Words = tuple[str, str]
CalendarRow = tuple[str, str | None, str | None, str]
DayRow = tuple[str, date, bool, str]


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The open and closed days of one calendar; compared by identity, so that it is cheap as part of a key.

    days     days of its own: whether closed, and the name
    country  whose public holidays are closed too: ``KR`` or none
    """

    name: str
    closed_weekdays: frozenset[int] = frozenset()
    days: Mapping[date, tuple[bool, str]] = field(default_factory=dict)
    country: str | None = None

    def is_open(self, day: date) -> bool:
        """Say whether *day* is open."""
        own = self.days.get(day)
        if own is not None:
            return not own[0]
        return day.weekday() not in self.closed_weekdays and (
            self.country is None or day not in public_holidays(self.country, day.year)
        )

    def closed(self, day: date) -> str | None:
        """Say why *day* is closed, the holiday's name or the weekday's; None when it is open."""
        words = self.words(day)
        return say(*words) if words else None

    def words(self, day: date) -> Words | None:
        """Say in Korean and in English why *day* is closed; None when it is open."""
        if self.is_open(day):
            return None
        if self.is_holiday(day):
            own = self.days.get(day)
            return (own[1], own[1]) if own is not None else public_holidays(self.country or "", day.year)[day]
        return f"{KOREAN[day.weekday()]}요일", ENGLISH[day.weekday()]

    def is_holiday(self, day: date) -> bool:
        """Say whether *day* is closed for a day with a name of its own rather than for its weekday."""
        own = self.days.get(day)
        if own is not None:
            return own[0]
        return self.country is not None and day in public_holidays(self.country, day.year)


@lru_cache(maxsize=1024)
def public_holidays(country: str, year: int) -> Mapping[date, Words]:
    """Return a country's public holidays of one year, each with its Korean and its English name."""
    if not country:
        return {}
    import holidays  # a twentieth of a second that most processes never need

    korean = holidays.country_holidays(country, years=year, language="ko", expand=False)
    english = holidays.country_holidays(country, years=year, language="en_US", expand=False)
    return {day: (name.replace("; ", ", "), english.get(day, name).replace("; ", ", ")) for day, name in korean.items()}


def calendars_from(calendar_rows: Iterable[Sequence[Any]], day_rows: Iterable[Sequence[Any]]) -> dict[str, Calendar]:
    """Build the calendars out of their rows: equal rows give the very same objects.

    A calendar inherits the country and the days of its base; what it says itself wins. Closed weekdays are its own.

    calendar_rows  (name, base, country, closed_weekdays)
    day_rows       (calendar, day, is_holiday, name)
    """
    calendars: list[CalendarRow] = [(name, base, country, closed) for name, base, country, closed in calendar_rows]
    days: list[DayRow] = [(calendar, day, is_holiday, name) for calendar, day, is_holiday, name in day_rows]
    return dict(_calendars(tuple(sorted(calendars, key=lambda row: row[0])), tuple(sorted(days))))


@lru_cache(maxsize=8)
def _calendars(rows: tuple[CalendarRow, ...], day_rows: tuple[DayRow, ...]) -> Mapping[str, Calendar]:
    by_name = {row[0]: row for row in rows}
    own: dict[str, dict[date, tuple[bool, str]]] = {}
    for calendar, day, is_holiday, name in day_rows:
        own.setdefault(calendar, {})[day] = (is_holiday, name)
    return {name: _one(by_name, own, name) for name in by_name}


def _one(rows: Mapping[str, CalendarRow], own: Mapping[str, Mapping[date, tuple[bool, str]]], name: str) -> Calendar:
    line = _line(rows, name)
    country = next((rows[each][2] for each in line if rows[each][2] is not None), None)
    days: dict[date, tuple[bool, str]] = {}
    for each in reversed(line):         # the root first, so that what is nearer wins
        days |= own.get(each, {})
    closed = rows[name][3]
    return _same(name, parse_days(closed) if closed.strip() else frozenset(), tuple(sorted(days.items())), country)


def _line(rows: Mapping[str, CalendarRow], name: str) -> list[str]:
    """Name a calendar, its base, the base of that and so on; a circle ends where it closes."""
    line: list[str] = []
    at: str | None = name
    while at is not None and at in rows and at not in line:
        line.append(at)
        at = rows[at][1]
    return line


@lru_cache(maxsize=256)
def _same(
    name: str, closed_weekdays: frozenset[int], days: tuple[tuple[date, tuple[bool, str]], ...], country: str | None
) -> Calendar:
    return Calendar(name, closed_weekdays, MappingProxyType(dict(days)), country)
