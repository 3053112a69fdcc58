"""A job as it was after one of its revisions, and who has changed it since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.queries.jobs import LIST
from scheduler.queries.rows import Row, row, rows

Connection = psycopg.Connection[Any]
NEXT = "SELECT old FROM job_revisions WHERE job_id = %(job)s AND revision = %(revision)s::bigint + 1"
EDGES = """
SELECT old -> 'depends_on' AS edges FROM job_revisions
 WHERE job_id = %(job)s AND revision > %(revision)s AND 'depends_on' = ANY (changed)
 ORDER BY revision LIMIT 1
"""
LATEST = """
SELECT DISTINCT ON (name) name, actor, via, changed_at, new -> name AS now
  FROM job_revisions, unnest(changed) AS name
 WHERE job_id = %(job)s AND revision > %(revision)s AND name = ANY (%(names)s)
 ORDER BY name, revision DESC
"""
# The columns that the service keeps for itself are those of now; a revision has all others.
FORMER = "FROM (SELECT (jsonb_populate_record(known, %(old)s)).* FROM schedule_jobs AS known) AS schedule_jobs"
THEN = LIST.replace("FROM schedule_jobs", FORMER, 1)
ALONE = {"status": None, "job_type": None, "market": None, "tag": None, "failing": False, "sort": "id", "limit": None}


def job_then(connection: Connection, job: int, revision: int) -> Row | None:
    """Return *job* with every column as it was after *revision*, None when nothing is known of that."""
    found = row(connection, NEXT, {"job": job, "revision": revision})
    if found is None or found["old"] is None:
        return None
    return row(connection, THEN, {**ALONE, "ids": [job], "old": Jsonb(found["old"])})


def edges_then(connection: Connection, job: int, revision: int) -> list[Row] | None:
    """Return what *job* waited for after *revision*, None when that has not changed since."""
    found = row(connection, EDGES, {"job": job, "revision": revision})
    return None if found is None else [{**each, "depends_on_name": each["job"]} for each in found["edges"] or ()]


def latest_edits(connection: Connection, job: int, revision: int, names: Sequence[str]) -> dict[str, Row]:
    """Return by column the last edit of *job* after *revision* that changed it."""
    return {each["name"]: each for each in rows(connection, LATEST, {"job": job, "revision": revision, "names": list(names)})}
