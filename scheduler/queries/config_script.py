"""A configuration as a script for psql: what an import would do to a database, in plain SQL."""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from scheduler.queries.config import JOB_COLUMNS
from scheduler.rules import config_fields as fields
from scheduler.rules.config import Config
from scheduler.rules.config_rows import columns_of_calendar, columns_of_job, columns_of_overlay, days_of_calendar

EDGE = """INSERT INTO job_dependencies (job_id, depends_on, condition, outcome)
SELECT job.id, before.id, {}, {} FROM schedule_jobs AS job, schedule_jobs AS before
 WHERE job.name = {} AND before.name = {}
    ON CONFLICT (job_id, depends_on) DO UPDATE SET condition = excluded.condition, outcome = excluded.outcome;"""
LISTS = {"specific_times": "time[]", "market_codes": "text[]", "job_types": "text[]", "tags": "text[]"}


def as_script(config: Config) -> str:
    """Write a configuration as one transaction of INSERT … ON CONFLICT statements."""
    statements = [
        *(_upsert("calendars", columns_of_calendar(name, config.calendars[name]), "name") for name in _bases_first(config)),
        *(_upsert("calendar_days", day, "calendar, day")
          for name in sorted(config.calendars) for day in days_of_calendar(name, config.calendars[name])),
        *(_upsert("schedule_overlays", columns_of_overlay(name, config.overlays[name]), "name")
          for name in sorted(config.overlays)),
        *(_job(name, config.jobs[name]) for name in sorted(config.jobs)),
        *(_edge(name, edge) for name in sorted(config.jobs) for edge in config.jobs[name].get("after", [])),
    ]
    return "\n".join(["BEGIN;", *statements, "COMMIT;", ""])


def _bases_first(config: Config) -> list[str]:
    def depth(name: str) -> int:
        count = 0
        while count < len(config.calendars) and (base := config.calendars.get(name, {}).get("base")) is not None:
            name, count = base, count + 1
        return count

    return sorted(config.calendars, key=lambda name: (depth(name), name))


def _job(name: str, entry: dict[str, Any]) -> str:
    found = columns_of_job(name, entry)
    columns = {"name": name, "status": "paused" if found["paused"] else "active"} | {each: found[each] for each in JOB_COLUMNS}
    return _upsert("schedule_jobs", columns, "name")


def _upsert(table: str, columns: dict[str, Any], key: str) -> str:
    said = {name: value for name, value in columns.items() if value is not None}
    others = [name for name in columns if name not in key.split(", ")]
    text = sql.SQL("INSERT INTO {} ({})\nVALUES ({})\n    ON CONFLICT ({}) DO UPDATE SET {};").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, said)),
        sql.SQL(", ").join(_literal(name, value) for name, value in said.items()), sql.SQL(key),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others),
    )
    return text.as_string()


def _literal(name: str, value: Any) -> sql.Composable:
    if isinstance(value, dict):
        return sql.Literal(Jsonb(value))
    if isinstance(value, list):
        return sql.SQL("ARRAY[{}]::").format(sql.SQL(", ").join(map(sql.Literal, value))) + sql.SQL(LISTS[name])
    return sql.Literal(value)


def _edge(job: str, written: Any) -> str:
    before, condition, outcome = fields.edge_parts(written)
    return sql.SQL(EDGE).format(*map(sql.Literal, (condition, outcome, job, before))).as_string()
