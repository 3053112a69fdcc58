"""The settings that the database keeps, and what it says of itself."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.errors import ParameterError
from scheduler.queries.rows import Row, row
from scheduler.rules.intervals import parse_every
from scheduler.words import say

LIMITS = """
SELECT coalesce(max(value) FILTER (WHERE name = 'minimum_interval'), '5 minutes') AS minimum_interval,
       coalesce(max(value) FILTER (WHERE name = 'maximum_interval'), '31 days') AS maximum_interval
  FROM scheduler_settings
 WHERE name IN ('minimum_interval', 'maximum_interval')
"""
FIT = """
SELECT %(lowest)s::interval >= interval '1 second' AND %(highest)s::interval <= interval '100 years'
       AND %(lowest)s::interval <= %(highest)s::interval AS fit
"""
SET = """
INSERT INTO scheduler_settings AS kept (name, value) VALUES (%(name)s, %(value)s)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = now() WHERE kept.value <> excluded.value
"""
FACTS = """
SELECT current_database() AS database, current_schema() AS schema, current_user AS user_name,
       pg_database_size(current_database()) AS bytes, current_setting('TimeZone') AS zone,
       (SELECT max(number) FROM schedule_migrations) AS migration,
       (SELECT reltuples::bigint FROM pg_class WHERE oid = 'job_executions'::regclass) AS executions
"""


def limits(connection: psycopg.Connection[Any]) -> Row:
    """Return minimum_interval and maximum_interval."""
    return row(connection, LIMITS) or {}


def set_limits(connection: psycopg.Connection[Any], lowest: str, highest: str) -> Row:
    """Set how short and how long an interval may be. Raises ParameterError, ScheduleError."""
    given = {"minimum_interval": parse_every(lowest), "maximum_interval": parse_every(highest)}
    fit = row(connection, FIT, {"lowest": given["minimum_interval"], "highest": given["maximum_interval"]})
    if not fit or not fit["fit"]:
        raise ParameterError(say("가장 짧은 주기는 1초 이상이고 가장 긴 주기보다 길 수 없습니다",
                                 "the shortest interval is a second or more, and no longer than the longest"))
    for name, value in given.items():
        connection.execute(SET, {"name": name, "value": value})
    return given


def facts(connection: psycopg.Connection[Any]) -> Row:
    """Return name, size and age of the schema; the number of executions is the planner's estimate."""
    return row(connection, FACTS) or {}
