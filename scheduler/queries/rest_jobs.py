"""Jobs page by page, by name, and locked for an edit: what programs ask for."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.jobs import LARGEST_ID, list_jobs
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

# What a list may be sorted by: the expression, and the type of the cursor's part. What is not planned comes last.
SORTS: dict[str, tuple[str, type]] = {
    "id": ("id", int),
    "name": ("name", str),
    "next_run_at": ("coalesce(next_run_at, 'infinity')", datetime),
    "last_run_at": ("coalesce(last_run_at, '-infinity')", datetime),
    "consecutive_failures": ("consecutive_failures", int),
}
NULLS = {"next_run_at": "infinity", "last_run_at": "-infinity"}
FILTERS = {
    "ids": "id = ANY (%(ids)s)",
    "status": "status = ANY (%(status)s)",
    "job_type": "job_type = %(job_type)s",
    "market": "%(market)s = ANY (market_codes)",
    "tag": "%(tag)s = ANY (tags)",
    "q": "(name ILIKE %(q)s OR description ILIKE %(q)s OR owner ILIKE %(q)s)",
    "failing": "(consecutive_failures > 0 OR status = 'invalid') = %(failing)s",
}


def where(given: Mapping[str, Any]) -> str:
    """Return the conditions of the filters that are given; the jobs behind one-off runs are nobody's."""
    return " AND ".join(["NOT hidden", *(text for name, text in FILTERS.items() if given.get(name) is not None)])


def page(
    connection: psycopg.Connection[Any], given: Mapping[str, Any], sort: str, after: tuple[Any, ...] | None, limit: int
) -> list[Row]:
    """Return jobs with every column, in order.

    given  ids, status (several), job_type, market, tag, q, failing; None for any
    sort   a name of SORTS, from high to low with a hyphen before it
    after  the last row of the page before: its sort value and id
    """
    column = sort.removeprefix("-")
    (expression, kind), down = SORTS[column], sort.startswith("-")
    cast = {int: "bigint", str: "text", datetime: "timestamptz"}[kind]
    key = f"(%(id)s::bigint IS NULL OR ({expression}, id) {'<' if down else '>'} (%(key)s::{cast}, %(id)s))"
    order = "DESC" if down else "ASC"
    statement = (f"SELECT id FROM schedule_jobs WHERE {where(given)} AND {key} "
                 f"ORDER BY {expression} {order}, id {order} LIMIT %(limit)s")
    values = {**_values(given), "id": after[1] if after else None, "limit": limit,
              "key": None if after is None else after[0] if after[0] is not None else NULLS.get(column)}
    return in_order(connection, [int(each["id"]) for each in rows(connection, statement, values)])


def count(connection: psycopg.Connection[Any], given: Mapping[str, Any]) -> int:
    """Count the jobs that match."""
    found = row(connection, f"SELECT count(*) AS number FROM schedule_jobs WHERE {where(given)}", _values(given))
    return int(found["number"]) if found else 0


def matching(connection: psycopg.Connection[Any], given: Mapping[str, Any], limit: int) -> list[int]:
    """Return the numbers of the jobs that match, in order."""
    statement = f"SELECT id FROM schedule_jobs WHERE {where(given)} ORDER BY id LIMIT %(limit)s"
    return [int(each["id"]) for each in rows(connection, statement, {**_values(given), "limit": limit})]


def in_order(connection: psycopg.Connection[Any], ids: Sequence[int]) -> list[Row]:
    """Return the rows of these jobs in this order."""
    found = {each["id"]: each for each in list_jobs(connection, ids=list(ids))} if ids else {}
    return [found[each] for each in ids if each in found]


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    text = given.get("q")
    if text is None:
        return dict(given)
    plain = unicodedata.normalize("NFC", str(text)).replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return {**given, "q": f"%{plain}%"}


BY_NAME = "SELECT id FROM schedule_jobs WHERE name = ANY (%(names)s) ORDER BY id LIMIT 1"
BY_ID = "SELECT id FROM schedule_jobs WHERE id = %(id)s"
GONE = "SELECT job_id AS id FROM job_revisions WHERE job_id = %(id)s OR (action = 'delete' AND job_name = ANY (%(names)s)) " \
       "ORDER BY id DESC LIMIT 1"


def find(connection: psycopg.Connection[Any], text: str, *, gone: bool = False) -> int:
    """Return the number of the job that an address names: a number, or ``name:`` and its whole name.

    gone    a job that was deleted counts too
    Raises  NotFound
    """
    is_name = text.startswith("name:")
    name = text.removeprefix("name:")
    number = int(text) if not is_name and text.isascii() and text.isdigit() and len(text) < 20 else None
    values = {"id": number if number is not None and number <= LARGEST_ID else None,
              "names": [name, unicodedata.normalize("NFC", name)] if is_name else []}
    if "\0" not in text:
        found = row(connection, BY_NAME if is_name else BY_ID, values)
        if found is None and gone:
            found = row(connection, GONE, values)
        if found is not None:
            return int(found["id"])
    raise NotFound(say(f"작업 '{name[:200]}'이(가) 없습니다", f"there is no job '{name[:200]}'")
                   + ("" if is_name or number is not None else f"\nGET /api/v1/jobs/name:{name[:100]}"))


REVISIONS = "SELECT job_id, max(revision) AS revision FROM job_revisions WHERE job_id = ANY (%(ids)s) GROUP BY job_id"
LOCK = "SELECT id FROM schedule_jobs WHERE id = %(id)s FOR NO KEY UPDATE"
TURN = "SELECT pg_advisory_xact_lock(hashtextextended('job_dependencies', 0))"


def revisions(connection: psycopg.Connection[Any], ids: Sequence[int]) -> dict[int, int]:
    """Return the number of the latest edit of each job."""
    return {each["job_id"]: each["revision"] for each in rows(connection, REVISIONS, {"ids": list(ids)})}


def lock(connection: psycopg.Connection[Any], job: int, *, with_edges: bool = False) -> None:
    """Keep everybody else from editing a job until the transaction ends. Raises NotFound.

    with_edges  what it waits for changes too: whoever does that takes turns, before holding the job's row
    """
    if with_edges:
        connection.execute(TURN)
    if row(connection, LOCK, {"id": job}) is None:
        raise NotFound(say(f"작업 {job}이(가) 없습니다", f"there is no job {job}"))


HISTORY = """
SELECT revision, changed_at, actor, via, action, changed, job_name, old, new
  FROM job_revisions
 WHERE job_id = %(job_id)s AND (%(below)s::integer IS NULL OR revision < %(below)s)
 ORDER BY revision DESC
 LIMIT %(limit)s
"""
STATS = """
SELECT (finished_at AT TIME ZONE 'Asia/Seoul')::date AS day, count(*) AS ended,
       count(*) FILTER (WHERE status = 'success') AS succeeded,
       count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost')) AS failed,
       count(*) FILTER (WHERE status = 'skipped') AS skipped, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE status = 'success') AS p50_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE status = 'success') AS p95_ms
  FROM (SELECT finished_at, status, duration_ms FROM job_executions
         WHERE job_id = %(job_id)s AND finished_at > now() - make_interval(days => %(days)s)
         ORDER BY finished_at DESC LIMIT %(most)s) AS ended
 GROUP BY 1 ORDER BY 1
"""
HEALTH = "SELECT * FROM schedule_job_health WHERE job_id = %(job_id)s"


def history(connection: psycopg.Connection[Any], job: int, below: int | None, limit: int) -> list[Row]:
    """Return the edits of a job, newest first, those before the edit *below*."""
    return rows(connection, HISTORY, {"job_id": job, "below": below, "limit": limit})


def stats(connection: psycopg.Connection[Any], job: int, days: int, most: int) -> tuple[Row, list[Row]]:
    """Return the health of a job, and its latest executions (at most *most*) by Korean day."""
    health = row(connection, HEALTH, {"job_id": job}) or {}
    return health, rows(connection, STATS, {"job_id": job, "days": days, "most": most})
