"""Workflows as people save, run and cancel them; their jobs are kept by the database itself (migration 0018)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.errors import Conflict, NotAllowed, NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.rules.workflows import Step
from scheduler.words import say

LIST = """
SELECT workflow.id, workflow.name, workflow.status, workflow.schedule, workflow.run_at, workflow.description, workflow.steps,
       workflow.created_at, workflow.updated_at,
       (SELECT min(job.next_run_at) FROM schedule_jobs AS job
         WHERE job.workflow = workflow.name AND job.status = 'active') AS next_run_at,
       (SELECT max(job.last_run_at) FROM schedule_jobs AS job WHERE job.workflow = workflow.name) AS last_run_at,
       (SELECT count(*) FROM schedule_jobs AS job
         WHERE job.workflow = workflow.name AND (job.consecutive_failures > 0 OR job.status = 'invalid'))::int AS failing,
       live.queued, live.running
  FROM schedule_workflows AS workflow
 CROSS JOIN LATERAL (
       SELECT (count(*) FILTER (WHERE execution.status = 'queued'))::int AS queued,
              (count(*) FILTER (WHERE execution.status = 'running'))::int AS running
         FROM schedule_jobs AS job
         JOIN job_executions AS execution ON execution.job_id = job.id AND execution.status IN ('queued', 'running')
        WHERE job.workflow = workflow.name) AS live
 WHERE %(name)s::text IS NULL OR workflow.name = %(name)s
 ORDER BY workflow.name
"""
FIND = """
SELECT id, name
  FROM schedule_workflows
 WHERE id = %(id)s OR name = %(text)s OR starts_with(name, %(text)s)
 ORDER BY name
 LIMIT 12
"""


def list_workflows(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return all workflows with what waits and runs of them."""
    return rows(connection, LIST, {"name": None})


def find_workflow(connection: psycopg.Connection[Any], text: str) -> Row:
    """Return the workflow that *text* names: its id, its name, or the beginning of one name.

    Raises  NotFound; Conflict when several names begin so
    """
    wanted = unicodedata.normalize("NFC", text)
    is_id = text.isascii() and text.isdigit() and len(text) < 19
    found = rows(connection, FIND, {"id": int(text) if is_id else None, "text": wanted}) if text else []
    exact = [each for each in found if each["name"] == wanted or (is_id and each["id"] == int(text))]
    chosen = exact or found
    if len(chosen) > 1:
        raise Conflict(say(f"'{text}'(으)로 시작하는 워크플로우가 여럿입니다", f"several workflows begin with '{text}'")
                       + "".join(f"\n{each['id']}  {each['name']}" for each in chosen[:10]))
    if not chosen:
        raise NotFound(say(f"워크플로우 '{text}'이(가) 없습니다", f"there is no workflow '{text}'")
                       + "\nerp-scheduler workflows list")
    return rows(connection, LIST, {"name": chosen[0]["name"]})[0]


STEPS = """
SELECT step.name, step.follows, step.outcome, job.id AS job_id, job.name AS job_name, step.job_type, step.market_codes,
       step.parameters, step.timeout_minutes, step.max_retries, job.status, job.last_status, job.last_run_at, job.last_error,
       job.next_run_at, live.queued, live.running
  FROM schedule_workflows AS workflow
 CROSS JOIN LATERAL schedule_workflow_steps(workflow.steps) AS step
  LEFT JOIN schedule_jobs AS job ON job.workflow = workflow.name AND job.workflow_step = step.name
 CROSS JOIN LATERAL (
       SELECT (count(*) FILTER (WHERE execution.status = 'queued'))::int AS queued,
              (count(*) FILTER (WHERE execution.status = 'running'))::int AS running
         FROM job_executions AS execution
        WHERE execution.job_id = job.id AND execution.status IN ('queued', 'running')) AS live
 WHERE workflow.name = %(name)s
 ORDER BY step.place
"""


def steps_of(connection: psycopg.Connection[Any], name: str) -> list[Row]:
    """Return the steps of a workflow with their jobs, in the order they were written."""
    return rows(connection, STEPS, {"name": name})


def order_of(steps: list[Row]) -> list[Step]:
    """Return the order of rows that steps_of gave."""
    return [Step(each["name"], tuple(each["follows"]), each["outcome"]) for each in steps]


SAVE = """
INSERT INTO schedule_workflows (name, steps, schedule, description)
VALUES (%(name)s, %(steps)s, %(schedule)s, %(description)s)
    ON CONFLICT (name) DO UPDATE
   SET steps = excluded.steps, schedule = excluded.schedule,
       description = CASE WHEN %(describes)s THEN excluded.description ELSE schedule_workflows.description END
RETURNING id, name, xmax = 0 AS is_new
"""


def save(connection: psycopg.Connection[Any], workflow: Mapping[str, Any]) -> Row:
    """Save a workflow by its name; its jobs follow. PostgreSQL's refusal, with all faults, passes through.

    workflow  name, steps, and schedule (without one it runs at once) and description
    Returns   id, name and whether it is new
    """
    found = row(connection, SAVE, {
        "name": unicodedata.normalize("NFC", workflow["name"]), "steps": Jsonb(workflow["steps"]),
        "schedule": Jsonb(workflow.get("schedule") or {"mode": "immediate"}),
        "description": workflow.get("description"), "describes": "description" in workflow,
    })
    assert found is not None
    return found


NEWEST = "SELECT coalesce(max(id), 0) AS id FROM job_executions"
LOCK_JOBS = "SELECT id FROM schedule_jobs WHERE workflow = %(name)s ORDER BY id FOR NO KEY UPDATE"
# The database fills in the rest from the jobs, as for anybody who asks for a run with plain SQL.
QUEUE = "INSERT INTO job_executions (job_id) VALUES (%(job_id)s) RETURNING id AS execution_id"


def run(connection: psycopg.Connection[Any], name: str) -> tuple[int, list[Row]]:
    """Queue an execution of each first step; the others follow them as they end.

    Returns  a number that all executions of this run are above, and the queued ones: step, job_id, execution_id
    Raises   NotAllowed when it is paused, or one of its first steps cannot be run
    """
    with connection.transaction():
        found = find_workflow(connection, name)
        rows(connection, LOCK_JOBS, {"name": found["name"]})
        first = [step for step in steps_of(connection, found["name"]) if not step["follows"]]
        _refuse_unclaimable(found, first)
        newest = row(connection, NEWEST)
        queued = [{"step": step["name"], "job_id": step["job_id"], **(row(connection, QUEUE, step) or {})} for step in first]
    return (newest["id"] if newest else 0), queued


def _refuse_unclaimable(workflow: Row, first: list[Row]) -> None:
    """Refuse what nobody would claim: a run must not wait for ever."""
    if workflow["status"] == "paused":
        raise NotAllowed(say(f"워크플로우 '{workflow['name']}'은(는) 일시 정지 상태입니다",
                             f"workflow '{workflow['name']}' is paused")
                         + f"\nerp-scheduler workflows resume {workflow['id']}")
    for step in first:
        if step["status"] not in ("active", "completed"):
            state = step["status"] or say("지워짐", "deleted")
            raise NotAllowed(say(f"단계 '{step['name']}'의 작업 상태가 {state}입니다",
                                 f"the job of step '{step['name']}' is {state}")
                             + f"\nerp-scheduler workflows show {workflow['id']}")


PROGRESS = """
SELECT job.workflow_step AS step, job.status AS job_status, latest.id AS execution_id, latest.status, latest.attempt,
       latest.duration_ms, latest.result, latest.error_message, latest.skip_reason
  FROM schedule_jobs AS job
  LEFT JOIN LATERAL (
       SELECT * FROM job_executions AS execution
        WHERE execution.job_id = job.id AND execution.id > %(above)s AND execution.trigger <> 'backfill'
        ORDER BY execution.id DESC LIMIT 1) AS latest ON true
 WHERE job.workflow = %(name)s
"""


def progress(connection: psycopg.Connection[Any], name: str, above: int) -> dict[str, Row]:
    """Return the newest execution of each step since a run began, by the name of the step; its columns are NULL before."""
    return {each["step"]: each for each in rows(connection, PROGRESS, {"name": name, "above": above})}


END_WAITING = """
UPDATE job_executions
   SET status = 'cancelled', finished_at = now(), error_class = 'cancelled', error_message = 'cancelled before it started',
       held_for = NULL
 WHERE job_id = ANY (%(ids)s) AND status = 'queued'
RETURNING id
"""
ASK_RUNNING = "UPDATE job_executions SET cancel_requested = true WHERE job_id = ANY (%(ids)s) AND status = 'running' RETURNING id"
DROP_ONE_OFFS = """
UPDATE schedule_jobs SET status = 'completed' WHERE id = ANY (%(ids)s) AND status = 'active' AND run_at > now() RETURNING id
"""


def cancel(connection: psycopg.Connection[Any], name: str) -> dict[str, list[int]]:
    """End what waits and what runs of a workflow; a recurring schedule goes on, one that was to run once does not.

    Returns  the executions that ended (``cancelled``), those asked to end (``asked``), the jobs whose only run is off
             (``dropped``)
    """
    with connection.transaction():
        ids = {"ids": [each["id"] for each in rows(connection, LOCK_JOBS, {"name": name})]}
        return {
            "cancelled": [each["id"] for each in rows(connection, END_WAITING, ids)],
            "asked": [each["id"] for each in rows(connection, ASK_RUNNING, ids)],
            "dropped": [each["id"] for each in rows(connection, DROP_ONE_OFFS, ids)],
        }


SET_STATUS = "UPDATE schedule_workflows SET status = %(status)s WHERE name = %(name)s"
REMOVE = "DELETE FROM schedule_workflows WHERE name = %(name)s"


def set_status(connection: psycopg.Connection[Any], name: str, status: str) -> None:
    """Pause or resume a workflow with all its jobs: ``paused`` or ``active``."""
    connection.execute(SET_STATUS, {"name": name, "status": status})


def remove(connection: psycopg.Connection[Any], name: str) -> None:
    """Delete a workflow and its jobs; their history stays."""
    connection.execute(REMOVE, {"name": name})
