"""The scheduler's promises as queries: each returns the rows that break it. The fault tests and `doctor` run the same.

They look at the last day: retention may thin out what is older, and an attempt that was pruned is not one that is
missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from scheduler.queries.rows import rows
from scheduler.words import say


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise.

    promise     I1, I3 … as design and tests number them
    words       what is wrong, in the reader's language
    job_id      None when the job is gone
    executions  those it is about
    """

    promise: str
    words: str
    job_id: int | None
    executions: tuple[int, ...]


ONE_RUNNING = """
SELECT job_id, array_agg(id ORDER BY id) AS executions
  FROM job_executions
 WHERE status = 'running' AND job_id IS NOT NULL
 GROUP BY job_id, slot
HAVING count(*) > 1
"""

STARTED_ONCE = """
SELECT job_id, array_agg(id ORDER BY id) AS executions
  FROM job_executions
 WHERE started_at >= now() - interval '1 day' AND job_id IS NOT NULL
 GROUP BY job_id, scheduled_for, attempt
HAVING count(*) > 1
"""

FENCE_RISES = """
SELECT job_id, array[former, id] AS executions
  FROM (SELECT id, job_id, fence, lag(id) OVER in_order AS former, lag(fence) OVER in_order AS former_fence
          FROM job_executions
         WHERE started_at >= now() - interval '1 day' AND job_id IS NOT NULL
        WINDOW in_order AS (PARTITION BY job_id ORDER BY started_at, fence)) AS started
 WHERE fence <= former_fence
"""

# A result was written only by the holder: its lock went in the same statement, and it had been claimed.
RESULT_UNDER_TOKEN = """
SELECT execution.job_id, array[execution.id] AS executions
  FROM job_executions AS execution
  LEFT JOIN schedule_locks AS held ON held.execution_id = execution.id AND held.token = execution.token
 WHERE (execution.status NOT IN ('queued', 'running') AND held.token IS NOT NULL)
    OR (execution.status = 'success' AND execution.finished_at >= now() - interval '1 day'
        AND (execution.token IS NULL OR execution.started_at IS NULL))
"""

NO_OVERLAP = """
SELECT job_id, array[former, id] AS executions
  FROM (SELECT id, job_id, started_at, lag(id) OVER in_order AS former, lag(finished_at) OVER in_order AS former_end,
               lag(started_at) OVER in_order AS former_start
          FROM job_executions
         WHERE started_at >= now() - interval '1 day' AND job_id IS NOT NULL
        WINDOW in_order AS (PARTITION BY job_id, slot ORDER BY started_at, id)) AS started
 WHERE former_start IS NOT NULL AND (former_end IS NULL OR former_end > started_at)
"""

NO_LAPSED_RUNNING = """
SELECT job_id, array[id] AS executions
  FROM job_executions
 WHERE status = 'running'
   AND (lease_expires_at IS NULL OR lease_expires_at < now() - make_interval(secs => %(grace)s))
   AND EXISTS (SELECT FROM scheduler_nodes
                WHERE state = 'running' AND seen_at >= now() - make_interval(secs => lease_seconds)
                  AND started_at < now() - make_interval(secs => %(grace)s))
"""

RETRY_AFTER_ITS_PREDECESSOR = """
SELECT later.job_id, array[former.id, later.id] AS executions
  FROM job_executions AS later
  JOIN job_executions AS former
    ON former.job_id = later.job_id AND former.scheduled_for = later.scheduled_for AND former.attempt = later.attempt - 1
 WHERE later.created_at >= now() - interval '1 day'
   AND later.started_at IS NOT NULL
   AND (former.finished_at IS NULL OR later.started_at < former.finished_at)
"""

ATTEMPTS_WITHOUT_GAP = """
SELECT job_id, array_agg(id ORDER BY attempt) AS executions
  FROM job_executions
 WHERE scheduled_for >= now() - interval '1 day' AND job_id IS NOT NULL
 GROUP BY job_id, scheduled_for
HAVING max(attempt) <> count(*) OR min(attempt) <> 1
"""

# An edit of max_retries after the fact is no broken promise, hence updated_at.
RETRIES_WITHIN_LIMIT = """
SELECT execution.job_id, array[execution.id] AS executions
  FROM job_executions AS execution
  JOIN schedule_jobs AS job ON job.id = execution.job_id
 WHERE execution.created_at >= now() - interval '1 day'
   AND job.updated_at < execution.created_at
   AND execution.failed_attempts > job.max_retries
"""

NO_RETRY_MISSING = """
SELECT execution.job_id, array[execution.id] AS executions
  FROM job_executions AS execution
  JOIN schedule_jobs AS job ON job.id = execution.job_id
 WHERE execution.status IN ('timed_out', 'lost')
   AND execution.finished_at BETWEEN now() - interval '1 day' AND now() - make_interval(secs => %(grace)s)
   AND execution.failed_attempts < job.max_retries
   AND job.updated_at < execution.created_at
   AND NOT EXISTS (SELECT FROM job_executions AS later
                    WHERE later.job_id = execution.job_id AND later.scheduled_for = execution.scheduled_for
                      AND later.attempt > execution.attempt)
"""

QUEUE_BOUND = """
SELECT job_id, array_agg(id ORDER BY id) AS executions
  FROM job_executions AS execution
 WHERE status = 'queued' AND trigger = 'schedule' AND job_id IS NOT NULL
   AND EXISTS (SELECT FROM schedule_jobs AS job WHERE job.id = execution.job_id AND job.misfire_policy <> 'run_all'
                 AND job.overlap_policy <> 'allow')
 GROUP BY job_id
HAVING count(*) > 1
"""

PROMISES: tuple[tuple[str, str, str, str], ...] = (
    ("I1", ONE_RUNNING, "한 작업이 동시에 두 번 실행 중입니다", "two executions of one job run at once"),
    ("I3", STARTED_ONCE, "같은 시도가 두 번 시작되었습니다", "an attempt started twice"),
    ("I4", FENCE_RISES, "나중 실행의 잠금 번호가 더 크지 않습니다", "a later start has no higher fence"),
    ("I5", RESULT_UNDER_TOKEN, "잠금 없이 결과가 쓰였습니다", "a result was written without the lock"),
    ("I6", NO_OVERLAP, "한 작업의 두 실행이 겹쳤습니다", "two executions of one job overlapped"),
    ("I7", NO_LAPSED_RUNNING, "하트비트가 끊긴 실행이 회수되지 않았습니다", "an execution is past its lease and not reaped"),
    ("I8", RETRY_AFTER_ITS_PREDECESSOR, "앞선 시도가 끝나기 전에 재시도했습니다", "a retry started before its predecessor ended"),
    ("I8", ATTEMPTS_WITHOUT_GAP, "시도 번호가 비어 있습니다", "attempts of one planned time have a gap"),
    ("I8", RETRIES_WITHIN_LIMIT, "재시도 횟수를 넘었습니다", "more retries than the job allows"),
    ("I8", NO_RETRY_MISSING, "재시도가 남았는데 이어지지 않았습니다", "a retry is missing"),
    ("I12", QUEUE_BOUND, "한 작업의 예정된 실행이 둘 이상 대기합니다", "more than one planned execution of a job waits"),
)


def check_promises(connection: psycopg.Connection[Any], grace_seconds: float) -> list[Finding]:
    """Return every broken promise that the tables show; an empty list is the promise kept.

    grace_seconds  how long after a lease, or an end, what follows from it may take
    """
    return [
        Finding(promise, say(korean, english), broken["job_id"], tuple(broken["executions"]))
        for promise, query, korean, english in PROMISES
        for broken in rows(connection, query, {"grace": grace_seconds})
    ]
