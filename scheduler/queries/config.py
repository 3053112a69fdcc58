"""Configuration as code in the database: read as entries in one go, written in a handful of statements whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.errors import Conflict
from scheduler.queries.rows import rows
from scheduler.rules import config_fields as fields
from scheduler.rules.config import BUILT_IN, DAY, Config, Entry, Limits
from scheduler.rules.config_plan import Change
from scheduler.rules.config_rows import (
    columns_of_calendar,
    columns_of_job,
    columns_of_overlay,
    days_of_calendar,
    entry_of_calendar,
    entry_of_job,
    entry_of_overlay,
)
from scheduler.words import say

TURN = "SELECT pg_advisory_xact_lock(hashtextextended('erp_scheduler.import', 0))"
CALENDARS = """
SELECT name, base, country, closed_weekdays, description,
       (SELECT jsonb_agg(jsonb_build_object('day', day, 'is_holiday', is_holiday, 'name', own.name) ORDER BY day)
          FROM calendar_days AS own WHERE own.calendar = calendars.name) AS days
  FROM calendars
"""
OVERLAYS = """
SELECT name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason, enabled FROM schedule_overlays
"""
JOBS = """
SELECT job.*, job.interval::text AS interval_text,
       (extract(year FROM job.interval) * 12 + extract(month FROM job.interval))::integer AS interval_months,
       extract(epoch FROM job.interval - make_interval(
           months => (extract(year FROM job.interval) * 12 + extract(month FROM job.interval))::integer))::float8
           AS interval_seconds,
       extract(epoch FROM job.misfire_grace)::float8 AS grace_seconds, edges.after
  FROM schedule_jobs AS job
  LEFT JOIN (SELECT edge.job_id, jsonb_agg(jsonb_build_object('job', before.name, 'condition', edge.condition,
                                                              'outcome', edge.outcome)) AS after
               FROM job_dependencies AS edge JOIN schedule_jobs AS before ON before.id = edge.depends_on
              GROUP BY edge.job_id) AS edges ON edges.job_id = job.id
 WHERE NOT job.hidden
"""
LIMITS = """
SELECT extract(epoch FROM max(value::interval) FILTER (WHERE name = 'minimum_interval'))::float8 AS shortest,
       extract(epoch FROM max(value::interval) FILTER (WHERE name = 'maximum_interval'))::float8 AS longest
  FROM scheduler_settings
 WHERE name IN ('minimum_interval', 'maximum_interval')
"""
SCHEMAS = "SELECT job_type, params_schema FROM job_types"


@dataclass(frozen=True, slots=True)
class Present:
    """What the database holds.

    config    every job but those of workflows
    one_offs  names of jobs for one moment: an import never removes them
    ended     those of them that are over: an export leaves them out
    others    names of the jobs of workflows: no configuration, but they may be waited for
    """

    config: Config
    one_offs: frozenset[str]
    ended: frozenset[str]
    others: frozenset[str]
    schemas: dict[str, Any]
    limits: Limits

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.config.jobs) | self.others

    @property
    def removable(self) -> frozenset[str]:
        """Names of the jobs that an import may remove when the file does not name them."""
        return frozenset(self.config.jobs) - self.one_offs


def read_present(connection: psycopg.Connection[Any]) -> Present:
    """Read the configuration as it is now."""
    calendars = {row["name"]: entry_of_calendar(row) for row in rows(connection, CALENDARS)}
    config = Config(calendars, {row["name"]: entry_of_overlay(row) for row in rows(connection, OVERLAYS)})
    one_offs, ended, others = set(), set(), set()
    for row in rows(connection, JOBS):
        name = row["name"]
        if row.get("workflow") is not None:
            others.add(name)
            continue
        config.jobs[name] = entry_of_job(row)
        if row["run_at"] is not None:
            one_offs.add(name)
            if row["status"] == "completed":
                ended.add(name)
    schemas = {row["job_type"]: row["params_schema"] for row in rows(connection, SCHEMAS)}
    return Present(config, frozenset(one_offs), frozenset(ended), frozenset(others), schemas, read_limits(connection))


def read_limits(connection: psycopg.Connection[Any]) -> Limits:
    """Read the shortest and the longest interval that the triggers allow."""
    found = rows(connection, LIMITS)[0]
    return Limits(found["shortest"] or 300, found["longest"] or 31 * DAY)


def exported(present: Present, names: Sequence[str] | None = None) -> Config:
    """Choose what an export holds: everything, or some jobs with the calendars they go by."""
    own = {name: entry for name, entry in present.config.calendars.items() if entry or name not in BUILT_IN}
    if names is None:
        lasting = {name: entry for name, entry in present.config.jobs.items() if name not in present.ended}
        return Config(own, present.config.overlays, lasting)
    jobs = {name: present.config.jobs[name] for name in names if name in present.config.jobs}
    used = {calendar for entry in jobs.values() for calendar in _bases(own, entry.get("calendar"))}
    return Config({name: entry for name, entry in own.items() if name in used}, {}, jobs)


def _bases(calendars: dict[str, Entry], name: str | None) -> list[str]:
    found: list[str] = []
    while name in calendars and name not in found:
        found.append(name)
        name = calendars[name].get("base")
    return found


# One list of columns for everything: what INSERT and UPDATE name, and as what PostgreSQL reads the JSON.
JOB_COLUMNS = {
    "job_type": "text", "interval": "interval", "specific_times": "time[]", "cron_expression": "text", "run_at": "timestamptz",
    "timezone": "text", "days_of_week": "text", "start_at": "timestamptz", "end_at": "timestamptz", "max_runs": "integer",
    "calendar": "text", "on_holiday": "text", "jitter_seconds": "integer", "misfire_policy": "text", "misfire_grace": "interval",
    "overlap_policy": "text", "max_instances": "integer", "market_codes": "text[]", "parameters": "jsonb", "priority": "integer",
    "timeout_minutes": "float8", "max_retries": "integer", "important": "boolean", "owner": "text", "description": "text",
    "tags": "text[]", "paused_until": "timestamptz", "pause_reason": "text",
}
_NAMES = ", ".join(JOB_COLUMNS)
_TYPES = ", ".join(f"{name} {kind}" for name, kind in JOB_COLUMNS.items())
_NEW = ", ".join(f"new.{name}" for name in JOB_COLUMNS)
INSERT_JOBS = f"""
INSERT INTO schedule_jobs (name, status, {_NAMES})
SELECT new.name, CASE WHEN new.paused THEN 'paused' ELSE 'active' END, {_NEW}
  FROM jsonb_to_recordset(%(rows)s) AS new (name text, paused boolean, {_TYPES})
 ORDER BY new.name
"""
UPDATE_JOBS = f"""
UPDATE schedule_jobs AS job
   SET (status, {_NAMES}) = ROW (
           CASE WHEN new.paused THEN 'paused' WHEN job.status = 'paused' THEN 'active' ELSE job.status END, {_NEW})
  FROM jsonb_to_recordset(%(rows)s) AS new (name text, paused boolean, {_TYPES})
 WHERE job.name = new.name
"""
REMOVE_JOBS = "DELETE FROM schedule_jobs WHERE name = ANY (%(names)s)"
UPSERT_CALENDARS = """
INSERT INTO calendars (name, base, country, closed_weekdays, description)
SELECT name, base, country, closed_weekdays, description
  FROM jsonb_to_recordset(%(rows)s) AS new (name text, base text, country text, closed_weekdays text, description text)
    ON CONFLICT (name) DO UPDATE SET base = excluded.base, country = excluded.country,
       closed_weekdays = excluded.closed_weekdays, description = excluded.description
"""
CLEAR_DAYS = """
DELETE FROM calendar_days AS own
 WHERE calendar = ANY (%(names)s)
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(%(rows)s) AS new (calendar text, day date)
                    WHERE new.calendar = own.calendar AND new.day = own.day)
"""
UPSERT_DAYS = """
INSERT INTO calendar_days (calendar, day, is_holiday, name)
SELECT calendar, day, is_holiday, name
  FROM jsonb_to_recordset(%(rows)s) AS new (calendar text, day date, is_holiday boolean, name text)
    ON CONFLICT (calendar, day) DO UPDATE SET is_holiday = excluded.is_holiday, name = excluded.name
"""
UPSERT_OVERLAYS = """
INSERT INTO schedule_overlays (name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason, enabled)
SELECT name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason, enabled
  FROM jsonb_to_recordset(%(rows)s) AS new (name text, starts_at timestamptz, ends_at timestamptz, action text, factor float8,
       job_types text[], market_codes text[], tags text[], reason text, enabled boolean)
    ON CONFLICT (name) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, action = excluded.action,
       factor = excluded.factor, job_types = excluded.job_types, market_codes = excluded.market_codes, tags = excluded.tags,
       reason = excluded.reason, enabled = excluded.enabled
"""
CLEAR_EDGES = """
DELETE FROM job_dependencies AS edge
 USING schedule_jobs AS job, schedule_jobs AS before
 WHERE job.id = edge.job_id AND before.id = edge.depends_on AND job.name = ANY (%(names)s)
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(%(rows)s) AS new (job text, before text)
                    WHERE new.job = job.name AND new.before = before.name)
"""
UPSERT_EDGES = """
INSERT INTO job_dependencies (job_id, depends_on, condition, outcome)
SELECT job.id, before.id, new.condition, new.outcome
  FROM jsonb_to_recordset(%(rows)s) AS new (job text, before text, condition text, outcome text)
  JOIN schedule_jobs AS job ON job.name = new.job
  JOIN schedule_jobs AS before ON before.name = new.before
    ON CONFLICT (job_id, depends_on) DO UPDATE SET condition = excluded.condition, outcome = excluded.outcome
"""


def take_turn(connection: psycopg.Connection[Any]) -> None:
    """Wait for an import that is under way; inside a transaction."""
    connection.execute(TURN)


def apply(connection: psycopg.Connection[Any], changes: Sequence[Change], wanted: Config) -> None:
    """Carry out a plan inside the caller's transaction; jobs that it does not name are not touched.

    Raises  Conflict when a job has gone or come meanwhile; PostgreSQL's own refusals
    """
    calendars = _names(changes, "calendars", "add", "change")
    if calendars:
        _calendars(connection, wanted, calendars)
    overlays = _names(changes, "overlays", "add", "change")
    if overlays:
        _send(connection, UPSERT_OVERLAYS, [columns_of_overlay(name, wanted.overlays[name]) for name in overlays])
    removed, changed, added = (_names(changes, "jobs", action) for action in ("remove", "change", "add"))
    if removed:
        _expect(connection.execute(REMOVE_JOBS, {"names": removed}).rowcount, removed)
    own = [each.name for each in changes if each.kind == "jobs" and each.action == "change"
           and any(field != "after" for field, _, _ in each.fields)]
    if own:
        _expect(_send(connection, UPDATE_JOBS, [columns_of_job(name, wanted.jobs[name]) for name in own]), own)
    if added:
        _send(connection, INSERT_JOBS, [columns_of_job(name, wanted.jobs[name]) for name in added])
    _edges(connection, wanted, [each for each in changes if each.kind == "jobs" and each.name in {*changed, *added}])


def _names(changes: Sequence[Change], kind: str, *actions: str) -> list[str]:
    return [each.name for each in changes if each.kind == kind and each.action in actions]


def _send(connection: psycopg.Connection[Any], statement: str, found: list[dict[str, Any]]) -> int:
    return connection.execute(statement, {"rows": Jsonb(found)}).rowcount


def _expect(count: int, names: list[str]) -> None:
    if count != len(names):
        raise Conflict(say("그 사이에 작업이 바뀌었습니다. 다시 해 보세요", "jobs have changed meanwhile; try again"))


def _calendars(connection: psycopg.Connection[Any], wanted: Config, names: list[str]) -> None:
    days = [day for name in names for day in days_of_calendar(name, wanted.calendars[name])]
    _send(connection, UPSERT_CALENDARS, [columns_of_calendar(name, wanted.calendars[name]) for name in names])
    connection.execute(CLEAR_DAYS, {"names": names, "rows": Jsonb(days)})
    if days:
        _send(connection, UPSERT_DAYS, days)


def _edges(connection: psycopg.Connection[Any], wanted: Config, changes: list[Change]) -> None:
    names = [each.name for each in changes if any(field == "after" for field, _, _ in each.fields)]
    if not names:
        return
    edges = [
        {"job": name, "before": before, "condition": condition, "outcome": outcome}
        for name in names
        for before, condition, outcome in map(fields.edge_parts, wanted.jobs[name].get("after", []))
    ]
    connection.execute(CLEAR_EDGES, {"names": names, "rows": Jsonb(edges)})
    if edges:
        _expect(_send(connection, UPSERT_EDGES, edges), [edge["job"] for edge in edges])
