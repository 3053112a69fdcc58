"""After a sale: ask for the stock of what was sold to be set at the other shops, at once."""

from __future__ import annotations

from scheduler.handler import Context

# One waiting execution of a job is enough: it finds everything that was sold until it starts. One that waits for a pause,
# only tries, or undoes does not count. The statement is the run-now that people type.
ASK = """
INSERT INTO job_executions (job_id, parameters)
SELECT job.id, job.parameters || '{"only_sold": true}'
  FROM schedule_jobs AS job
 WHERE job.job_type = 'inventory_sync' AND job.status = 'active'
   AND EXISTS (SELECT FROM erp.sold_unpushed AS sold
                WHERE job.market_codes = '{}' OR sold.market_code = ANY (job.market_codes))
   AND NOT EXISTS (SELECT FROM job_executions AS waiting
                    WHERE waiting.job_id = job.id AND waiting.status = 'queued' AND waiting.available_at <= now()
                      AND NOT coalesce((waiting.parameters ->> 'dry_run')::boolean, false)
                      AND waiting.parameters ->> 'undo' IS NULL)
RETURNING id
"""


async def ask_for_stock(context: Context) -> int:
    """Queue an execution of each active inventory_sync job that has none waiting. Returns how many."""
    connection = await context.adb()
    asked = await (await connection.execute(ASK)).fetchall()
    if asked:
        context.log.info("stock.asked", executions=[row[0] for row in asked])
    return len(asked)
