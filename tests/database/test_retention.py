"""What is kept how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from handlers.reports.completeness import reasons
from handlers.reports.periods import Span
from scheduler.database import retention
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
    assert left("SELECT kind FROM erp.collection_windows ORDER BY id") == ["orders", "orders", "refresh", "backfill"]
    assert left("SELECT id FROM erp.pushes ORDER BY id") == [4]
    assert left("SELECT subject FROM erp.events") == ["1 day"]


# -- the ledger of order windows

LEDGER = """
INSERT INTO erp.collection_windows (market_code, account, kind, from_at, to_at, collected_at, lines_read, claims_read, inserted,
                                    updated, unchanged)
SELECT 'coupang', %(account)s, %(kind)s, moment, moment + make_interval(mins => %(minutes)s + 5),
       moment + make_interval(mins => %(minutes)s), 1, 1, 1, 1, 1
  FROM generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 minute',
                       make_interval(mins => %(minutes)s)) AS moment
"""
COVERED = """
SELECT account, range_agg(tstzrange(from_at, to_at))::text FROM erp.collection_windows
 WHERE kind <> 'refresh' GROUP BY account ORDER BY account
"""
GAPS = "SELECT account, from_at, to_at FROM erp.collection_gaps ORDER BY account, from_at"
BEGINNINGS = "SELECT account, min(from_at) FROM erp.collection_windows WHERE kind = 'orders' GROUP BY account ORDER BY account"
OLD = "SELECT count(*) FROM erp.collection_windows WHERE to_at < now() - interval '90 days'"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def collected(
    connection: psycopg.Connection[Any], start: datetime, end: datetime, kind: str = "orders", minutes: int = 10,
    account: str = "default",
) -> None:
    """Write windows of these minutes that overlap by five, as collections do."""
    connection.execute(LEDGER, {"start": start, "end": end, "kind": kind, "minutes": minutes, "account": account})


async def pruned(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
        await prune(other, 90, 365)


@pytest.mark.parametrize("bite", [2, 7, 1000])
async def test_old_windows_are_folded_and_the_time_they_prove_stays_to_the_microsecond(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, bite: int
) -> None:
    monkeypatch.setattr(retention, "BITE", bite)
    begin = NOON - 95 * DAY
    collected(connection, begin, begin + 2 * DAY)
    collected(connection, begin + 2 * DAY + HOUR, begin + 3 * DAY)  # after a hole
    collected(connection, begin + 2 * DAY + HOUR / 3, begin + 2 * DAY + HOUR / 2, "gap")  # a piece of it, filled
    collected(connection, begin + 3 * DAY, NOON, minutes=600)
    collected(connection, begin - 20 * DAY, begin - 19 * DAY, "backfill")
    collected(connection, begin, begin + DAY, account="second")
    queries = [COVERED, GAPS, BEGINNINGS]
    before = [connection.execute(query.encode()).fetchall() for query in queries]
    for _ in range(2):
        await pruned(database)

    assert [connection.execute(query.encode()).fetchall() for query in queries] == before
    assert connection.execute(OLD).fetchall() == [(5,)], "around the hole, in it, the period by hand, the second shop"
    assert len(before[1]) == 2


async def test_a_report_of_an_old_period_is_no_more_provisional_than_before(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("INSERT INTO market_accounts (market_code, base_url) VALUES ('coupang', 'http://unused')")
    connection.execute(
        "INSERT INTO erp.watermarks (market_code, account, kind, reached_at) VALUES ('coupang', 'default', 'orders', %s)",
        (NOON,))
    begin = NOON - 130 * DAY
    collected(connection, begin, NOON, minutes=600)
    span = Span(begin.date() + 5 * DAY, begin.date() + 10 * DAY)
    assert reasons(connection, span, NOON, None) == []
    await pruned(database)
    assert reasons(connection, span, NOON, None) == []
    connection.execute("DELETE FROM erp.collection_windows WHERE id = (SELECT min(id) FROM erp.collection_windows)")
    assert [reason.kind for reason in reasons(connection, span, NOON, None)] == ["not_reached_back"]


async def test_more_than_a_bite_goes_bite_by_bite(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BITE", 3)
    collected(connection, NOON - 30 * DAY, NOON - 29 * DAY, "refresh", minutes=60)
    connection.execute(
        "INSERT INTO erp.events (kind, subject, ko, en, cleared_at) SELECT 'stock.low', n, '', '', now() - interval '400 days' "
        "FROM generate_series(1, 10) AS n")
    connection.execute("INSERT INTO erp.stock (sku, quantity) VALUES ('A', 1)")
    connection.execute(
        "INSERT INTO erp.stock_moves (sku, delta, quantity_after, reason, at) "
        "SELECT 'A', 1, 1, 'count', now() - interval '400 days' FROM generate_series(1, 10)")
    await pruned(database)

    for table in ("collection_windows", "events", "stock_moves WHERE at < now() - interval '1 day'"):
        assert connection.execute(f"SELECT count(*) FROM erp.{table}".encode()).fetchall() == [(0,)], table
