"""What the demo puts into its database, and how it follows what ends there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.queries.rows import Row, row, rows

LOWER_THE_FLOOR = """
INSERT INTO scheduler_settings (name, value) VALUES ('minimum_interval', '1 second')
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = now()
"""
OPEN_SHOP = """
INSERT INTO market_accounts (market_code, account, base_url, credentials, calls_per_second, description)
VALUES ('coupang', 'default', %(base_url)s, %(credentials)s, 50, '샌드박스 (sandbox)')
ON CONFLICT (market_code, account) DO UPDATE SET base_url = excluded.base_url, credentials = excluded.credentials
"""
ADD_JOB = """
INSERT INTO schedule_jobs (name, job_type, interval, market_codes, parameters)
VALUES (%(name)s, %(job_type)s, %(every)s::interval, %(markets)s, %(parameters)s)
ON CONFLICT (name) DO NOTHING
"""
JOBS: tuple[tuple[str, str, str, list[str]], ...] = (
    ("상품 수집", "product_collection", "1 minute", ["coupang"]),
    ("주문 수집", "order_collection", "10 seconds", ["coupang"]),
    ("DB 백업", "database_backup", "10 minutes", []),
)


def set_up(connection: psycopg.Connection[Any], base_url: str, credentials: dict[str, str]) -> None:
    """Point the shop at the sandbox and add the demo's jobs where they are missing; all in one transaction."""
    with connection.transaction():
        connection.execute(LOWER_THE_FLOOR)
        connection.execute(OPEN_SHOP, {"base_url": base_url, "credentials": Jsonb(credentials)})
        for name, job_type, every, markets in JOBS:
            connection.execute(ADD_JOB, {
                "name": name, "job_type": job_type, "every": every, "markets": markets, "parameters": Jsonb({}),
            })


ENDED = """
SELECT id, job_id, job_name, job_type, trigger, status, attempt, started_at, finished_at, duration_ms, result, progress,
       error_message, skip_reason
  FROM job_executions
 WHERE finished_at > %(since)s - interval '10 seconds'
 ORDER BY finished_at, id
"""


def ended_since(connection: psycopg.Connection[Any], since: datetime) -> list[Row]:
    """Return what ended after *since*, and a little before: commits may overtake each other, the caller knows the ids."""
    return rows(connection, ENDED, {"since": since})


TOTALS = """
SELECT count(*)::integer AS executions,
       count(*) FILTER (WHERE status = 'success')::integer AS success,
       count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost'))::integer AS failed
  FROM job_executions
 WHERE finished_at IS NOT NULL
"""


def totals(connection: psycopg.Connection[Any]) -> Row:
    """Return how many executions have ended, and how."""
    return row(connection, TOTALS) or {}
