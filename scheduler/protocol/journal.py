"""What running handlers write on the way: log lines, progress, checkpoints. By token, so that only the holder may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Json

# Lines of an execution whose row somebody holds are left out rather than waited for.
ADD_LINES = """
WITH given AS MATERIALIZED (
    SELECT *
      FROM unnest(%(ids)s::bigint[], %(lines)s::int[], %(times)s::timestamptz[], %(levels)s::text[], %(streams)s::text[],
                  %(messages)s::text[], %(fields)s::jsonb[])
        AS line (execution_id, line, logged_at, level, stream, message, fields)
), free AS MATERIALIZED (
    SELECT id FROM job_executions WHERE id IN (SELECT execution_id FROM given) FOR KEY SHARE SKIP LOCKED
)
INSERT INTO execution_logs (execution_id, line, logged_at, level, stream, message, fields)
SELECT given.* FROM given JOIN free ON free.id = given.execution_id
ON CONFLICT DO NOTHING
RETURNING execution_id, line
"""

NOTE_PROGRESS = """
UPDATE job_executions AS execution
   SET progress   = coalesce(given.progress, execution.progress),
       checkpoint = coalesce(given.checkpoint, execution.checkpoint)
  FROM unnest(%(tokens)s::uuid[], %(progress)s::jsonb[], %(checkpoints)s::jsonb[]) AS given (token, progress, checkpoint),
       LATERAL (SELECT id FROM job_executions
                 WHERE id = ANY (%(ids)s) AND token = given.token AND status = 'running'
                   FOR NO KEY UPDATE SKIP LOCKED) AS mine
 WHERE execution.id = mine.id
"""


async def add_lines(
    connection: psycopg.AsyncConnection[Any],
    rows: Sequence[tuple[int, int, datetime, str, str, str, Mapping[str, Any] | None]],
) -> set[tuple[int, int]]:
    """Store log lines: (execution id, line number, when, level, stream, message, fields).

    Returns  (execution id, line number) of those that were stored now
    """
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    cursor = await connection.execute(ADD_LINES, {
        "ids": columns[0], "lines": columns[1], "times": columns[2], "levels": columns[3], "streams": columns[4],
        "messages": columns[5], "fields": [None if fields is None else Json(fields) for fields in columns[6]],
    })
    return {(number, line) for number, line in await cursor.fetchall()}


async def note_progress(
    connection: psycopg.AsyncConnection[Any],
    execution_ids: Sequence[int],
    progress: Mapping[UUID, Any],
    checkpoints: Mapping[UUID, Any],
) -> None:
    """Store the newest progress and checkpoint of each running execution, by token."""
    tokens = list({*progress, *checkpoints})
    await connection.execute(NOTE_PROGRESS, {
        "tokens": tokens, "ids": list(execution_ids),
        "progress": [Json(progress[token]) if token in progress else None for token in tokens],
        "checkpoints": [Json(checkpoints[token]) if token in checkpoints else None for token in tokens],
    })
