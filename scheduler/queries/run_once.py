"""Run a job type once, without a job of one's own; the rules are those of the SQL function schedule_run_once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.queries.rows import row

RUN_ONCE = """
SELECT schedule_run_once(%(job_type)s, %(parameters)s, %(markets)s::text[],
                         greatest(coalesce(%(at)s::timestamptz - now(), make_interval(secs => %(delay)s)), '0')) AS id
"""


def run_once(
    connection: psycopg.Connection[Any],
    job_type: str,
    parameters: Mapping[str, Any],
    markets: Sequence[str] = (),
    *,
    delay: float = 0.0,
    at: datetime | None = None,
) -> int:
    """Queue one execution of a type and return its id.

    delay  seconds from now; at: a moment instead
    """
    found = row(connection, RUN_ONCE, {
        "job_type": job_type, "parameters": Jsonb(dict(parameters)), "markets": list(markets), "delay": delay, "at": at,
    })
    assert found is not None
    return int(found["id"])
