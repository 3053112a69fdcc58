"""Executions page by page and by any filter, as programs ask; nothing counts the history unless it is asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

# What one look needs; the result only where it is short, stored and written out: a page of long ones would be megabytes.
COLUMNS = """
SELECT id, job_id, job_name, job_type, trigger, status, scheduled_for, attempt, available_at, held_for, market_codes, node,
       cancel_requested, started_at, finished_at, duration_ms, progress,
       CASE WHEN pg_column_size(result) < 2000 AND octet_length(result::text) < 4000 THEN result END AS result,
       error_class, left(error_message, 500) AS error_message, skip_reason, missed_count, retry_of, created_at
  FROM job_executions AS execution
"""
# A run that began long ago and ended just now is recent: it counts by its end, and one that has not ended is of now.
FILTERS = {
    "statuses": "status = ANY (%(statuses)s)",
    "ids": "id = ANY (%(ids)s)",
    "job_id": "job_id = %(job_id)s",
    "job_type": "job_type = %(job_type)s",
    "market": "%(market)s = ANY (market_codes)",
    "trigger": "trigger = %(trigger)s",
    "node": "node = %(node)s",
    "since": "(finished_at >= %(since)s OR status IN ('queued', 'running'))",
    "until": "finished_at <= %(until)s",
    "q": "(job_name ILIKE %(q)s OR error_message ILIKE %(q)s)",
}
BY_ID = "(%(after_id)s::bigint IS NULL OR id < %(after_id)s) ORDER BY id DESC"
BY_END = """
finished_at IS NOT NULL
   AND (%(after_id)s::bigint IS NULL OR (finished_at, id) < (%(after_at)s::timestamptz, %(after_id)s))
 ORDER BY finished_at DESC, id DESC
"""
COUNT = "SELECT count(*) AS number FROM job_executions"
STATE = "SELECT status FROM job_executions WHERE id = %(id)s"


def list_page(
    connection: psycopg.Connection[Any], given: Mapping[str, Any], by_end: bool, after: tuple[Any, ...] | None, limit: int
) -> list[Row]:
    """Return executions, those made last first or those that ended last first.

    given  statuses, job_id, job_type, market, trigger, node, since, until, q; None for any
    after  the last row of the page before: (id,) or (finished_at, id)
    """
    key = {"after_id": after[-1] if after else None, "after_at": after[0] if after and by_end else None}
    order = BY_END if by_end else BY_ID
    return rows(connection, f"{COLUMNS} WHERE {_where(given)} AND {order} LIMIT %(limit)s",
                {**_values(given), **key, "limit": limit})


def count(connection: psycopg.Connection[Any], given: Mapping[str, Any]) -> int:
    """Count all that match, however long that takes."""
    found = row(connection, f"{COUNT} WHERE {_where(given)}", _values(given))
    return int(found["number"]) if found else 0


def matching(connection: psycopg.Connection[Any], given: Mapping[str, Any], limit: int) -> list[int]:
    """Return the numbers of those that match, the oldest first, at most *limit*."""
    found = rows(connection, f"SELECT id FROM job_executions WHERE {_where(given)} ORDER BY id LIMIT %(limit)s",
                 {**_values(given), "limit": limit})
    return [int(each["id"]) for each in found]


def state(connection: psycopg.Connection[Any], number: int) -> str | None:
    """Return the status of an execution, None without one."""
    found = row(connection, STATE, {"id": number})
    return None if found is None else str(found["status"])


def _where(given: Mapping[str, Any]) -> str:
    """Return the conditions of the filters that are given: only those, so that each finds its index."""
    filters = FILTERS
    if given.get("statuses") and not {"queued", "running"} & set(given["statuses"]):
        filters = {**FILTERS, "since": "finished_at >= %(since)s"}
    return " AND ".join(filters[name] for name, value in given.items() if value is not None) or "true"


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    text = given.get("q")
    if text is None:
        return dict(given)
    plain = str(text).replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return {**given, "q": f"%{plain}%"}
