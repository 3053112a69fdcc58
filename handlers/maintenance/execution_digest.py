"""Sum up what ran lately: the figures of the day, and what failed, as the result of an execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from psycopg.rows import dict_row

from scheduler.handler import Context, Field, handler

NOW = "SELECT now()"
COUNTS = """
SELECT status, count(*) AS count FROM job_executions
 WHERE finished_at >= %(since)s AND finished_at < %(until)s AND id <> %(own)s
 GROUP BY status
"""
FAILED = """
SELECT job_name AS job, count(*) AS failures, max(finished_at) AS last_at,
       (array_agg(left(error_message, 200) ORDER BY finished_at DESC))[1] AS last_error
  FROM job_executions
 WHERE finished_at >= %(since)s AND finished_at < %(until)s AND status IN ('failed', 'timed_out', 'lost')
 GROUP BY job_name
 ORDER BY failures DESC, job_name
 LIMIT %(limit)s
"""
SLOWEST = """
SELECT job_name AS job, max(duration_ms) AS milliseconds FROM job_executions
 WHERE finished_at >= %(since)s AND finished_at < %(until)s AND duration_ms IS NOT NULL
 GROUP BY job_name
 ORDER BY milliseconds DESC, job_name
 LIMIT %(limit)s
"""
WAITING = "SELECT count(*) AS due FROM job_executions WHERE status = 'queued' AND available_at <= now()"
STILL_FAILING = """
SELECT name AS job, consecutive_failures FROM schedule_jobs
 WHERE consecutive_failures > 0 AND status = 'active'
 ORDER BY consecutive_failures DESC, name
 LIMIT %(limit)s
"""


@handler("execution_digest", timeout="5m", retries=2)
def make_digest(
    context: Context,
    hours: Annotated[int, Field(ge=1, le=24 * 31, description="how far back")] = 24,
    limit: Annotated[int, Field(ge=1, le=100, description="how many jobs each list names")] = 20,
) -> dict[str, Any]:
    """Sum up the executions of the last day as a result; sending it to people comes with alerts, later."""
    connection = context.db()
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        # One snapshot, so that the figures and the lists speak of the same moment.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        until = (cursor.execute(NOW).fetchone() or {})["now"]
        values = {"since": until - timedelta(hours=hours), "until": until, "limit": limit, "own": context.execution_id}
        counts = {row["status"]: row["count"] for row in cursor.execute(COUNTS, values)}
        lists = {
            name: [plain(row) for row in cursor.execute(statement, values).fetchall()]
            for name, statement in (("failed", FAILED), ("slowest", SLOWEST), ("still_failing", STILL_FAILING))
        }
        due = (cursor.execute(WAITING).fetchone() or {"due": 0})["due"]
    bad = sum(counts.get(status, 0) for status in ("failed", "timed_out", "lost"))
    summary = f"{sum(counts.values())} executions in {hours} h, {counts.get('success', 0)} succeeded, {bad} failed, {due} due"
    context.log.info("digest.made", summary=summary)
    return {"summary": summary, "since": iso(values["since"]), "until": iso(until), "counts": counts, "due": due, **lists}


def plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
