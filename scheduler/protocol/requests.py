"""T6: what any door may ask of the daemons: run now, cancel, retry, release a lock.

Plain synchronous statements, one transaction each. Lock order as everywhere: job row, lock row, execution row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from scheduler.errors import Conflict, NotAllowed, NotFound
from scheduler.model import ENDED
from scheduler.words import say

Row = dict[str, Any]

LIMIT_WAITS = "SET LOCAL lock_timeout = '10s'"


@contextmanager
def _request(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Open the request's transaction; a row that a forgotten session holds ends it instead of hanging the door."""
    with connection.transaction():
        connection.execute(LIMIT_WAITS)
        yield


LOCK_JOB = """
SELECT id, name, job_type, status, last_error, parameters, market_codes, priority
  FROM schedule_jobs
 WHERE id = %(id)s OR name = %(name)s
   FOR NO KEY UPDATE
"""


def _lock_job(connection: psycopg.Connection[Any], job: int | str) -> Row:
    named = {"id": job, "name": None} if isinstance(job, int) else {"id": None, "name": job}
    row = _one(connection, LOCK_JOB, named)
    if row is None:
        raise NotFound(say(f"작업 {job}이(가) 없습니다", f"there is no job {job}") + "\nerp-scheduler jobs list")
    return row


def _one(connection: psycopg.Connection[Any], statement: str, values: dict[str, Any]) -> Row | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchone()


def _refuse_unclaimable(job: Row) -> None:
    """Refuse what nobody would claim: a request must not wait for ever. A one-off that has run may be run again."""
    name, number = job["name"], job["id"]
    if job["status"] == "paused":
        raise NotAllowed(
            say(f"작업 {number} \"{name}\"은(는) 일시 정지 상태입니다", f'job {number} "{name}" is paused')
            + f"\nerp-scheduler jobs resume {number}"
        )
    if job["status"] == "invalid":
        raise NotAllowed(
            say(f"작업 {number} \"{name}\"은(는) 실행할 수 없습니다", f'job {number} "{name}" cannot be run')
            + f": {job['last_error'] or ''}\nerp-scheduler jobs edit {number} …"
        )


QUEUE_BY_HAND = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, priority,
                            parameters, market_codes)
VALUES (%(job_id)s, %(job_name)s, %(job_type)s, 'manual', 'queued', clock_timestamp(), clock_timestamp(), %(priority)s,
        %(parameters)s, %(market_codes)s)
ON CONFLICT ON CONSTRAINT job_executions_once DO NOTHING
RETURNING id
"""


def run_now(
    connection: psycopg.Connection[Any],
    job: int | str,
    parameters: dict[str, Any] | None = None,
    market_codes: Sequence[str] | None = None,
) -> int:
    """Queue an execution of *job* beside its schedule, which stays as it is.

    job         id or exact name
    parameters  instead of the job's own; None takes those
    Returns     the execution's id
    Raises      NotFound; NotAllowed when the job is paused, invalid or over, with the command that changes it
    """
    with _request(connection):
        row = _lock_job(connection, job)
        _refuse_unclaimable(row)
        values = {
            "job_id": row["id"], "job_name": row["name"], "job_type": row["job_type"], "priority": row["priority"],
            "parameters": Jsonb(row["parameters"] if parameters is None else parameters),
            "market_codes": list(row["market_codes"] if market_codes is None else market_codes),
        }
        # A planned time may be this very microsecond; the clock has moved on at the next try.
        queued = _one(connection, QUEUE_BY_HAND, values) or _one(connection, QUEUE_BY_HAND, values)
        if queued is None:
            raise Conflict(say("동시에 같은 실행이 들어왔습니다. 다시 해 보세요",
                               "the same execution came in meanwhile; try again"))
        return int(queued["id"])


FIND_EXECUTION = "SELECT id, job_id, job_name, status FROM job_executions WHERE id = %(id)s"
LOCK_JOB_OF = "SELECT id FROM schedule_jobs WHERE id = %(job_id)s FOR NO KEY UPDATE"
LOCK_EXECUTION = """
SELECT id, job_id, job_name, job_type, status, scheduled_for, attempt, parameters, market_codes, node
  FROM job_executions
 WHERE id = %(id)s
   FOR NO KEY UPDATE
"""


def _lock_execution(connection: psycopg.Connection[Any], execution_id: int) -> Row:
    """Lock an execution after its job, and read it as it is once both are ours."""
    found = _one(connection, FIND_EXECUTION, {"id": execution_id})
    if found is not None:
        connection.execute(LOCK_JOB_OF, {"job_id": found["job_id"]})
        found = _one(connection, LOCK_EXECUTION, {"id": execution_id})
    if found is None:
        raise NotFound(
            say(f"실행 {execution_id}이(가) 없습니다", f"there is no execution {execution_id}")
            + "\nerp-scheduler executions list"
        )
    return found


CANCEL_QUEUED = """
UPDATE job_executions
   SET status = 'cancelled', finished_at = now(), error_class = 'cancelled',
       error_message = 'cancelled before it started' || coalesce(': ' || %(reason)s::text, ''), cancel_reason = %(reason)s
 WHERE id = %(id)s AND status = 'queued'
"""
ASK_TO_CANCEL = """
UPDATE job_executions SET cancel_requested = true, cancel_reason = %(reason)s WHERE id = %(id)s AND status = 'running'
"""
REASON_CHARACTERS = 500


def cancel(connection: psycopg.Connection[Any], execution_id: int, reason: str | None = None) -> str:
    """End an execution: one that waits at once, one that runs at its node's next look.

    reason   kept with it, up to 500 characters
    Returns  ``cancelled`` or ``cancel_requested``
    Raises   NotFound; Conflict when it has ended already
    """
    with _request(connection):
        execution = _lock_execution(connection, execution_id)
        if execution["status"] in ENDED:
            raise Conflict(
                say(f"실행 {execution_id}은(는) 이미 끝났습니다", f"execution {execution_id} has ended already")
                + f" ({execution['status']})\nerp-scheduler executions show {execution_id}"
            )
        waiting = execution["status"] == "queued"
        connection.execute(CANCEL_QUEUED if waiting else ASK_TO_CANCEL, {
            "id": execution_id, "reason": (reason or "").strip()[:REASON_CHARACTERS] or None,
        })
        return "cancelled" if waiting else "cancel_requested"


ATTEMPTS = """
SELECT max(attempt) AS last, max(id) FILTER (WHERE status IN ('queued', 'running')) AS live
  FROM job_executions
 WHERE job_id = %(job_id)s AND scheduled_for = %(scheduled_for)s
"""
QUEUE_RETRY = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, attempt, failed_attempts,
                            available_at, priority, parameters, market_codes, checkpoint, retry_of)
SELECT former.job_id, %(job_name)s, %(job_type)s, 'retry', 'queued', former.scheduled_for, %(attempt)s, 0,
       clock_timestamp(), %(priority)s, coalesce(%(parameters)s, former.parameters), former.market_codes,
       CASE WHEN %(parameters)s::jsonb IS NULL THEN former.checkpoint END, former.id
  FROM job_executions AS former
 WHERE former.id = %(id)s
RETURNING id
"""


def retry(connection: psycopg.Connection[Any], execution_id: int, parameters: dict[str, Any] | None = None) -> int:
    """Queue another attempt at the planned time of an execution that has ended, with all retries before it again.

    parameters  instead of the former ones; then its checkpoint is not handed on
    Returns     the new execution's id
    Raises      NotFound; Conflict while an attempt waits or runs; NotAllowed as for run_now, or when the job is gone
    """
    with _request(connection):
        former = _lock_execution(connection, execution_id)
        if former["job_id"] is None:
            raise NotAllowed(
                say(f"작업 \"{former['job_name']}\"이(가) 지워졌습니다", f'job "{former["job_name"]}" was deleted')
                + "\nerp-scheduler jobs add …"
            )
        job = _lock_job(connection, int(former["job_id"]))
        _refuse_unclaimable(job)
        attempts = _one(connection, ATTEMPTS, former) or {}
        if attempts["live"] is not None:
            raise Conflict(
                say(f"이 예정 시각의 다른 시도가 대기 또는 실행 중입니다: 실행 {attempts['live']}",
                    f"another attempt at this planned time waits or runs: execution {attempts['live']}")
                + f"\nerp-scheduler executions cancel {attempts['live']}"
            )
        queued = _one(connection, QUEUE_RETRY, {
            "id": execution_id, "job_name": job["name"], "job_type": job["job_type"], "priority": job["priority"],
            "attempt": attempts["last"] + 1, "parameters": None if parameters is None else Jsonb(parameters),
        })
        assert queued is not None
        return int(queued["id"])


LOCKS_OF_JOB = """
SELECT slot, execution_id, node, heartbeat_at, expires_at, expires_at > now() AS living
  FROM schedule_locks
 WHERE job_id = %(job_id)s
 ORDER BY slot
   FOR UPDATE
"""
RELEASE = """
DELETE FROM schedule_locks
 WHERE job_id = %(job_id)s AND (%(force)s OR expires_at <= now())
RETURNING slot, execution_id, node, expires_at > now() AS living
"""


def release_lock(connection: psycopg.Connection[Any], job: int | str, force: bool = False) -> list[Row]:
    """Free the locks of *job*: those that lapsed, with *force* the living ones too, whose handlers are then ended.

    Returns  what was freed: slot, execution_id, node, living
    Raises   NotFound when there is no lock; NotAllowed for a living one without *force*, naming its node
    """
    with _request(connection):
        row = _lock_job(connection, job)
        with connection.cursor(row_factory=dict_row) as cursor:
            locks = cursor.execute(LOCKS_OF_JOB, {"job_id": row["id"]}).fetchall()
            if not locks:
                raise NotFound(
                    say(f"작업 {row['id']} \"{row['name']}\"에 잠금이 없습니다", f'job {row["id"]} "{row["name"]}" has no lock')
                    + "\nerp-scheduler locks list"
                )
            living = [lock for lock in locks if lock["living"]]
            if living and not force:
                raise NotAllowed(_held(row, living[0]))
            return cursor.execute(RELEASE, {"job_id": row["id"], "force": force}).fetchall()


def _held(job: Row, lock: Row) -> str:
    node = lock["node"] or say("사람", "a person")
    return say(
        f"노드 {node}이(가) 작업 {job['id']} \"{job['name']}\"을(를) 실행 중입니다 (실행 {lock['execution_id']}). "
        "강제로 풀면 그 실행은 취소됩니다",
        f'node {node} is running job {job["id"]} "{job["name"]}" (execution {lock["execution_id"]}); '
        "forcing the lock open cancels it",
    ) + f"\nerp-scheduler locks release {job['id']} --force"
