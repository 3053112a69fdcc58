"""What must hold after every step, and what once everybody has come to rest."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.promises import PROMISES, check_promises
from tests.protocol.machine_world import SPECS

Connection = psycopg.Connection[Any]
Excuses = set[tuple[str, int | None]]

DUE = "SELECT id, next_run_at FROM schedule_jobs WHERE status = 'active' AND next_run_at <= now()"

# A planned time that came due is a row of its own or stands in a later one's missed_count, unless its job is over or unreadable.
UNACCOUNTED = """
SELECT due.job_id, due.at
  FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) AS due (job_id, at)
  JOIN schedule_jobs AS job ON job.id = due.job_id
 WHERE job.status <> 'invalid'
   AND NOT coalesce(job.occurrence_count >= job.max_runs, false)
   AND ((job.next_run_at = due.at AND NOT %(may_be_busy)s)
        OR job.next_run_at IS DISTINCT FROM due.at AND NOT EXISTS (SELECT FROM job_executions AS row
                        WHERE row.job_id = due.job_id
                          AND (row.scheduled_for = due.at OR (row.scheduled_for > due.at AND row.missed_count > 0))))
"""
# All promises in one question, as it is asked after every step; only when one is broken, they are looked at one by one.
ANY_BROKEN = "SELECT EXISTS (" + " UNION ALL ".join(f"(SELECT FROM ({query}) AS broken)" for _, query, _, _ in PROMISES) + ")"
ENDED = "SELECT id, status FROM job_executions WHERE status NOT IN ('queued', 'running')"

UNEXPLAINED = "an invalid job does not say why"
AT_REST: dict[str, str] = {
    "an active job with a schedule has no next_run_at": """
        SELECT id, name, last_error FROM schedule_jobs AS job
         WHERE status = 'active' AND next_run_at IS NULL
           AND num_nonnulls(interval, specific_times, cron_expression, run_at) > 0
           AND NOT coalesce(end_at > now(), false)
           AND NOT (num_nonnulls(run_at, end_at, max_runs) > 0
                    AND EXISTS (SELECT FROM job_executions AS live
                                 WHERE live.job_id = job.id AND live.status IN ('queued', 'running')))""",
    "an edited job is not planned": """
        SELECT id, name FROM schedule_jobs WHERE status = 'active' AND planned_version <> spec_version""",
    "an edit of calendars or overlays is not planned": "SELECT id, source FROM schedule_replans",
    "a planned time is due and not planned": """
        SELECT id, name FROM schedule_jobs WHERE status = 'active' AND next_run_at <= now() - interval '5 s'""",
    UNEXPLAINED: "SELECT id, name FROM schedule_jobs WHERE status = 'invalid' AND coalesce(last_error, '') = ''",
    "a pause is over and goes on": """
        SELECT id, name FROM schedule_jobs WHERE status = 'paused' AND paused_until <= now() - interval '5 s'""",
    "an execution runs on": "SELECT id, job_id, lease_expires_at FROM job_executions WHERE status = 'running'",
    "a due execution is not claimed": """
        SELECT waiting.id, waiting.job_id FROM job_executions AS waiting JOIN schedule_jobs AS job ON job.id = waiting.job_id
         WHERE waiting.status = 'queued' AND waiting.available_at <= now() - interval '5 s' AND waiting.job_type = ANY (%(types)s)
           AND (job.status = 'active' OR (job.status = 'completed' AND waiting.trigger IN ('manual', 'retry')))
           AND job.max_instances > (SELECT count(*) FROM schedule_locks AS held
                                      WHERE held.job_id = job.id AND held.expires_at > now())
           AND waiting.id = (SELECT ahead.id FROM job_executions AS ahead
                              WHERE ahead.job_id = job.id AND ahead.status = 'queued' AND ahead.available_at <= now()
                              ORDER BY ahead.priority DESC, ahead.available_at, ahead.id LIMIT 1)""",
}


def broken_promises(connection: Connection, excuses: Excuses) -> list[str]:
    """Return the promises that are broken and not excused by what somebody did to that job by hand."""
    if connection.execute(ANY_BROKEN, {"grace": 0.0}, prepare=True).fetchone() == (False,):
        return []
    return [
        f"{found.promise}: {found.words}: job {found.job_id}, executions {found.executions}"
        for found in check_promises(connection, 0.0)
        if (found.promise, found.job_id) not in excuses
    ]


def changed_ends(connection: Connection, known: dict[int, str]) -> list[str]:
    """Return the executions that had ended and now have ended otherwise; note the new ends."""
    ends: dict[int, str] = dict(connection.execute(ENDED).fetchall())
    changed = [
        f"execution {number} was {known[number]} and is {status}"
        for number, status in ends.items()
        if known.get(number, status) != status
    ]
    known.update(ends)
    return changed


def due_now(connection: Connection) -> dict[str, list[Any]]:
    """Return the planned times that have come."""
    found = connection.execute(DUE).fetchall()
    return {"ids": [row[0] for row in found], "times": [row[1] for row in found]}


def unaccounted(connection: Connection, due: dict[str, list[Any]], may_be_busy: bool) -> list[Any]:
    """Return those of the planned times for which no row stands."""
    return connection.execute(UNACCOUNTED, {**due, "may_be_busy": may_be_busy}).fetchall() if due["ids"] else []


def unrest(connection: Connection, excuses: Excuses) -> list[str]:
    """Return what is still to be done when nothing is. A status or reason written by hand needs no reason of ours."""
    return [
        f"{what}: {row}"
        for what, query in AT_REST.items()
        for row in connection.execute(query, {"types": list(SPECS)}).fetchall()
        if not (what == UNEXPLAINED and ("why", row[0]) in excuses)
    ]
