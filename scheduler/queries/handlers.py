"""The job types that daemons have announced, with the parameters each one takes."""

from __future__ import annotations

import difflib
from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

# What a live node says it runs is known, even where the description of its parameters is not there (yet).
LIST = """
SELECT known.job_type, known.source, known.summary, known.params_schema, known.timeout_seconds, known.retries,
       known.seen_at,
       EXISTS (SELECT FROM scheduler_nodes AS node
                WHERE known.job_type = ANY (node.job_types) AND node.state <> 'stopped'
                  AND node.seen_at >= now() - make_interval(secs => node.lease_seconds)) AS living
  FROM (SELECT job_type, source, summary, params_schema, timeout_seconds, retries, seen_at FROM job_types
         UNION ALL
        SELECT job_type, '', '', '{}', NULL, NULL, max(node.seen_at)
          FROM scheduler_nodes AS node CROSS JOIN LATERAL unnest(node.job_types) AS job_type
         WHERE node.state <> 'stopped' AND node.seen_at >= now() - make_interval(secs => node.lease_seconds)
           AND NOT EXISTS (SELECT FROM job_types AS told WHERE told.job_type = job_type.job_type)
         GROUP BY job_type) AS known
 WHERE %(job_type)s::text IS NULL OR known.job_type = %(job_type)s
 ORDER BY known.job_type
"""


def list_handlers(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the known job types; *living* says whether a live node knows it now."""
    return rows(connection, LIST, {"job_type": None})


def find_handler(connection: psycopg.Connection[Any], job_type: str) -> Row | None:
    """Return one job type, None when no node has ever announced it."""
    return row(connection, LIST, {"job_type": job_type})


def handler(connection: psycopg.Connection[Any], job_type: str) -> Row:
    """Return one job type. Raises NotFound with the nearest known name."""
    found = find_handler(connection, job_type)
    if found is None:
        raise NotFound(unknown_type(connection, job_type) + "\nerp-scheduler handlers list")
    return found


def unknown_type(connection: psycopg.Connection[Any], job_type: str) -> str:
    """Say that no node has announced *job_type*, and which was probably meant."""
    known = [each["job_type"] for each in list_handlers(connection)]
    near = difflib.get_close_matches(job_type, known, n=1, cutoff=0.6)
    text = say(f"작업 유형 '{job_type}'을(를) 아는 노드가 아직 없습니다", f"no node has announced job type '{job_type}' yet")
    if near:
        text += say(f" (혹시 '{near[0]}'?)", f" (did you mean '{near[0]}'?)")
    return text
