"""The jobs as people read and change them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from scheduler.errors import Conflict, NotFound
from scheduler.queries.rows import Row, rows
from scheduler.words import say

# An interval leaves as whole months and exact seconds: '1 month' must never become 30 days.
LIST = """
SELECT id, name, job_type, status, interval::text AS interval,
       (extract(year FROM interval) * 12 + extract(month FROM interval))::integer AS interval_months,
       extract(epoch FROM interval - make_interval(
           months => (extract(year FROM interval) * 12 + extract(month FROM interval))::integer))::float8
           AS interval_seconds,
       specific_times, cron_expression, run_at, timezone, days_of_week, start_at, end_at, max_runs, calendar, on_holiday,
       jitter_seconds, misfire_policy, misfire_grace::text AS misfire_grace, overlap_policy, max_instances, market_codes,
       parameters, priority, timeout_minutes, max_retries, important, owner, description, tags, workflow, workflow_step,
       paused_until, pause_reason,
       next_run_at, last_run_at, last_success_at, last_failure_at, last_status, last_error, consecutive_failures, run_count,
       occurrence_count, anchor_at, spec_version, planned_version, planned_at, fence, hidden, created_at, updated_at
  FROM schedule_jobs
 WHERE CASE WHEN %(ids)s::bigint[] IS NULL THEN NOT hidden ELSE id = ANY (%(ids)s) END
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(job_type)s::text IS NULL OR job_type = %(job_type)s)
   AND (%(market)s::text IS NULL OR %(market)s = ANY (market_codes))
   AND (%(tag)s::text IS NULL OR %(tag)s = ANY (tags))
   AND (NOT %(failing)s OR consecutive_failures > 0 OR status = 'invalid')
 ORDER BY CASE WHEN %(sort)s = 'next' THEN next_run_at END,
          CASE WHEN %(sort)s = 'last' THEN last_run_at END DESC NULLS LAST,
          CASE WHEN %(sort)s = 'name' THEN name END, id
 LIMIT %(limit)s
"""


def list_jobs(
    connection: psycopg.Connection[Any],
    *,
    ids: list[int] | None = None,
    status: str | None = None,
    job_type: str | None = None,
    market: str | None = None,
    tag: str | None = None,
    failing: bool = False,
    sort: str = "id",
    limit: int | None = None,
) -> list[Row]:
    """Return jobs with every column; two more, interval_months and interval_seconds, hold the exact interval."""
    return rows(connection, LIST, {
        "ids": ids, "status": status, "job_type": job_type, "market": market, "tag": tag, "failing": failing,
        "sort": sort, "limit": limit,
    })


def public(job: Mapping[str, Any]) -> Row:
    """Return a job as JSON shows it: the columns of the table, the interval as text."""
    return {name: value for name, value in job.items() if name not in ("interval_months", "interval_seconds")}


FIND = """
SELECT id, name
  FROM schedule_jobs
 WHERE id = %(id)s OR name = ANY (%(names)s) OR (%(prefix)s::text IS NOT NULL AND starts_with(name, %(prefix)s) AND NOT hidden)
 ORDER BY name = ANY (%(names)s) DESC, id
 LIMIT 12
"""
LARGEST_ID = 2**63 - 1


def find_job(connection: psycopg.Connection[Any], text: str) -> int:
    """Return the id of the job that *text* names: its id, its name, or a prefix that only one name has.

    A number is an id and nothing else, so that a mistyped one never hits a name that begins with it.
    Raises  NotFound; Conflict when several names begin so
    """
    is_number = text.isascii() and text.isdigit()
    number = int(text) if is_number and int(text) <= LARGEST_ID else None
    names = list({text, unicodedata.normalize("NFC", text)})
    prefix = None if is_number or not text else names[0] if len(names) == 1 else unicodedata.normalize("NFC", text)
    found = rows(connection, FIND, {"id": number, "names": names, "prefix": prefix})
    exact = [each for each in found if each["name"] in names or each["id"] == number]
    if exact or len(found) == 1:
        return int((exact or found)[0]["id"])
    if found:
        listed = "".join(f"\n{each['id']}  {each['name']}" for each in found[:10])
        raise Conflict(say(f"'{text}'(으)로 시작하는 작업이 여럿입니다", f"several jobs begin with '{text}'") + listed)
    raise NotFound(say(f"작업 '{text}'이(가) 없습니다", f"there is no job '{text}'") + "\nerp-scheduler jobs list")


SELECT_MANY = """
SELECT id
  FROM schedule_jobs
 WHERE NOT hidden
   AND CASE %(kind)s
           WHEN 'all' THEN true
           WHEN 'failing' THEN consecutive_failures > 0
           WHEN 'paused' THEN status = 'paused'
           WHEN 'invalid' THEN status = 'invalid'
           WHEN 'type' THEN job_type = %(value)s
           WHEN 'market' THEN %(value)s = ANY (market_codes)
           WHEN 'tag' THEN %(value)s = ANY (tags)
       END
 ORDER BY id
"""
SELECTORS = ("all", "failing", "paused", "invalid", "type", "market", "tag")


def find_jobs(connection: psycopg.Connection[Any], texts: list[str]) -> list[int]:
    """Return the ids that *texts* name, each once: ids, names, prefixes, or ``@failing``, ``@type:order_collection`` …

    Raises  NotFound, Conflict as find_job does; NotFound when a selector selects nothing
    """
    found: dict[int, None] = {}
    for text in texts:
        kind, _, value = text.removeprefix("@").partition(":")
        if not text.startswith("@") or kind not in SELECTORS:
            found[find_job(connection, text)] = None
            continue
        selected = rows(connection, SELECT_MANY, {"kind": kind, "value": value})
        if not selected:
            raise NotFound(say(f"{text}에 해당하는 작업이 없습니다", f"{text} selects no job") + "\nerp-scheduler jobs list")
        found.update(dict.fromkeys(int(each["id"]) for each in selected))
    return list(found)


def insert_statement(values: Mapping[str, Any]) -> sql.Composed:
    """Write the INSERT for a job out of the columns that are given: what is sent, and what --sql prints."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in values)
    return sql.SQL("INSERT INTO schedule_jobs ({}) VALUES ({})").format(columns, _literals(values))


def update_statement(values: Mapping[str, Any], ids: list[int]) -> sql.Composed:
    """Write the UPDATE for jobs. Only columns that change are named: the triggers go by them."""
    settings = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), _literal(name, value)) for name, value in values.items()
    )
    where = sql.SQL("id = {}").format(ids[0]) if len(ids) == 1 else sql.SQL("id IN ({})").format(
        sql.SQL(", ").join(sql.Literal(each) for each in ids)
    )
    return sql.SQL("UPDATE schedule_jobs SET {} WHERE {}").format(settings, where)


def _literals(values: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL(", ").join(_literal(name, value) for name, value in values.items())


def _literal(name: str, value: Any) -> sql.Composable:
    if isinstance(value, dict):
        return sql.Literal(Jsonb(value))
    if isinstance(value, list):
        kind = "time[]" if name == "specific_times" else "text[]"
        return sql.SQL("ARRAY[{}]::").format(sql.SQL(", ").join(map(sql.Literal, value))) + sql.SQL(kind)
    return sql.Literal(value)


def typed(statement: sql.Composed) -> str:
    """Return *statement* as a person would type it."""
    return statement.as_string() + ";"


def insert_job(connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> int:
    """Insert a job and return its id. PostgreSQL's refusals pass through: their words are the operator's."""
    made = connection.execute(insert_statement(values) + sql.SQL(" RETURNING id")).fetchone()
    assert made is not None
    return int(made[0])


def update_jobs(connection: psycopg.Connection[Any], values: Mapping[str, Any], ids: list[int]) -> list[int]:
    """Change *values* of the jobs *ids* and return those that are still there."""
    changed = connection.execute(update_statement(values, ids) + sql.SQL(" RETURNING id")).fetchall()
    return [int(each[0]) for each in changed]


REMOVE = "DELETE FROM schedule_jobs WHERE id = ANY (%(ids)s) RETURNING id, name"
RUNNING_OF = "SELECT id, job_id, job_name, node FROM job_executions WHERE job_id = ANY (%(ids)s) AND status = 'running'"


def remove_jobs(connection: psycopg.Connection[Any], ids: list[int]) -> list[Row]:
    """Delete jobs; their history stays, what waited ends as cancelled, what runs is ended at the next heartbeat."""
    return rows(connection, REMOVE, {"ids": ids})


def running_of(connection: psycopg.Connection[Any], ids: list[int]) -> list[Row]:
    """Return the executions of these jobs that run at this moment."""
    return rows(connection, RUNNING_OF, {"ids": ids})


LAST_ENDS = """
SELECT job.id AS job_id,
       (SELECT array_agg(status ORDER BY id DESC)
          FROM (SELECT id, status FROM job_executions WHERE job_id = job.id AND finished_at IS NOT NULL
                 ORDER BY started_at DESC NULLS LAST LIMIT %(count)s) AS ended) AS statuses
  FROM schedule_jobs AS job
 WHERE job.id = ANY (%(ids)s)
"""


def last_ends(connection: psycopg.Connection[Any], ids: list[int], count: int = 8) -> dict[int, list[str]]:
    """Return the newest statuses of each job, oldest first."""
    found = rows(connection, LAST_ENDS, {"ids": ids, "count": count})
    return {each["job_id"]: list(reversed(each["statuses"] or [])) for each in found}


NOW = "SELECT clock_timestamp()"


def database_now(connection: psycopg.Connection[Any]) -> Any:
    """Return the database's clock."""
    found = connection.execute(NOW).fetchone()
    return found[0] if found else None
