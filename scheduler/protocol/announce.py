"""What a daemon makes known at its start: the job types it can run, with the schema of their parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.types.json import Json

from scheduler.model import HandlerSpec

ANNOUNCE = """
INSERT INTO job_types (job_type, source, summary, params_schema, timeout_seconds, retries)
VALUES (%(job_type)s, %(source)s, %(summary)s, %(params_schema)s, %(timeout_seconds)s, %(retries)s)
ON CONFLICT (job_type) DO UPDATE
   SET source = excluded.source, summary = excluded.summary, params_schema = excluded.params_schema,
       timeout_seconds = excluded.timeout_seconds, retries = excluded.retries, seen_at = now()
"""

# Jobs that waited for their type are read anew, so that their message goes and their parameters are judged.
READ_ANEW = """
UPDATE schedule_jobs
   SET spec_version = spec_version + 1
 WHERE status = 'active'
   AND job_type = ANY (%(job_types)s)
   AND last_error LIKE 'no live node knows job type%%'
"""


async def announce_types(connection: psycopg.AsyncConnection[Any], specs: Iterable[HandlerSpec]) -> None:
    """Publish the handlers of this node for the doors, and give jobs that waited for them another look."""
    known = list(specs)
    async with connection.transaction():
        for spec in sorted(known, key=lambda each: each.job_type):
            await connection.execute(ANNOUNCE, {
                "job_type": spec.job_type, "source": spec.source, "summary": spec.summary,
                "params_schema": Json(spec.params_schema), "timeout_seconds": spec.timeout_seconds,
                "retries": spec.retries,
            })
        await connection.execute(READ_ANEW, {"job_types": [spec.job_type for spec in known]})
