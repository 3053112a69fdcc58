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
VALUES (%(market_code)s, 'default', %(base_url)s, %(credentials)s, 50, '샌드박스 (sandbox)')
ON CONFLICT (market_code, account) DO UPDATE SET base_url = excluded.base_url, credentials = excluded.credentials
"""
REAL_SHOPS = "SELECT count(*) AS count FROM market_accounts WHERE description IS DISTINCT FROM '샌드박스 (sandbox)'"
ADD_JOB = """
INSERT INTO schedule_jobs (name, job_type, interval, market_codes, parameters)
VALUES (%(name)s, %(job_type)s, %(every)s::interval, %(markets)s, %(parameters)s)
ON CONFLICT (name) DO NOTHING
"""
# A few rules that show what a price is made of; without one the price of an item stays as it is.
ADD_RULES = """
INSERT INTO erp.price_rules (sku, cost, margin_percent, fee_percent)
SELECT sku, cost, 25, 11 FROM (VALUES ('SKU-0013', 5000), ('SKU-0036', 17200), ('SKU-0052', 4700)) AS rule (sku, cost)
 WHERE NOT EXISTS (SELECT FROM erp.price_rules)
"""
MARKETS = ["coupang", "naver", "11st"]
JOBS: tuple[tuple[str, str, str, list[str], dict[str, Any]], ...] = (
    ("상품 수집", "product_collection", "1 minute", MARKETS, {}),
    ("주문 수집", "order_collection", "10 seconds", MARKETS, {}),
    ("재고 동기화", "inventory_sync", "1 minute", MARKETS, {}),
    ("가격 갱신", "price_update", "2 minutes", MARKETS, {}),
    ("매출 보고서", "report_generation", "5 minutes", [], {"report": "sales", "current": True}),
    ("DB 백업", "database_backup", "10 minutes", [], {}),
)
FIRST = ("상품 수집", "주문 수집", "DB 백업")
AFTERWARDS = ("재고 동기화", "가격 갱신", "매출 보고서")


def has_real_shops(connection: psycopg.Connection[Any]) -> bool:
    """Say whether the database knows shops that are not ours to point elsewhere."""
    found = row(connection, REAL_SHOPS)
    return bool(found and found["count"])


def set_up(connection: psycopg.Connection[Any], shops: dict[str, tuple[str, dict[str, str]]]) -> None:
    """Point the shops at the sandboxes and add the demo's jobs where they are missing; all in one transaction.

    shops  base address and credentials by market code
    """
    with connection.transaction():
        connection.execute(LOWER_THE_FLOOR)
        for market_code, (base_url, credentials) in shops.items():
            connection.execute(OPEN_SHOP, {
                "market_code": market_code, "base_url": base_url, "credentials": Jsonb(credentials),
            })
        for name, job_type, every, markets, parameters in JOBS:
            connection.execute(ADD_JOB, {
                "name": name, "job_type": job_type, "every": every, "markets": markets, "parameters": Jsonb(parameters),
            })
        connection.execute(ADD_RULES)


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
