"""Figures for Prometheus: bounded looks, never the whole history."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, row, rows

STATUS = "SELECT * FROM schedule_status()"
JOBS = "SELECT status, count(*) AS number FROM schedule_jobs WHERE NOT hidden GROUP BY status"
# Of the full hours of today's view: the same numbers as everybody sees.
ENDED = """
SELECT job_type, sum(succeeded) AS success, sum(failed) AS failed, sum(skipped) AS skipped, sum(cancelled) AS cancelled,
       (sum(mean_ms * succeeded) / nullif(sum(succeeded), 0) / 1000)::float8 AS mean_seconds,
       max(longest_ms) / 1000.0 AS longest_seconds
  FROM schedule_history_hourly
 WHERE hour > now() - interval '24 hours'
 GROUP BY job_type
 ORDER BY job_type
"""
NODES = "SELECT name, workers, running, extract(epoch FROM silent)::float8 AS silent FROM schedule_nodes_live ORDER BY name"
LAST = """
SELECT name, job_type, extract(epoch FROM last_success_at)::float8 AS last_success, consecutive_failures AS failures
  FROM schedule_jobs WHERE NOT hidden AND status IN ('active', 'paused') ORDER BY id LIMIT 5000
"""
LOCKS = "SELECT count(*) FILTER (WHERE living) AS living, count(*) FILTER (WHERE by_hand) AS by_hand FROM schedule_locks_live"


def figures(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return status, jobs, ended (24 h, by type), nodes, last (by job) and locks."""
    found: dict[str, Row | list[Row]] = {
        "status": row(connection, STATUS) or {}, "locks": row(connection, LOCKS) or {},
        "jobs": rows(connection, JOBS), "ended": rows(connection, ENDED), "nodes": rows(connection, NODES),
        "last": rows(connection, LAST),
    }
    return found
