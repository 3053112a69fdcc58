"""A job made after another one."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.config import JOB_COLUMNS
from scheduler.queries.rows import Row, row
from scheduler.words import say

LONGEST_NAME = 200
_COPIED = ", ".join(name for name in JOB_COLUMNS if name not in ("paused_until", "pause_reason"))
COPY = f"""
INSERT INTO schedule_jobs (name, status, {_COPIED})
SELECT %(name)s, CASE WHEN %(paused)s THEN 'paused' ELSE 'active' END, {_COPIED} FROM schedule_jobs WHERE id = %(job)s
RETURNING id, name
"""
COPY_EDGES = """
INSERT INTO job_dependencies (job_id, depends_on, condition, outcome)
SELECT %(copy)s, depends_on, condition, outcome FROM job_dependencies WHERE job_id = %(job)s
"""
FREE_NAME = """
SELECT left(job.name, 200 - length(ending.text)) || ending.text AS name
  FROM schedule_jobs AS job
 CROSS JOIN generate_series(2, 1000) AS number
 CROSS JOIN LATERAL (SELECT ' (' || number || ')' AS text) AS ending
 WHERE job.id = %(job)s
   AND NOT EXISTS (SELECT FROM schedule_jobs AS other WHERE other.name = left(job.name, 200 - length(ending.text)) || ending.text)
 ORDER BY number LIMIT 1
"""


def duplicate(connection: psycopg.Connection[Any], job: int, name: str | None = None, *, paused: bool = True) -> Row:
    """Make a job like *job*, with what that one waits for; the caller holds the transaction.

    name     of the copy; None takes the name with the first free number behind it
    Returns  id and name of the copy
    Raises   NotFound; PostgreSQL's refusal when the name is taken
    """
    if name is None:
        free = row(connection, FREE_NAME, {"job": job})
        name = None if free is None else free["name"]
    made = row(connection, COPY, {"job": job, "name": name, "paused": paused})
    if made is None:
        raise NotFound(say(f"작업 {job}이(가) 없습니다", f"there is no job {job}"))
    connection.execute(COPY_EDGES, {"job": job, "copy": made["id"]})
    return made
