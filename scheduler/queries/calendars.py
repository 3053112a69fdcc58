"""Calendars and their special days as people read and change them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.queries.schedules import Surroundings
from scheduler.rules.calendars import Calendar
from scheduler.words import say

LIST = """
SELECT calendar.name, calendar.base, calendar.country, calendar.closed_weekdays, calendar.description,
       (SELECT count(*) FROM calendar_days AS own WHERE own.calendar = calendar.name)::int AS days,
       (SELECT count(*) FROM schedule_jobs AS job WHERE job.calendar = calendar.name)::int AS jobs
  FROM calendars AS calendar
 ORDER BY calendar.name
"""


def list_calendars(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the calendars with how many own days each has and how many jobs go by it."""
    return rows(connection, LIST)


def find_calendar(connection: psycopg.Connection[Any], name: str) -> Calendar:
    """Return a calendar as the rules know it. Raises NotFound."""
    calendars = Surroundings(connection).calendars
    if name not in calendars:
        raise NotFound(say(f"달력 '{name}'이(가) 없습니다", f"there is no calendar '{name}'") + "\nerp-scheduler calendar list")
    return calendars[name]


def special_days(calendar: Calendar, year: int) -> list[Row]:
    """Return the days of a year that have a name: day, ko, en, is_holiday (False: opened), own (not of the library)."""
    found = []
    day = date(year, 1, 1)
    while day.year == year:
        own = calendar.days.get(day)
        if own is not None or calendar.is_holiday(day):
            ko, en = calendar.words(day) or ((own[1], own[1]) if own else ("", ""))
            found.append({"day": day, "ko": ko, "en": en, "is_holiday": own is None or own[0], "own": own is not None})
        day += timedelta(days=1)
    return found


ADD_DAY = """
INSERT INTO calendar_days (calendar, day, is_holiday, name)
VALUES (%(calendar)s, %(day)s, %(is_holiday)s, %(name)s)
    ON CONFLICT (calendar, day) DO UPDATE SET is_holiday = excluded.is_holiday, name = excluded.name
RETURNING calendar, day, is_holiday, name
"""
REMOVE_DAY = "DELETE FROM calendar_days WHERE calendar = %(calendar)s AND day = %(day)s RETURNING calendar, day, is_holiday, name"
# Who inherits from a calendar is concerned by its days as well.
CONCERNED = """
WITH RECURSIVE heir AS (
    SELECT %(calendar)s::text AS name
     UNION
    SELECT calendar.name FROM calendars AS calendar JOIN heir ON calendar.base = heir.name
)
SELECT count(*)::int AS jobs FROM schedule_jobs WHERE calendar IN (SELECT name FROM heir) AND status = 'active'
"""


def add_day(connection: psycopg.Connection[Any], calendar: str, day: date, name: str, is_holiday: bool) -> Row:
    """Close or open a day; one that is there is changed. Raises NotFound for a calendar that is not."""
    find_calendar(connection, calendar)
    made = row(connection, ADD_DAY, {"calendar": calendar, "day": day, "name": name, "is_holiday": is_holiday})
    assert made is not None
    return made


def remove_day(connection: psycopg.Connection[Any], calendar: str, day: date) -> Row:
    """Forget a special day. Raises NotFound."""
    gone = row(connection, REMOVE_DAY, {"calendar": calendar, "day": day})
    if gone is None:
        raise NotFound(say(f"달력 {calendar}에 직접 넣은 {day}이(가) 없습니다",
                           f"calendar {calendar} has no day {day} of its own")
                       + f"\nerp-scheduler calendar holidays {day.year} --calendar {calendar}")
    return gone


def jobs_concerned(connection: psycopg.Connection[Any], calendar: str) -> int:
    """Count the active jobs that go by a calendar or by one that inherits from it."""
    found = row(connection, CONCERNED, {"calendar": calendar})
    return int(found["jobs"]) if found else 0


# What was not given stays as it is; a calendar that is new begins with the table's own defaults.
MAKE = """
INSERT INTO calendars AS own (name, base, closed_weekdays, description)
VALUES (%(name)s, %(base)s, coalesce(%(closed_weekdays)s, 'sat,sun'), %(description)s)
    ON CONFLICT (name) DO UPDATE
   SET base = CASE WHEN 'base' = ANY (%(given)s) THEN excluded.base ELSE own.base END,
       closed_weekdays = CASE WHEN 'closed_weekdays' = ANY (%(given)s)
                              THEN excluded.closed_weekdays ELSE own.closed_weekdays END,
       description = CASE WHEN 'description' = ANY (%(given)s) THEN excluded.description ELSE own.description END
RETURNING name, base, country, closed_weekdays, description
"""
CHANGEABLE = ("base", "closed_weekdays", "description")


def make_calendar(connection: psycopg.Connection[Any], name: str, given: Mapping[str, str | None]) -> Row:
    """Make a calendar, or change of the one of that name what is given.

    given   base, closed_weekdays (days of the week such as ``sat,sun``; empty for none) and description, as far as they were
            said; None takes a base or a description away
    Raises  NotFound for a base that is not there
    """
    base = given.get("base")
    if base is not None:
        find_calendar(connection, base)
    values = {column: given.get(column) for column in CHANGEABLE}
    made = row(connection, MAKE, {"name": name, "given": sorted(given), **values})
    assert made is not None
    return made
