"""Jobs whose trouble is known: not shown for a while, or until they succeed again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from scheduler.errors import NotFound, ParameterError
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

Connection = psycopg.Connection[Any]
LONGEST = timedelta(days=366)

LIVE = """
SELECT job_id, job_name, until, until_fixed, since, by_whom, reason
  FROM schedule_snoozes_live
 WHERE %(job)s::bigint IS NULL OR job_id = %(job)s
 ORDER BY until NULLS LAST, job_id
 LIMIT %(most)s
"""
SNOOZE = """
SELECT made.job_id, job.name AS job_name, made.until, made.until IS NULL AS until_fixed, made.since, made.by_whom, made.reason
  FROM schedule_snooze(%(job)s::bigint, until => %(until)s::timestamptz, reason => %(reason)s::text) AS made
  JOIN schedule_jobs AS job ON job.id = made.job_id
"""
UNSNOOZE = "SELECT job_id FROM schedule_unsnooze(%(job)s::bigint)"
KEPT = "SELECT job_id FROM schedule_snoozes WHERE job_id = %(job)s"
NOW = "SELECT now() AS now"
COUNT = "SELECT count(*) AS number FROM schedule_snoozes_live"


def list_snoozed(connection: Connection, job: int | None = None, most: int = 1000) -> list[Row]:
    """Return the jobs that are snoozed now, those that come back first at the top."""
    return rows(connection, LIVE, {"job": job, "most": most})


def count_snoozed(connection: Connection) -> int:
    """Count the jobs that are snoozed now."""
    return int((row(connection, COUNT) or {"number": 0})["number"])


def snooze(
    connection: Connection, job: int, *, until: datetime | None = None, length: timedelta | None = None, reason: str | None = None
) -> Row:
    """Hide a job's trouble until a moment, for a length of time, or with neither until it succeeds again.

    Raises  NotFound; ParameterError for a moment that has passed or lies too far ahead
    """
    now: datetime = (row(connection, NOW) or {})["now"]
    if length is not None:
        until = now + max(timedelta(), min(length, LONGEST + timedelta(days=1)))
    if until is not None and not now < until <= now + LONGEST:
        raise ParameterError(say("알림은 지금부터 366일 안의 시각까지만 끌 수 있습니다",
                                 "a job can be snoozed for 366 days at most, until a moment that is still to come"))
    saved = row(connection, SNOOZE, {"job": job, "until": until, "reason": reason})
    assert saved is not None
    return saved


def unsnooze(connection: Connection, job: int) -> None:
    """Let a job's trouble be seen again. Raises NotFound when it is not snoozed."""
    if row(connection, KEPT, {"job": job}) is None:
        raise NotFound(say(f"작업 {job}의 알림은 꺼져 있지 않습니다", f"job {job} is not snoozed"))
    row(connection, UNSNOOZE, {"job": job})
