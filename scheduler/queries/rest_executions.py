"""Executions page by page and by any filter, as programs ask; nothing counts the history unless it is asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from scheduler.queries import execution_walk as walk
from scheduler.queries.rows import Row, row, rows

LOOKED = walk.LOOKED
# What one look needs; the result only where it is short, stored and written out: a page of long ones would be megabytes.
LIST = """
SELECT id, job_id, job_name, job_type, trigger, status, scheduled_for, attempt, available_at, held_for, market_codes, node,
       cancel_requested, started_at, finished_at, duration_ms, progress,
       CASE WHEN pg_column_size(result) < 2000 AND octet_length(result::text) < 4000 THEN result END AS result,
       error_class, left(error_message, 500) AS error_message, skip_reason, missed_count, retry_of, created_at
  FROM ({walk} LIMIT %(looked)s) AS execution
 WHERE {where}
 LIMIT %(limit)s
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
    "until": "finished_at < %(until)s",
    "q": "(job_name ILIKE %(q)s OR error_message ILIKE %(q)s)",
}
# A walk by the end begins and stops where the filter says; one by the id cannot, as what was made first may end last. There
# a span that is short enough is read whole.
BOUNDS = {"job_id": FILTERS["job_id"], "since": "finished_at >= %(since)s", "until": FILTERS["until"]}
SPAN = """
SELECT {columns} FROM job_executions WHERE id < %(before)s AND {span}
 UNION ALL SELECT {columns} FROM job_executions WHERE id < %(before)s AND status = 'queued'
 UNION ALL SELECT {columns} FROM job_executions WHERE id < %(before)s AND status = 'running'
 ORDER BY id DESC
"""
REACHED = """
SELECT id, finished_at FROM job_executions WHERE id = (SELECT id FROM ({walk} OFFSET %(looked)s - 1 LIMIT 1) AS last)
"""
COUNT = "SELECT count(*) AS number FROM job_executions"
STATE = "SELECT status FROM job_executions WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a list.

    reached  the key at which the look ended before as many were found as were asked for; None at the end of the list
    """

    rows: list[Row]
    reached: tuple[Any, ...] | None = None


def list_page(
    connection: psycopg.Connection[Any], given: Mapping[str, Any], is_by_end: bool, after: tuple[Any, ...] | None, limit: int
) -> Part:
    """Return executions, those made last first or those that ended last first, of the next 50,000 at most.

    given  statuses, job_id, job_type, market, trigger, node, since, until, q; None for any
    after  the last row of the page before: (id,) or (finished_at, id)
    """
    statuses = None if is_by_end else tuple(dict.fromkeys(given.get("statuses") or ()))
    values = {**_values(given), **walk.walk_values(statuses, LOOKED), "limit": limit,
              "before_at": after[0] if after else None, "before": after[-1] if after else None if is_by_end else walk.LAST_ID}
    bounds = [text for name, text in BOUNDS.items() if given.get(name) is not None]
    way = walk.by_end(bounds) if is_by_end else walk.by_id(statuses, given.get("job_id") is not None)
    found = _walked(connection, given, way, values, is_by_end)
    last = None if len(found) >= limit else row(connection, REACHED.format(walk=way.format(columns="id")), values)
    if last is None:
        return Part(found)
    times = [BOUNDS[name] for name in ("since", "until") if given.get(name) is not None]
    if not is_by_end and times and walk.is_short(connection, times, values, LOOKED):
        span = SPAN.replace("{span}", " AND ".join(bounds))
        return Part(_walked(connection, given, span, {**values, "looked": walk.LAST_ID}, is_by_end))
    return Part(found, (last["finished_at"], last["id"]) if is_by_end else (last["id"],))


def _walked(connection: psycopg.Connection[Any], given: Mapping[str, Any], way: str, values: Row, is_by_end: bool) -> list[Row]:
    order = "finished_at DESC, id DESC" if is_by_end else "id DESC"
    return rows(connection, LIST.format(walk=way.format(columns="*"), where=f"{_where(given)} ORDER BY {order}"), values)


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
