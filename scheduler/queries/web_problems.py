"""What needs somebody, as pages show it: one line each, but where one cause hits many jobs, one line for all of them."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.database.fault_words import in_words
from scheduler.queries.rows import Row, rows
from scheduler.words import particles

Connection = psycopg.Connection[Any]
ALIKE = 3
"""So many jobs with one trouble are told one by one; more are told as one."""

# The view is read once: whether a problem stands for others is worked out over what it answers.
TOLD = """
WITH problem AS MATERIALIZED (SELECT * FROM schedule_problems),
told AS (
    SELECT problem.*, CASE WHEN job_id IS NULL THEN 1 ELSE count(*) OVER alike END AS jobs,
           CASE WHEN job_id IS NULL THEN 1 ELSE row_number() OVER (alike ORDER BY severity, since, job_id) END AS place
      FROM problem WINDOW alike AS (PARTITION BY kind, cause, job_id IS NULL))
"""
EXECUTION = """
  LEFT JOIN schedule_jobs AS job ON job.id = told.job_id
  LEFT JOIN LATERAL (SELECT latest.id
                       FROM (SELECT each.id, each.status, each.started_at FROM job_executions AS each
                              WHERE told.kind = 'failing' AND each.job_id = job.id AND each.started_at IS NOT NULL
                              ORDER BY each.started_at DESC LIMIT 20) AS latest
                      WHERE latest.status IN ('failed', 'timed_out', 'lost')
                      ORDER BY latest.started_at DESC LIMIT 1) AS failed ON true
"""
GATHERED = TOLD + """
SELECT told.severity, told.kind, told.job_id, told.job_name, told.since, told.ko, told.en, told.fix, told.cause,
       coalesce(told.execution_id, failed.id) AS execution_id, told.jobs, job.status AS job_status,
       (SELECT count(*) FROM problem) AS total
  FROM (SELECT * FROM told WHERE jobs <= %(alike)s OR place = 1
         ORDER BY severity, since, job_id LIMIT %(most)s OFFSET %(skip)s) AS told
""" + EXECUTION + " ORDER BY told.severity, told.since, told.job_id"
ONE_BY_ONE = """
SELECT told.severity, told.kind, told.job_id, told.job_name, told.since, told.ko, told.en, told.fix, told.cause,
       coalesce(told.execution_id, failed.id) AS execution_id, 1 AS jobs, job.status AS job_status, told.total
  FROM (SELECT each.*, count(*) OVER () AS total FROM schedule_problems AS each
         WHERE kind = %(kind)s AND (%(cause)s::text IS NULL OR cause = %(cause)s)
         ORDER BY severity, since, job_id LIMIT %(most)s OFFSET %(skip)s) AS told
""" + EXECUTION + " ORDER BY told.severity, told.since, told.job_id"
KINDS = "SELECT kind, count(*) AS number FROM schedule_problems GROUP BY kind ORDER BY min(severity), kind"


def gathered(connection: Connection, most: int, skip: int = 0) -> list[Row]:
    """Return what needs somebody, the gravest first, as many as ALIKE jobs with one cause as one row.

    jobs   how many the row stands for; total: how many problems there are in all
    """
    return [_worded(each) for each in rows(connection, GATHERED, {"most": most, "skip": skip, "alike": ALIKE})]


def one_by_one(connection: Connection, kind: str, cause: str | None, most: int, skip: int = 0) -> list[Row]:
    """Return the problems of a kind, of one cause when it is given, each by itself."""
    return [_worded(each) for each in rows(connection, ONE_BY_ONE, {"kind": kind, "cause": cause, "most": most, "skip": skip})]


def kinds(connection: Connection) -> list[Row]:
    """Return how many problems there are of each kind, the gravest kind first."""
    return rows(connection, KINDS, {})


def _worded(problem: Row) -> Row:
    """Add the Korean of what the database keeps in English, with its particles, and what stands behind the colon."""
    before, colon, fault = str(problem["ko"]).partition(": ")
    korean = particles(f"{before}: {in_words(fault)}" if colon and problem["kind"] == "invalid" else str(problem["ko"]))
    return {**problem, "ko": korean, "cause_ko": korean.partition(": ")[2], "cause_en": str(problem["en"]).partition(": ")[2]}
