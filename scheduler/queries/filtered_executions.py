"""Executions as the pages list them: by filters that live in the address, never more than a bounded look at the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries import execution_walk as walk
from scheduler.queries.execution_walk import LAST_ID
from scheduler.queries.rows import Row, row, rows

LOOKED = walk.LOOKED
MOST = 1000
LIVE = ("queued", "running")
FAILED = ("failed", "timed_out", "lost")


@dataclass(frozen=True, slots=True)
class Filter:
    """What the address asks for.

    job    id; one that no job has matches nothing
    since  what ended from then on, and what has not ended yet
    until  what ended before then
    """

    statuses: tuple[str, ...] = ()
    job: int | None = None
    job_type: str | None = None
    market: str | None = None
    trigger: str | None = None
    node: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None

    def values(self, before: int | None) -> dict[str, Any]:
        """Return the parameters of the statements below."""
        return {
            **walk.walk_values(self.statuses, LOOKED), "before": LAST_ID if before is None else before,
            "statuses": list(self.statuses) or None, "job_id": self.job, "job_type": self.job_type, "market": self.market,
            "trigger": self.trigger, "node": self.node, "since": self.since, "until": self.until, "q": self.q,
            "pattern": None if self.q is None else f"%{_literal(self.q)}%",
        }


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# No more of the newest rows than can be looked at in a moment: a filter that hardly anything matches is answered page by page
# instead of reading a year.
NEAR = """
  FROM ({walk} LIMIT %(looked)s) AS execution
 WHERE (%(statuses)s::text[] IS NULL OR status = ANY (%(statuses)s))
   AND (%(job_type)s::text IS NULL OR job_type = %(job_type)s)
   AND (%(market)s::text IS NULL OR %(market)s = ANY (market_codes))
   AND (%(trigger)s::text IS NULL OR trigger = %(trigger)s)
   AND (%(node)s::text IS NULL OR node = %(node)s)
   AND (%(since)s::timestamptz IS NULL OR coalesce(finished_at, now()) >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR finished_at < %(until)s)
   AND (%(q)s::text IS NULL OR job_name ILIKE %(pattern)s OR error_message ILIKE %(pattern)s OR id::text = %(q)s)
"""
LIST = """
SELECT id, job_id, job_name, job_type, trigger, status, scheduled_for, attempt, available_at, held_for, market_codes, node,
       cancel_requested, cancel_reason, started_at, finished_at, duration_ms, result, progress, error_class,
       left(error_message, 300) AS error_message, skip_reason, missed_count, retry_of, created_at,
       CASE WHEN held_for = 'dependency' AND status = 'queued' THEN ARRAY(
           SELECT former.name
             FROM job_dependencies AS edge JOIN schedule_jobs AS former ON former.id = edge.depends_on
            WHERE edge.job_id = execution.job_id
              AND NOT coalesce(CASE WHEN edge.condition = 'ever' THEN former.last_success_at IS NOT NULL
                                    WHEN edge.outcome = 'success' THEN former.last_success_at > edge.seen_at
                                    ELSE former.last_failure_at > edge.seen_at END, false)
            ORDER BY former.name) END AS waits_for
""" + NEAR + """
 ORDER BY id DESC
 LIMIT %(limit)s
"""
REACHED = """
SELECT id, (%(since)s::timestamptz IS NULL OR coalesce(finished_at, now()) >= %(since)s) AS within
  FROM job_executions
 WHERE id = (SELECT id FROM ({walk} OFFSET %(looked)s - 1 LIMIT 1) AS last)
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of executions.

    next     where the next page begins, None at the end
    is_full  whether the page was filled; else the look ended before, and there may be more further back
    """

    rows: list[Row]
    next: int | None
    is_full: bool


def list_page(connection: psycopg.Connection[Any], wanted: Filter, before: int | None = None, limit: int = 50) -> Listed:
    """Return the newest executions below id *before* that match."""
    way, values = _way(connection, wanted, before)
    found = rows(connection, LIST.format(walk=way.format(columns="*")), {**values, "limit": limit + 1})
    if len(found) > limit:
        return Listed(found[:limit], int(found[limit - 1]["id"]), True)
    reached = row(connection, REACHED.format(walk=way.format(columns="id")), values)
    goes_on = reached is not None and reached["within"]
    return Listed(found, int(reached["id"]) if reached is not None and goes_on else None, False)


def _way(connection: psycopg.Connection[Any], wanted: Filter, before: int | None) -> tuple[str, dict[str, Any]]:
    """Return the statement that walks to what is wanted, to be formatted with ``columns``, and the parameters."""
    values = wanted.values(before)
    if wanted.until is not None:
        span = ["finished_at < %(until)s"] + (["finished_at >= %(since)s"] if wanted.since is not None else [])
        if walk.is_short(connection, span, values, LOOKED):
            own = ["job_id = %(job_id)s"] if wanted.job is not None else []
            return walk.by_id_within(span + own), {**values, "looked": LOOKED}
    return walk.by_id(wanted.statuses, wanted.job is not None), values


# Only the last attempt of a planned time is tried again: the others have had their successor.
RETRIABLE = "SELECT id, job_name, status, scheduled_for" + NEAR + """
   AND job_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM job_executions AS later
                    WHERE later.job_id = execution.job_id AND later.scheduled_for = execution.scheduled_for
                      AND later.attempt > execution.attempt)
 ORDER BY id DESC
 LIMIT %(limit)s
"""
CANCELLABLE = "SELECT id, job_name, status, scheduled_for" + NEAR + """
   AND NOT cancel_requested
 ORDER BY id DESC
 LIMIT %(limit)s
"""


def to_retry(connection: psycopg.Connection[Any], wanted: Filter, upto: int | None = None) -> list[Row]:
    """Return the failed executions of a filter that may be tried again, newest first, at most MOST and one more.

    upto  none above this id; what came since is not meant
    """
    chosen = tuple(each for each in wanted.statuses if each in (*FAILED, "cancelled"))
    if wanted.statuses and not chosen:
        return []
    return _of(connection, RETRIABLE, replace(wanted, statuses=chosen or FAILED), upto)


def to_cancel(connection: psycopg.Connection[Any], wanted: Filter, upto: int | None = None) -> list[Row]:
    """Return the executions of a filter that wait or run, newest first, at most MOST and one more."""
    chosen = tuple(each for each in wanted.statuses if each in LIVE)
    if wanted.statuses and not chosen:
        return []
    return _of(connection, CANCELLABLE, replace(wanted, statuses=chosen or LIVE), upto)


def _of(connection: psycopg.Connection[Any], statement: str, wanted: Filter, upto: int | None) -> list[Row]:
    way, values = _way(connection, wanted, None if upto is None else upto + 1)
    return rows(connection, statement.format(walk=way.format(columns="*")), {**values, "limit": MOST + 1})


JOB_NAMED = "SELECT id FROM schedule_jobs WHERE name = %(name)s"
CHOICES = """
SELECT ARRAY(SELECT job_type FROM job_types UNION SELECT job_type FROM schedule_jobs ORDER BY 1) AS job_types,
       ARRAY(SELECT market_code FROM market_accounts UNION SELECT unnest(market_codes) FROM schedule_jobs ORDER BY 1) AS markets,
       ARRAY(SELECT DISTINCT name FROM scheduler_nodes WHERE seen_at > now() - interval '30 days' ORDER BY 1 LIMIT 50) AS nodes,
       (SELECT name FROM schedule_jobs WHERE id = %(job)s) AS job_name
"""


def job_named(connection: psycopg.Connection[Any], text: str) -> int:
    """Return the id that *text* names, by number or name; 0, which no job has, when none does."""
    if text.isascii() and text.isdigit():
        return int(text) if int(text) <= LAST_ID else 0
    found = row(connection, JOB_NAMED, {"name": text})
    return int(found["id"]) if found else 0


def choices(connection: psycopg.Connection[Any], job: int | None) -> Mapping[str, Any]:
    """Return what the filters may be set to."""
    return row(connection, CHOICES, {"job": job}) or {}
