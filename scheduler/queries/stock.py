"""Master stock, what the shops show beside it, and the runs that set values there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from scheduler.errors import Conflict, NotAllowed, NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

LIST = """
SELECT sku, quantity, oversold, buffer, low_at, cost, adopted, counted_at, changed_at, sold_at
  FROM erp.stock
 WHERE %(prefix)s::text IS NULL OR starts_with(sku, %(prefix)s)
 ORDER BY sku
 LIMIT %(limit)s
"""

# A sku that the master does not know would be taken over with the lowest stock that any shop shows.
DIFF = """
WITH want AS (
    SELECT item.sku, master.quantity, coalesce(master.buffer, %(buffer)s) AS buffer,
           greatest(0, coalesce(master.quantity, min(item.stock)) - coalesce(master.buffer, %(buffer)s)) AS wanted
      FROM erp.market_items AS item LEFT JOIN erp.stock AS master ON master.sku = item.sku
     WHERE item.sku IS NOT NULL
     GROUP BY item.sku, master.quantity, master.buffer
)
SELECT want.sku, want.quantity, want.buffer, want.wanted,
       bool_or(item.stock IS DISTINCT FROM want.wanted) AS differs,
       jsonb_agg(jsonb_build_object('market_code', item.market_code, 'account', item.account, 'item_id', item.item_id,
                                    'stock', item.stock, 'differs', item.stock IS DISTINCT FROM want.wanted)
                 ORDER BY item.market_code, item.account, item.item_id) AS shops
  FROM want JOIN erp.market_items AS item ON item.sku = want.sku
 WHERE %(market)s::text IS NULL OR item.market_code = %(market)s
 GROUP BY want.sku, want.quantity, want.buffer, want.wanted
HAVING %(everything)s OR bool_or(item.stock IS DISTINCT FROM want.wanted)
 ORDER BY want.sku
"""

SET = """
INSERT INTO erp.stock AS known (sku, quantity, buffer, low_at, cost)
VALUES (%(sku)s, %(quantity)s, %(buffer)s, %(low_at)s, %(cost)s)
    ON CONFLICT (sku) DO UPDATE
   SET quantity = excluded.quantity, buffer = coalesce(excluded.buffer, known.buffer),
       low_at = coalesce(excluded.low_at, known.low_at), cost = coalesce(excluded.cost, known.cost)
RETURNING sku, quantity, buffer, low_at, cost, counted_at
"""

# What only followed a sale is not undone: the goods are gone.
RUNS = """
SELECT run, kind, min(at) AS at, max(execution_id) AS execution_id,
       array_agg(DISTINCT market_code ORDER BY market_code) AS markets,
       count(*) FILTER (WHERE ok) AS pushed, count(*) FILTER (WHERE ok AND sold) AS sold, bool_and(sold) AS only_sold,
       count(*) FILTER (WHERE ok IS FALSE) AS failed,
       count(*) FILTER (WHERE ok IS NULL) AS unanswered, count(*) FILTER (WHERE undone_by IS NOT NULL) AS undone,
       bool_or(EXISTS (SELECT FROM erp.pushes AS former WHERE former.undone_by = push.id)) AS undoes,
       array_agg(DISTINCT market_code) FILTER (WHERE ok IS NOT FALSE AND undone_by IS NULL AND former IS NOT NULL
                                                 AND NOT sold) AS to_undo
  FROM erp.pushes AS push
 WHERE (%(prefix)s::text IS NULL OR starts_with(run::text, %(prefix)s)) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
 GROUP BY run, kind
 ORDER BY max(push.id) DESC
 LIMIT %(limit)s
"""

JOBS = """
SELECT id, name, parameters
  FROM schedule_jobs
 WHERE job_type = %(job_type)s AND status IN ('active', 'completed')
   AND (cardinality(market_codes) = 0 OR market_codes && %(markets)s::text[])
 ORDER BY market_codes @> %(markets)s::text[] DESC, id
 LIMIT 1
"""
JOB_TYPES = {"stock": "inventory_sync", "price": "price_update"}
LONGEST_QUANTITY = 2**63 - 1


def list_stock(connection: psycopg.Connection[Any], prefix: str | None = None, limit: int | None = None) -> list[Row]:
    """Return the master quantities."""
    return rows(connection, LIST, {"prefix": prefix, "limit": limit})


def differences(
    connection: psycopg.Connection[Any], market: str | None = None, buffer: int = 0, everything: bool = False
) -> list[Row]:
    """Return the master and the shops side by side, as the tables know them; only what differs unless *everything*."""
    return rows(connection, DIFF, {"market": market, "buffer": buffer, "everything": everything})


def set_stock(
    connection: psycopg.Connection[Any], sku: str, quantity: int, buffer: int | None, low_at: int | None, cost: int | None
) -> Row:
    """Set a quantity as counted now; what is None stays as it was."""
    found = row(connection, SET, {"sku": sku, "quantity": quantity, "buffer": buffer, "low_at": low_at, "cost": cost})
    assert found is not None
    return found


def list_runs(
    connection: psycopg.Connection[Any], prefix: str | None = None, kind: str | None = None, limit: int | None = 20
) -> list[Row]:
    """Return the runs that set values at shops, newest first."""
    return rows(connection, RUNS, {"prefix": prefix, "kind": kind, "limit": limit})


def run_to_undo(connection: psycopg.Connection[Any], text: str | None, kind: str) -> Row:
    """Return the run that *text* begins to name; None: the newest of that kind that can be undone and is no undoing itself.

    Raises  NotFound; Conflict when several runs begin so; NotAllowed when nothing of it is left to undo, or all followed sales
    """
    if text is None:
        found = [each for each in list_runs(connection, kind=kind, limit=None) if each["to_undo"] and not each["undoes"]][:1]
    else:
        found = list_runs(connection, prefix=text.lower(), limit=2) if text else []
    if not found:
        raise NotFound(say("되돌릴 실행 묶음이 없습니다", "there is no such run to undo") + "\nerp-scheduler stock runs")
    if len(found) > 1:
        raise Conflict(say(f"'{text}'(으)로 시작하는 묶음이 여럿입니다", f"several runs begin with '{text}'")
                       + "\nerp-scheduler stock runs")
    if found[0]["only_sold"]:
        raise NotAllowed(say(f"{found[0]['run']}: 되돌릴 값이 없습니다. 모두 판매를 따라 보낸 값입니다",
                             f"{found[0]['run']}: nothing to undo; all of it followed sales") + "\nerp-scheduler stock runs")
    if not found[0]["to_undo"]:
        raise NotAllowed(say(f"{found[0]['run']}: 이미 모두 되돌렸습니다", f"{found[0]['run']}: all of it is undone already")
                         + "\nerp-scheduler stock runs")
    return found[0]


def job_for(connection: psycopg.Connection[Any], kind: str, markets: Sequence[str]) -> Row:
    """Return the job that sets such values at these markets. Raises NotFound with the command that makes one."""
    job_type = JOB_TYPES[kind]
    found = row(connection, JOBS, {"job_type": job_type, "markets": list(markets)})
    if found is None:
        raise NotFound(say(f"{job_type} 작업이 없습니다", f"there is no active job of type {job_type}")
                       + f"\nerp-scheduler jobs add --name {job_type} --type {job_type} --by-hand")
    return found
