"""T1, plan: what is due becomes queued executions, and next_run_at moves on. An edited row is read anew, and judged.

A row that cannot be read is set aside with its reason; it never delays the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from scheduler.database.connection import is_outage
from scheduler.errors import ScheduleError
from scheduler.model import Every, HandlerSpec, Schedule
from scheduler.rules.misfire import Planned, decide
from scheduler.rules.parameters import check_parameters
from scheduler.rules.schedule import next_after, occurrences
from scheduler.settings import MISFIRE_CAP, PARAMETERS_BYTES, PLAN_BATCH

UNKNOWN_TYPE = "no live node knows job type"

# Two walks, each along its own partial index, however many jobs there are.
CANDIDATES = """
(SELECT id FROM schedule_jobs WHERE status = 'active' AND planned_version <> spec_version ORDER BY id LIMIT {limit})
UNION
(SELECT id FROM schedule_jobs WHERE status = 'active' AND next_run_at <= now() ORDER BY next_run_at LIMIT {limit})
"""

# What Python could choke on (infinity, the year 294276, 24:00, 10 MB) is made harmless here, row by row.
DUE = """
SELECT job.id, job.name, job.job_type,
       (extract(year FROM job.interval) * 12 + extract(month FROM job.interval))::int AS months,
       (extract(day FROM job.interval) * 86400 + extract(hour FROM job.interval) * 3600
        + extract(minute FROM job.interval) * 60 + extract(second FROM job.interval))::float8 AS seconds,
       job.specific_times::text[] AS times,
       left(job.cron_expression, 300) AS cron,
       job.run_at IS NOT NULL AS has_run_at,
       CASE WHEN job.run_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.run_at END AS run_at,
       job.timezone,
       CASE WHEN job.anchor_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.anchor_at ELSE now() END AS anchor_at,
       job.misfire_policy,
       CASE WHEN job.misfire_grace BETWEEN '0' AND '31 days'
            THEN extract(epoch FROM job.misfire_grace)::float8 ELSE 60 END AS grace_seconds,
       CASE WHEN job.next_run_at <= now() THEN greatest(job.next_run_at, '1970-01-01') END AS due_at,
       job.next_run_at > now() AS is_planned_ahead,
       job.planned_version = job.spec_version AS is_judged,
       octet_length(job.parameters::text) <= {parameters_bytes} AS fits,
       CASE WHEN job.planned_version <> job.spec_version AND octet_length(job.parameters::text) <= {parameters_bytes}
            THEN job.parameters END AS parameters,
       EXISTS (SELECT FROM job_executions AS live WHERE live.job_id = job.id AND live.status = 'running')
       OR EXISTS (SELECT FROM job_executions AS waiting
                   WHERE waiting.job_id = job.id AND waiting.status = 'queued' AND waiting.trigger <> 'manual')
           AS in_the_way,
       CASE WHEN job.run_at IS NOT NULL AND job.run_at <= now() THEN
            (SELECT count(*) FROM job_executions AS past
              WHERE past.job_id = job.id AND past.scheduled_for = job.run_at) END AS one_off_rows,
       job.last_error,
       job.updated_at < job.run_at AS was_set_in_time,
       now() AS now
  FROM schedule_jobs AS job
 WHERE job.id = ANY (ARRAY({candidates}))
   AND job.status = 'active'
   AND (job.next_run_at <= now() OR job.planned_version <> job.spec_version)
 ORDER BY job.next_run_at NULLS FIRST
   FOR NO KEY UPDATE SKIP LOCKED
"""

QUEUE = """
INSERT INTO job_executions (job_id, job_name, job_type, trigger, status, scheduled_for, available_at, finished_at,
                            priority, parameters, market_codes, missed_count, skip_reason)
SELECT job.id, job.name, job.job_type, planned.trigger, planned.status, planned.scheduled_for, planned.scheduled_for,
       CASE WHEN planned.status = 'skipped' THEN now() END,
       job.priority, job.parameters, job.market_codes, planned.missed_count, planned.skip_reason
  FROM unnest(%(job_ids)s::bigint[], %(triggers)s::text[], %(statuses)s::text[], %(times)s::timestamptz[],
              %(missed)s::int[], %(reasons)s::text[])
    AS planned (job_id, trigger, status, scheduled_for, missed_count, skip_reason)
  JOIN schedule_jobs AS job ON job.id = planned.job_id
ON CONFLICT DO NOTHING
"""

MOVE_ON = """
UPDATE schedule_jobs AS job
   SET next_run_at = moved.next_run_at, planned_version = job.spec_version, planned_at = now(),
       last_error = CASE WHEN moved.clears THEN NULL ELSE coalesce(moved.problem, job.last_error) END
  FROM unnest(%(job_ids)s::bigint[], %(next)s::timestamptz[], %(problems)s::text[], %(clears)s::boolean[])
    AS moved (job_id, next_run_at, problem, clears)
 WHERE job.id = moved.job_id
"""

SET_ASIDE = """
UPDATE schedule_jobs AS job
   SET status = bad.status, next_run_at = NULL, planned_version = job.spec_version, planned_at = now(),
       last_error = coalesce(bad.reason, job.last_error)
  FROM unnest(%(job_ids)s::bigint[], %(statuses)s::text[], %(reasons)s::text[]) AS bad (job_id, status, reason)
 WHERE job.id = bad.job_id
"""

LIVE_TYPES = """
SELECT DISTINCT unnest(job_types) FROM scheduler_nodes
 WHERE state <> 'stopped' AND seen_at > now() - make_interval(secs => lease_seconds * 2)
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What planning decided for one good row."""

    job_id: int
    next_run_at: datetime | None
    rows: tuple[Planned, ...] = ()
    problem: str | None = None
    clears: bool = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that is not to be run: invalid with its reason, or a one-off that has run."""

    job_id: int
    name: str
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Planning:
    """What one turn of planning did.

    full  whether the batch was full, so that more may be waiting
    """

    queued: int = 0
    skipped: int = 0
    planned: int = 0
    set_aside: tuple[SetAside, ...] = ()
    full: bool = False


async def plan(
    connection: psycopg.AsyncConnection[Any], specs: Mapping[str, HandlerSpec], limit: int = PLAN_BATCH
) -> Planning:
    """Plan every job that is due or was edited, a batch in one transaction.

    specs  the handlers this node knows, for judging parameters; a type it does not know is planned all the same
    """
    try:
        return await _plan_batch(connection, specs, limit)
    except psycopg.Error as error:
        if is_outage(error):
            raise
        return await _plan_singly(connection, specs, limit)


async def _plan_batch(
    connection: psycopg.AsyncConnection[Any], specs: Mapping[str, HandlerSpec], limit: int, only: int | None = None
) -> Planning:
    async with connection.transaction():
        candidates = CANDIDATES.format(limit=int(limit)) if only is None else f"SELECT {int(only)}::bigint"
        query = DUE.format(candidates=candidates, parameters_bytes=PARAMETERS_BYTES)
        cursor = await connection.execute(query)
        rows = await cursor.fetchall()
        if not rows:
            return Planning()
        names = [column.name for column in cursor.description or ()]
        jobs = [dict(zip(names, row, strict=True)) for row in rows]
        unknown = {job["job_type"] for job in jobs} - specs.keys()
        homeless = unknown - await _live_types(connection) if unknown else set()
        decided = [_decided(job, specs, homeless) for job in jobs]
        moved = [each for each in decided if isinstance(each, Moved)]
        aside = tuple(each for each in decided if isinstance(each, SetAside))
        await _write(connection, moved, aside)
    planned = [row for each in moved for row in each.rows]
    queued = sum(row.status == "queued" for row in planned)
    return Planning(queued, len(planned) - queued, len(jobs), aside, full=len(jobs) >= limit)


async def _plan_singly(
    connection: psycopg.AsyncConnection[Any], specs: Mapping[str, HandlerSpec], limit: int
) -> Planning:
    """Plan one job a transaction: a row that PostgreSQL itself cannot digest is set aside alone."""
    cursor = await connection.execute(CANDIDATES.format(limit=int(limit)))
    total = Planning()
    for (job_id,) in await cursor.fetchall():
        try:
            one = await _plan_batch(connection, specs, 1, only=job_id)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            bad = SetAside(job_id, "", "invalid", f"the row cannot be planned: {type(error).__name__}: {error}"[:1000])
            await _write(connection, [], (bad,))
            one = Planning(set_aside=(bad,), planned=1)
        total = Planning(total.queued + one.queued, total.skipped + one.skipped, total.planned + one.planned,
                         total.set_aside + one.set_aside, full=total.full)
    return total


def _decided(job: dict[str, Any], specs: Mapping[str, HandlerSpec], homeless: set[str]) -> Moved | SetAside:
    try:
        return decide_job(job, specs.get(job["job_type"]), job["job_type"] in homeless)
    except ScheduleError as error:
        return SetAside(job["id"], job["name"], "invalid", str(error)[:2000])
    except Exception as error:  # a row must never stop the others, whatever it holds
        return SetAside(job["id"], job["name"], "invalid", f"cannot be planned: {type(error).__name__}: {error}"[:2000])


def decide_job(job: dict[str, Any], spec: HandlerSpec | None, is_homeless: bool) -> Moved | SetAside:
    """Decide what becomes of one row that is due or was edited. Raises ScheduleError when it cannot be read."""
    if not job["fits"]:
        raise ScheduleError(f"parameters take more than {PARAMETERS_BYTES} bytes")
    schedule = read_schedule(job)
    if spec is not None and job["parameters"] is not None:
        faults = check_parameters(spec.params_schema, job["parameters"])
        if faults:
            raise ScheduleError("parameters: " + "; ".join(faults))
    now: datetime = job["now"]
    following = next_after(schedule, now)
    problem = f"{UNKNOWN_TYPE} {job['job_type']}" if is_homeless else None
    clears = problem is None and (job["last_error"] or "").startswith(UNKNOWN_TYPE)
    due_at = job["due_at"]
    if due_at is None and following is None and schedule.run_at is not None:
        waiting = _past_one_off(job)
        if waiting is not None:
            return waiting
        due_at = schedule.run_at
    if due_at is None:
        return Moved(job["id"], following, (), problem, clears)
    due = occurrences(schedule, due_at, now, MISFIRE_CAP)
    grace = timedelta(seconds=job["grace_seconds"])
    rows = decide(job["misfire_policy"], due, now, grace, job["in_the_way"]).queue
    return Moved(job["id"], following, rows, problem, clears)


def _past_one_off(job: dict[str, Any]) -> Moved | SetAside | None:
    """Say what is to become of a one-off whose moment has passed.

    Returns  a decision when it has run or is about to; None when it was set in time and nobody was there to plan it
    Raises   ScheduleError when it was set or resumed too late: an edit never makes a job fire
    """
    if job["in_the_way"]:
        return Moved(job["id"], None)
    if job["one_off_rows"]:
        return SetAside(job["id"], job["name"], "completed", None)
    if job["was_set_in_time"]:
        return None
    raise ScheduleError(f"run_at {job['run_at']} had passed when the job was last edited; set a later one, or run it by hand")


def read_schedule(job: Mapping[str, Any]) -> Schedule:
    """Turn the columns of a job into its schedule. Raises ScheduleError for a moment beyond any calendar."""
    if job["has_run_at"] and job["run_at"] is None:
        raise ScheduleError("run_at is not a moment between the years 1970 and 2300")
    times = job["times"]
    if times is not None and (not times or None in times):
        raise ScheduleError("specific_times is empty or contains NULL")
    return Schedule(
        every=None if job["seconds"] is None else Every(job["months"], job["seconds"]),
        times=tuple(times or ()),
        cron=job["cron"],
        run_at=job["run_at"],
        timezone=job["timezone"],
        anchor=job["anchor_at"] if job["seconds"] is not None else None,
    )


async def _live_types(connection: psycopg.AsyncConnection[Any]) -> set[str]:
    cursor = await connection.execute(LIVE_TYPES)
    return {row[0] for row in await cursor.fetchall()}


async def _write(
    connection: psycopg.AsyncConnection[Any], moved: Sequence[Moved], aside: Sequence[SetAside]
) -> None:
    rows = [(each.job_id, row) for each in moved for row in each.rows]
    if rows:
        column: Callable[[str], list[Any]] = lambda name: [getattr(row, name) for _, row in rows]  # noqa: E731
        await connection.execute(QUEUE, {
            "job_ids": [job_id for job_id, _ in rows], "triggers": column("trigger"), "statuses": column("status"),
            "times": column("scheduled_for"), "missed": column("missed_count"), "reasons": column("skip_reason"),
        })
    if moved:
        await connection.execute(MOVE_ON, {
            "job_ids": [each.job_id for each in moved], "next": [each.next_run_at for each in moved],
            "problems": [each.problem for each in moved], "clears": [each.clears for each in moved],
        })
    if aside:
        await connection.execute(SET_ASIDE, {
            "job_ids": [each.job_id for each in aside], "statuses": [each.status for each in aside],
            "reasons": [each.reason for each in aside],
        })
