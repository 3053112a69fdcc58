"""The rows to measure with, written as the daemon would have planned them."""

from __future__ import annotations

import time
from typing import Any

import psycopg

DAEMON = "erp-scheduler daemon bench"
"""The triggers trust a session of this name: it may write what otherwise only planning writes."""

LOOK_SECONDS = 0.1

ADD_JOBS = """
INSERT INTO schedule_jobs (name, job_type, planned_version)
SELECT 'bench ' || number, %(job_type)s, 1
  FROM generate_series(1, %(count)s) AS number
"""

# Each is due once, *first* seconds from now and then *step* seconds apart, and again in an hour.
ADD_DUE_JOBS = """
INSERT INTO schedule_jobs (name, job_type, planned_version, interval, next_run_at, anchor_at)
SELECT 'due ' || number, %(job_type)s, 1, '1 hour', due, due - interval '1 hour'
  FROM generate_series(0, %(count)s - 1) AS number,
       LATERAL (SELECT date_trunc('milliseconds', now()) + make_interval(secs => %(first)s + number * %(step)s)) AS at (due)
"""

QUEUE_ALL = """
INSERT INTO job_executions (job_id, job_name, job_type)
SELECT id, name, job_type FROM schedule_jobs WHERE name LIKE 'bench %' ORDER BY id
"""

ADD_HISTORY = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, started_at, finished_at,
                            duration_ms, node, result)
SELECT job.id, job.name, job.job_type, 'schedule', 'success', at, at, at, at + interval '1 second', 1000, 'bench', '{}'
  FROM generate_series(1, %(count)s) AS number
  JOIN schedule_jobs AS job ON job.id = 1 + number %% 1000
 CROSS JOIN LATERAL (SELECT now() - number * interval '1 second') AS past (at)
"""

IS_BUSY = """
SELECT EXISTS (SELECT FROM job_executions WHERE status = 'queued')
    OR EXISTS (SELECT FROM job_executions WHERE status = 'running')
"""


def connect(dsn: str, application_name: str = DAEMON) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, autocommit=True, application_name=application_name)


def add_jobs(connection: psycopg.Connection[Any], count: int, job_type: str) -> None:
    """Add jobs that run by hand only."""
    connection.execute(ADD_JOBS, {"count": count, "job_type": job_type})


def add_due_jobs(connection: psycopg.Connection[Any], count: int, first: float, step: float) -> None:
    """Add jobs that say when they start; due *first* seconds from now and *step* seconds apart."""
    connection.execute(ADD_DUE_JOBS, {"count": count, "job_type": "bench_stamp", "first": first, "step": step})


def add_history(connection: psycopg.Connection[Any], count: int) -> None:
    """Add finished executions of the first thousand jobs."""
    connection.execute(ADD_HISTORY, {"count": count})


def queue_all(connection: psycopg.Connection[Any]) -> None:
    """Queue one execution of every job that runs by hand, and wake the daemons, at one moment: the commit."""
    with connection.transaction():
        connection.execute(QUEUE_ALL)
        connection.execute("ANALYZE job_executions")
        connection.execute("SELECT pg_notify('erp_scheduler', 'job_executions')")


def await_end(connection: psycopg.Connection[Any], limit: float) -> None:
    """Wait until nothing is queued or running; ten cheap looks a second, so that they do not disturb."""
    connection.execute("SET enable_seqscan = off")
    until = time.monotonic() + limit
    while _is_busy(connection):
        if time.monotonic() > until:
            raise TimeoutError(f"executions did not end within {limit:g} s")
        time.sleep(LOOK_SECONDS)


def _is_busy(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(IS_BUSY).fetchone()
    return row is not None and bool(row[0])
