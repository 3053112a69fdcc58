"""The list of jobs as a page shows it: filters, every order with a place to go on from, and the last runs of those shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from scheduler.queries.rows import Row, row, rows
from scheduler.words import language

Connection = psycopg.Connection[Any]
FILTERS = ("q", "status", "type", "market", "health", "tag")
HEALTHS = ("failing", "well", "running", "never", "overdue")

WHERE = """
   NOT job.hidden
   AND (%(status)s::text IS NULL OR job.status = %(status)s)
   AND (%(type)s::text IS NULL OR job.job_type = %(type)s)
   AND (%(market)s::text IS NULL OR %(market)s = ANY (job.market_codes))
   AND (%(tag)s::text IS NULL OR %(tag)s = ANY (job.tags))
   AND (%(q)s::text IS NULL OR job.name ILIKE %(q)s OR job.job_type ILIKE %(q)s OR job.description ILIKE %(q)s)
   AND CASE %(health)s::text
           WHEN 'failing' THEN job.consecutive_failures > 0 OR job.status = 'invalid'
           WHEN 'well' THEN job.last_status = 'success' AND job.status <> 'invalid'
           WHEN 'running' THEN EXISTS (SELECT FROM job_executions AS run WHERE run.job_id = job.id AND run.status = 'running')
           WHEN 'never' THEN job.last_run_at IS NULL AND job.run_count = 0
           WHEN 'overdue' THEN job.status = 'active' AND job.next_run_at < now() - interval '2 minutes'
           ELSE true
       END
   AND (%(ids)s::bigint[] IS NULL OR job.id = ANY (%(ids)s))
"""
WORST = """((job.status = 'invalid')::integer * 1000000 + (job.important AND job.consecutive_failures > 0)::integer * 100000
            + job.consecutive_failures)"""
# Of the last hundred: a job that has long been failing has its last success far back.
TYPICAL = """coalesce((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY past.duration_ms)
              FROM (SELECT latest.duration_ms
                      FROM (SELECT each.status, each.duration_ms, each.started_at FROM job_executions AS each
                             WHERE each.job_id = job.id AND each.started_at IS NOT NULL
                             ORDER BY each.started_at DESC LIMIT 100) AS latest
                     WHERE latest.status = 'success' ORDER BY latest.started_at DESC LIMIT 20) AS past), -1)"""
MOMENT = re.compile(r"-?infinity|\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?")
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
ANYTHING = re.compile(r"[^\x00]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Order:
    """A column to sort by: an expression that is never NULL, its type, and what a value of it looks like."""

    expression: str
    kind: str
    shape: re.Pattern[str]
    falls: bool = False


WORDS = """coalesce((SELECT CASE WHEN %(language)s = 'ko' THEN said.ko ELSE said.en END
                       FROM schedule_words AS said WHERE said.job_id = job.id), '')"""
BYTES = ' COLLATE "C"'
ORDERS = {
    "worst": Order(WORST, "numeric", NUMBER, falls=True),
    "name": Order("job.name" + BYTES, "text", ANYTHING),
    "status": Order("job.status", "text", ANYTHING),
    "last": Order("coalesce(job.last_run_at, '-infinity')", "timestamptz", MOMENT, falls=True),
    "next": Order("coalesce(CASE WHEN job.status = 'active' THEN job.next_run_at END, 'infinity')", "timestamptz", MOMENT),
    "p50": Order(TYPICAL, "float8", NUMBER, falls=True),
    "schedule": Order(WORDS + BYTES, "text", ANYTHING),
    "type": Order("job.job_type" + BYTES, "text", ANYTHING),
    "markets": Order("array_to_string(job.market_codes, ',')" + BYTES, "text", ANYTHING),
    "tags": Order("array_to_string(job.tags, ',')" + BYTES, "text", ANYTHING),
    "owner": Order("coalesce(job.owner, '')" + BYTES, "text", ANYTHING),
    "failures": Order("job.consecutive_failures", "numeric", NUMBER, falls=True),
    "timeout": Order("job.timeout_minutes", "float8", NUMBER, falls=True),
    "priority": Order("job.priority", "numeric", NUMBER, falls=True),
    "count": Order("job.run_count", "numeric", NUMBER, falls=True),
}

PAGE = """
SELECT job.id, job.name, job.job_type, job.status, job.market_codes, job.tags, job.next_run_at, job.last_run_at, job.last_status,
       left(job.last_error, 300) AS last_error, job.consecutive_failures, job.paused_until, job.pause_reason, job.important,
       job.owner, job.timezone, job.timeout_minutes, job.priority,
       words.ko AS schedule_ko, words.en AS schedule_en, job.run_count, live.id AS running_execution,
       live.started_at AS running_since, job.sort_key::text AS sort_key
  FROM (SELECT job.*, {key} AS sort_key FROM schedule_jobs AS job WHERE {where}) AS job
  LEFT JOIN schedule_words AS words ON words.job_id = job.id
  LEFT JOIN (SELECT DISTINCT ON (run.job_id) run.job_id, run.id, run.started_at FROM job_executions AS run
              WHERE run.status = 'running' ORDER BY run.job_id, run.slot) AS live ON live.job_id = job.id
 WHERE {after}
 ORDER BY job.sort_key {way}, job.id {way}
 LIMIT %(most)s
"""
COUNT = f"SELECT count(*) AS number FROM schedule_jobs AS job WHERE {WHERE}"
IDS = f"SELECT job.id, job.name, job.status FROM schedule_jobs AS job WHERE {WHERE} ORDER BY job.id"


def values_of(filters: Mapping[str, Any], ids: list[int] | None = None) -> dict[str, Any]:
    """Return the parameters of the statements here; a text that is looked for stands for itself, also with ``%``."""
    given = {name: filters.get(name) or None for name in FILTERS}
    if given["q"] is not None:
        given["q"] = "%" + re.sub(r"([%_\\])", r"\\\1", given["q"]) + "%"
    return {**given, "ids": ids}


def page_of_jobs(
    connection: Connection, filters: Mapping[str, Any], sort: str, falls: bool, after: tuple[str, int] | None, most: int
) -> list[Row]:
    """Return at most *most* jobs that *filters* let through, those that come after the place *after*."""
    order = ORDERS[sort]
    statement = sql.SQL(PAGE).format(
        key=sql.SQL(order.expression), where=sql.SQL(WHERE), way=sql.SQL("DESC" if falls else "ASC"),
        after=sql.SQL("true") if after is None else sql.SQL("(job.sort_key, job.id) {} (%(key)s::{}, %(id)s::bigint)").format(
            sql.SQL("<" if falls else ">"), sql.SQL(order.kind)))
    key, number = after or (None, None)
    values = {**values_of(filters), "most": most, "key": key, "id": number, "language": language()}
    return rows(connection, statement.as_string(connection), values)


def count_jobs(connection: Connection, filters: Mapping[str, Any], ids: list[int] | None = None) -> int:
    """Count the jobs that *filters* let through."""
    return int((row(connection, COUNT, values_of(filters, ids)) or {"number": 0})["number"])


def matching(connection: Connection, filters: Mapping[str, Any], ids: list[int] | None = None) -> list[Row]:
    """Return number, name and status of all jobs that *filters* let through, of those in *ids* if any are given."""
    return rows(connection, IDS, values_of(filters, ids))


# Fifty rows a job by the index of its planned times; what waits or runs is no result yet.
LAST_RUNS = """
SELECT job.id AS job_id, last.statuses, last.durations, last.since, last.until,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)
          FROM unnest(last.statuses, last.durations) AS each (status, ms) WHERE status = 'success') AS p50_ms
  FROM unnest(%(ids)s::bigint[]) AS job (id)
 CROSS JOIN LATERAL (
       SELECT array_agg(run.status ORDER BY run.scheduled_for DESC, run.attempt DESC) AS statuses,
              array_agg(run.duration_ms ORDER BY run.scheduled_for DESC, run.attempt DESC) AS durations,
              min(run.scheduled_for) AS since, max(run.scheduled_for) AS until
         FROM (SELECT each.status, each.duration_ms, each.scheduled_for, each.attempt FROM job_executions AS each
                WHERE each.job_id = job.id AND each.finished_at IS NOT NULL
                ORDER BY each.scheduled_for DESC, each.attempt DESC LIMIT 50) AS run) AS last
"""
CHOICES = """
SELECT (SELECT array_agg(DISTINCT job_type ORDER BY job_type) FROM schedule_jobs WHERE NOT hidden) AS types,
       (SELECT array_agg(DISTINCT code ORDER BY code) FROM schedule_jobs, unnest(market_codes) AS code
         WHERE NOT hidden) AS markets,
       (SELECT array_agg(DISTINCT tag ORDER BY tag) FROM schedule_jobs, unnest(tags) AS tag WHERE NOT hidden) AS tags,
       (SELECT count(*) FROM schedule_jobs WHERE NOT hidden) AS total
"""


def last_runs(connection: Connection, ids: list[int]) -> dict[int, Row]:
    """Return the last fifty results of each of *ids*, newest first, how long they took and when they were."""
    return {each["job_id"]: each for each in rows(connection, LAST_RUNS, {"ids": ids})}


def choices(connection: Connection) -> Row:
    """Return the types, markets and tags that jobs have, and how many jobs there are."""
    return row(connection, CHOICES) or {}
