"""All lines of an execution, a portion after the other: a log may be longer than what fits into memory."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, rows

# Forwards by the primary key; numbers may be missing, since the middle of a long log is not kept.
PORTION = """
SELECT line, logged_at, level, stream, message, fields
  FROM execution_logs
 WHERE execution_id = %(id)s AND line > %(after)s
 ORDER BY line
 LIMIT %(limit)s
"""


def portion(connection: psycopg.Connection[Any], execution_id: int, after: int, limit: int) -> list[Row]:
    """Return the next lines past line *after*, at most *limit*."""
    return rows(connection, PORTION, {"id": execution_id, "after": after, "limit": limit})
