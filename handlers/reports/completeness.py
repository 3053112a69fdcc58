"""Whether the figures of a span may still change: what of it was not collected, where, from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from handlers.reports.periods import KOREA, Span

NOT_COLLECTED = """
WITH shops AS (
    SELECT account.market_code, account.account, mark.reached_at
      FROM market_accounts AS account
      LEFT JOIN erp.watermarks AS mark ON mark.market_code = account.market_code AND mark.account = account.account
                                      AND mark.kind = 'orders'
     WHERE account.enabled
       AND (mark.reached_at IS NOT NULL
            OR EXISTS (SELECT FROM erp.orders AS ordered
                        WHERE ordered.market_code = account.market_code AND ordered.account = account.account))
), missing AS (
    SELECT 'gap' AS kind, market_code, account, from_at, to_at FROM erp.collection_gaps
    UNION ALL
    SELECT 'not_reached', market_code, account, coalesce(reached_at, '-infinity'), 'infinity' FROM shops
    UNION ALL
    SELECT 'not_reached_back', market_code, account, '-infinity', min(from_at)
      FROM erp.collection_windows WHERE kind = 'orders' GROUP BY market_code, account
)
SELECT kind, market_code, account, greatest(from_at, %(from_at)s), least(to_at, %(to_at)s)
  FROM missing
 WHERE from_at < %(to_at)s AND to_at > %(from_at)s
   AND (%(markets)s::text[] IS NULL OR market_code = ANY (%(markets)s))
 ORDER BY 4, market_code, account, kind
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a report is provisional: time at one shop that is not collected, or a period that is not over (no market)."""

    kind: str
    market_code: str | None
    account: str | None
    from_at: datetime
    to_at: datetime

    def as_result(self) -> dict[str, Any]:
        return {
            "reason": self.kind, "market": self.market_code, "account": self.account,
            "from": self.from_at.isoformat(), "to": self.to_at.isoformat(),
        }


def reasons(
    connection: psycopg.Connection[Any], span: Span, now: datetime, markets: list[str] | None
) -> list[Reason]:
    """Return what makes the figures of the span provisional; nothing when all of it is collected."""
    values = {"from_at": span.from_at, "to_at": span.to_at, "markets": markets}
    found = [
        Reason(kind, market, account, start.astimezone(KOREA), end.astimezone(KOREA))
        for kind, market, account, start, end in connection.execute(NOT_COLLECTED, values)
    ]
    if now < span.to_at:
        found.insert(0, Reason("not_over", None, None, max(now, span.from_at).astimezone(KOREA), span.to_at))
    return found
