"""What people and programs may do, each with its line in the audit log; the API and the pages do it alike.

The database's own functions decide, so that every door refuses in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from starlette.requests import Request

from scheduler.queries.job_purge import purge_job
from scheduler.queries.rows import Row, row, rows
from scheduler.web.audit import note
from scheduler.web.powers import may_choose_parameters

Connection = psycopg.Connection[Any]

OF_JOB = "SELECT job_type, parameters FROM schedule_jobs WHERE id = %(number)s"
OF_EXECUTION = "SELECT job_type, parameters FROM job_executions WHERE id = %(number)s"
RUN = "SELECT schedule_run_now(%(job)s::bigint, %(parameters)s::jsonb, %(markets)s::text[]) AS execution_id"
RUN_IN = "SELECT schedule_run_in(%(job)s::bigint, %(delay)s::interval, %(parameters)s::jsonb) AS execution_id"
RUN_ONCE = """
SELECT schedule_run_once(%(job_type)s::text, %(parameters)s::jsonb, %(markets)s::text[], %(delay)s::interval) AS execution_id
"""
PAUSE = "SELECT * FROM schedule_pause(%(job)s::bigint, %(until)s::timestamptz, %(reason)s::text)"
RESUME = "SELECT * FROM schedule_resume(%(job)s::bigint, %(run_missed)s::boolean)"
CANCEL = "SELECT schedule_cancel(%(execution)s::bigint, %(reason)s::text) AS state"
RETRY = "SELECT schedule_retry(%(execution)s::bigint, %(parameters)s::jsonb) AS execution_id"
RESTORE = "SELECT * FROM schedule_restore(%(job)s::bigint, %(revision)s::integer)"
RELEASE = "SELECT * FROM schedule_release_lock(%(job)s::bigint, force => %(force)s::boolean)"
REMOVE = "DELETE FROM schedule_jobs WHERE id = %(job)s RETURNING id, name"


def run(
    connection: Connection, request: Request, job: int, parameters: dict[str, Any] | None = None,
    markets: Sequence[str] | None = None, delay: timedelta | None = None,
) -> int:
    """Queue an execution of *job* now, or after *delay*. Returns its number. Raises Forbidden (powers)."""
    _may_choose(connection, request, OF_JOB, job, parameters)
    values = {"job": job, "parameters": _json(parameters), "markets": None if markets is None else list(markets), "delay": delay}
    number = _number(connection, RUN if delay is None else RUN_IN, values)
    note(connection, request, "job.run", f"job:{job}", after={"execution_id": number, "parameters": parameters})
    return number


def run_once(
    connection: Connection, request: Request, job_type: str, parameters: dict[str, Any] | None = None,
    markets: Sequence[str] = (), delay: timedelta = timedelta(),
) -> int:
    """Queue one execution without a job. Returns its number. Raises Forbidden (powers)."""
    may_choose_parameters(connection, request, job_type)
    values = {"job_type": job_type, "parameters": _json(parameters or {}), "markets": list(markets), "delay": delay}
    number = _number(connection, RUN_ONCE, values)
    note(connection, request, "execution.make", f"execution:{number}", job_type, after={"parameters": parameters})
    return number


def pause(
    connection: Connection, request: Request, job: int, until: datetime | None = None, reason: str | None = None
) -> Row:
    """Pause *job*. Returns its row."""
    found = _row(connection, PAUSE, {"job": job, "until": until, "reason": reason})
    note(connection, request, "job.pause", f"job:{job}", found["name"], after={"until": _text(until), "reason": reason})
    return found


def resume(connection: Connection, request: Request, job: int, run_missed: bool = False) -> Row:
    """Resume *job*. Returns job_id, status, missed_at and execution_id."""
    found = _row(connection, RESUME, {"job": job, "run_missed": run_missed})
    note(connection, request, "job.resume", f"job:{job}", after={"run_missed": run_missed, "execution_id": found["execution_id"]})
    return found


def remove(connection: Connection, request: Request, job: int) -> Row:
    """Delete *job*; its history stays, and restore brings it back."""
    found = _row(connection, REMOVE, {"job": job})
    note(connection, request, "job.remove", f"job:{job}", found["name"])
    return found


def purge(connection: Connection, request: Request, job: int) -> Row:
    """Delete *job* with its executions, logs and edits for good. Only this line of the audit log tells of it."""
    gone = purge_job(connection, job)
    note(connection, request, "job.purge", f"job:{job}", gone["name"],
         after={"executions": gone["executions"], "revisions": gone["revisions"]})
    return gone


def restore(connection: Connection, request: Request, job: int, revision: int | None = None) -> Row:
    """Set *job* back to what it was after *revision*; None undoes the latest edit. Returns its row."""
    found = _row(connection, RESTORE, {"job": job, "revision": revision})
    note(connection, request, "job.restore", f"job:{job}", found["name"], after={"revision": revision})
    return found


def cancel(connection: Connection, request: Request, execution: int, reason: str | None = None) -> str:
    """End *execution*. Returns cancelled or cancel_requested."""
    state = str(_row(connection, CANCEL, {"execution": execution, "reason": reason})["state"])
    note(connection, request, "execution.cancel", f"execution:{execution}", after={"state": state, "reason": reason})
    return state


def retry(connection: Connection, request: Request, execution: int, parameters: dict[str, Any] | None = None) -> int:
    """Try *execution* again, with other parameters if any are given. Returns the new number. Raises Forbidden (powers)."""
    _may_choose(connection, request, OF_EXECUTION, execution, parameters)
    number = _number(connection, RETRY, {"execution": execution, "parameters": _json(parameters)})
    after = {"execution_id": number, "parameters": parameters}
    note(connection, request, "execution.retry", f"execution:{execution}", after=after)
    return number


def release(connection: Connection, request: Request, job: int, force: bool = False) -> list[Row]:
    """Free the lock of *job*; by force, what holds it is cancelled. Returns what was freed."""
    freed = rows(connection, RELEASE, {"job": job, "force": force})
    note(connection, request, "lock.release", f"job:{job}", after={"force": force})
    return freed


def _may_choose(connection: Connection, request: Request, of: str, number: int, parameters: dict[str, Any] | None) -> None:
    """Refuse parameters that differ from those of the job or the execution, where choosing them takes an admin."""
    former = None if parameters is None else row(connection, of, {"number": number})
    if former is not None and parameters != former["parameters"]:
        may_choose_parameters(connection, request, former["job_type"])


def _json(value: dict[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _row(connection: Connection, statement: str, values: dict[str, Any]) -> Row:
    from scheduler.errors import NotFound
    from scheduler.words import say

    found = row(connection, statement, values)
    if found is None:
        raise NotFound(say(f"작업 {values.get('job')}이(가) 없습니다", f"there is no job {values.get('job')}"))
    return found


def _number(connection: Connection, statement: str, values: dict[str, Any]) -> int:
    return int(_row(connection, statement, values)["execution_id"])
