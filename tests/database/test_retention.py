"""What is kept how long."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.database.retention import prune

EXECUTION = """
INSERT INTO job_executions (job_name, job_type, status, scheduled_for, finished_at)
SELECT 'job', 'noop', status, now() - age, now() - age
  FROM (VALUES ('success', interval '91 days'), ('success', interval '89 days'),
               ('failed', interval '366 days'), ('failed', interval '91 days')) AS old (status, age)
"""
WINDOWS = """
INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, collected_at, lines_read, claims_read, inserted,
                                    updated, unchanged)
SELECT 'coupang', 'default', kind, now() - age - interval '1 hour', now() - age, now() - made, 0, 0, 0, 0, 0
  FROM (VALUES ('orders', interval '91 days', interval '91 days'), ('orders', interval '89 days', interval '89 days'),
               ('refresh', interval '8 days', interval '8 days'), ('refresh', interval '6 days', interval '6 days'),
               ('backfill', interval '200 days', interval '1 day')) AS old (kind, age, made)
"""
PUSHES = """
INSERT INTO erp.pushes (run, kind, market_code, account, item_id, product_id, value, at)
SELECT gen_random_uuid(), 'stock', 'coupang', 'default', '1', '1', 1, now() - age
  FROM (VALUES (interval '400 days'), (interval '399 days'), (interval '398 days'), (interval '1 day')) AS old (age)
"""


async def test_what_is_past_its_time_goes_and_the_rest_stays(database: str, connection: psycopg.Connection[Any]) -> None:
    for statement in (EXECUTION, WINDOWS, PUSHES):
        connection.execute(statement.encode())
    connection.execute("UPDATE erp.pushes SET undone_by = 4 WHERE id = 3")
    connection.execute("UPDATE erp.pushes SET undone_by = 2 WHERE id = 1")
    connection.execute(
        "INSERT INTO erp.events (kind, subject, ko, en, cleared_at) SELECT 'stock.low', age, '', '', now() - age::interval "
        "FROM unnest(ARRAY['1 day', '400 days']) AS age")
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
        assert await prune(other, 90, 365) == 2
        await prune(other, 90, 365)

    def left(query: str) -> list[Any]:
        return [row[0] for row in connection.execute(query.encode()).fetchall()]

    assert left("SELECT status FROM job_executions ORDER BY id") == ["success", "failed"]
    assert left("SELECT kind FROM erp.collection_windows ORDER BY id") == ["orders", "refresh", "backfill"]
    assert left("SELECT id FROM erp.pushes ORDER BY id") == [4]
    assert left("SELECT subject FROM erp.events") == ["1 day"]
