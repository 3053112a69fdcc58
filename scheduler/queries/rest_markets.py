"""The shops at a glance: calls used, pauses, maintenance, holes in what was collected. No column holds a credential."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, rows

ACCOUNTS = """
SELECT known.market_code, known.account, known.enabled, known.calls_per_second, known.key_expires_on, known.description,
       budget.daily_limit, budget.order_share,
       CASE WHEN budget.day = (now() AT TIME ZONE 'Asia/Seoul')::date THEN budget.used ELSE 0 END AS used_today,
       CASE WHEN budget.day = (now() AT TIME ZONE 'Asia/Seoul')::date THEN budget.used_by_others ELSE 0 END AS used_by_others,
       CASE WHEN budget.paused_until > now() THEN budget.paused_until END AS paused_until,
       CASE WHEN budget.paused_until > now() THEN budget.pause_reason END AS pause_reason,
       market_closed_until(known.market_code, known.account, now()) AS closed_until,
       (SELECT max(seen.to_at) FROM erp.collection_windows AS seen
         WHERE seen.market_code = known.market_code AND seen.account = known.account AND seen.kind = 'orders') AS orders_until
  FROM market_accounts AS known
  LEFT JOIN market_budgets AS budget USING (market_code, account)
 ORDER BY known.market_code, known.account
"""
WINDOWS = """
SELECT id, market_code, account, starts_at, ends_at, days_of_week, from_time, to_time, source, reason
  FROM market_windows
 WHERE ends_at IS NULL OR ends_at > now()
 ORDER BY market_code, starts_at NULLS LAST, id
 LIMIT 500
"""
GAPS = "SELECT market_code, account, from_at, to_at FROM erp.collection_gaps ORDER BY market_code, account, from_at LIMIT 500"


def accounts(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the accounts with what each has used today and until when it is paused or closed."""
    return rows(connection, ACCOUNTS)


def windows(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return maintenance that goes on, comes, or comes every week."""
    return rows(connection, WINDOWS)


def gaps(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the time in which orders were not collected."""
    return rows(connection, GAPS)
