"""After a sale: ask for the stock of what was sold to be set at the other shops, at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg.types.json import Jsonb

from handlers.markets.base import Account
from scheduler.handler import Context

# One waiting execution of a job is enough: it finds everything that was sold until it starts. One that waits for a pause,
# only tries, undoes, or goes on with what an earlier attempt left does not count. The statement is the run-now that people type.
ASK = """
INSERT INTO job_executions (job_id, parameters)
SELECT job.id, job.parameters || '{"only_sold": true}'
  FROM schedule_jobs AS job
 WHERE job.job_type = 'inventory_sync' AND job.status = 'active'
   AND EXISTS (SELECT FROM erp.sold_unpushed AS sold
                WHERE (job.market_codes = '{}' OR sold.market_code = ANY (job.market_codes))
                  AND (%(market_codes)s::text[] IS NULL OR sold.market_code = ANY (%(market_codes)s)))
   AND NOT EXISTS (SELECT FROM job_executions AS waiting
                    WHERE waiting.job_id = job.id AND waiting.status = 'queued' AND waiting.attempt = 1
                      AND waiting.available_at <= now()
                      AND NOT coalesce((waiting.parameters ->> 'dry_run')::boolean, false)
                      AND waiting.parameters ->> 'undo' IS NULL)
RETURNING id
"""

# An item that was tried and could not be set is left to the next window: asked for at once, it would be tried without end.
# Any other that is still listed was sold after it had been looked at, so every asking again has a sale of its own.
SOLD_MEANWHILE = """
SELECT array_agg(DISTINCT sold.market_code)
  FROM erp.sold_unpushed AS sold
  JOIN jsonb_to_recordset(%(looked)s) AS mine (market_code text, account text, unsettled text[])
    ON mine.market_code = sold.market_code AND mine.account = sold.account
 WHERE sold.item_id <> ALL (mine.unsettled)
"""


async def ask_for_stock(context: Context, market_codes: Sequence[str] | None = None) -> int:
    """Queue an execution of each active inventory_sync job that has none waiting. Returns how many.

    market_codes  only for what was sold there; None: anywhere
    """
    connection = await context.adb()
    values = {"market_codes": None if market_codes is None else list(market_codes)}
    asked = await (await connection.execute(ASK, values)).fetchall()
    if asked:
        context.log.info("stock.asked", executions=[row[0] for row in asked])
    return len(asked)


async def ask_again(context: Context, looked: Sequence[tuple[Account, Collection[str]]]) -> int:
    """Ask once more for what was sold while shops were being made equal. Returns how many executions were queued.

    looked  the accounts that were worked through, each with the items that were tried and could not be set
    """
    if not looked:
        return 0
    rows = [{"market_code": account.market_code, "account": account.account, "unsettled": sorted(items)}
            for account, items in looked]
    found = await (await (await context.adb()).execute(SOLD_MEANWHILE, {"looked": Jsonb(rows)})).fetchone()
    return await ask_for_stock(context, found[0]) if found and found[0] else 0
