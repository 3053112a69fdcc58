"""Executions that somebody ticked in the list, by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from scheduler.queries.filtered_executions import FAILED, LIVE
from scheduler.queries.rows import Row, rows

MOST = 1000

# Only the last attempt of a planned time is tried again: the others have had their successor.
RETRIABLE = """
SELECT id, job_name, status, scheduled_for
  FROM job_executions AS execution
 WHERE id = ANY (%(ids)s) AND status = ANY (%(statuses)s) AND job_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM job_executions AS later
                    WHERE later.job_id = execution.job_id AND later.scheduled_for = execution.scheduled_for
                      AND later.attempt > execution.attempt)
 ORDER BY id DESC
"""
CANCELLABLE = """
SELECT id, job_name, status, scheduled_for
  FROM job_executions
 WHERE id = ANY (%(ids)s) AND status = ANY (%(statuses)s) AND NOT cancel_requested
 ORDER BY id DESC
"""
LIST = """
SELECT id, job_id, job_name, job_type, trigger, status, scheduled_for, attempt, market_codes, node, cancel_reason, started_at,
       finished_at, duration_ms, result, error_class, left(error_message, 300) AS error_message, skip_reason, retry_of
  FROM job_executions WHERE id = ANY (%(ids)s) ORDER BY id DESC
"""


def to_retry(connection: psycopg.Connection[Any], ids: Sequence[int]) -> list[Row]:
    """Return those of *ids* that failed or were cancelled and may be tried again, newest first."""
    return rows(connection, RETRIABLE, {"ids": list(ids), "statuses": [*FAILED, "cancelled"]})


def to_cancel(connection: psycopg.Connection[Any], ids: Sequence[int]) -> list[Row]:
    """Return those of *ids* that wait or run, newest first."""
    return rows(connection, CANCELLABLE, {"ids": list(ids), "statuses": list(LIVE)})


def listed(connection: psycopg.Connection[Any], ids: Sequence[int]) -> list[Row]:
    """Return the executions of these numbers, newest first."""
    return rows(connection, LIST, {"ids": list(ids)})
