"""T1, plan: what is due becomes queued executions, and next_run_at moves on. An edited row is read anew, and judged.

A row that cannot be read is set aside with its reason; it never delays the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from scheduler.database.connection import is_contention, is_outage
from scheduler.errors import ScheduleError
from scheduler.model import HandlerSpec, Schedule, Unreadable
from scheduler.protocol.due import Surroundings, candidate_ids, due_jobs, live_types, surroundings
from scheduler.protocol.planned import Moved, SetAside, free_to_move, write
from scheduler.rules.misfire import Planned, decide
from scheduler.rules.overlap import Busy, overlap
from scheduler.rules.parameters import check_parameters
from scheduler.rules.reading import read_schedule
from scheduler.rules.schedule import next_after, occurrences
from scheduler.rules.zones import local_time, open_zone
from scheduler.settings import MISFIRE_CAP, PARAMETERS_BYTES, PLAN_BATCH

UNKNOWN_TYPE = "no live node knows job type"
NO_TIME_LEFT = "no planned time is left"


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
        jobs = await due_jobs(connection, limit, only)
        if not jobs:
            return Planning()
        around = await surroundings(connection, jobs)
        unknown = {job["job_type"] for job in jobs} - specs.keys()
        homeless = unknown - await live_types(connection) if unknown else set()
        decided = [_decided(job, specs, homeless, around) for job in jobs]
        moved = await free_to_move(connection, [each for each in decided if isinstance(each, Moved)])
        aside = tuple(each for each in decided if isinstance(each, SetAside))
        await write(connection, moved, aside)
    planned = [row for each in moved for row in each.rows]
    queued = sum(row.status == "queued" for row in planned)
    return Planning(queued, len(planned) - queued, len(jobs), aside, full=len(jobs) >= limit)


async def _plan_singly(
    connection: psycopg.AsyncConnection[Any], specs: Mapping[str, HandlerSpec], limit: int
) -> Planning:
    """Plan one job a transaction: a row that PostgreSQL itself cannot digest is set aside alone."""
    total = Planning()
    for job_id in await candidate_ids(connection, limit):
        try:
            one = await _plan_batch(connection, specs, 1, only=job_id)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            if is_contention(error):
                continue
            bad = SetAside(job_id, "", "invalid", f"the row cannot be planned: {type(error).__name__}: {error}"[:1000])
            await write(connection, [], (bad,))
            one = Planning(set_aside=(bad,), planned=1)
        total = Planning(total.queued + one.queued, total.skipped + one.skipped, total.planned + one.planned,
                         total.set_aside + one.set_aside, full=total.full)
    return total


def _decided(
    job: dict[str, Any], specs: Mapping[str, HandlerSpec], homeless: set[str], around: Surroundings
) -> Moved | SetAside:
    try:
        return decide_job(job, specs.get(job["job_type"]), job["job_type"] in homeless, around)
    except ScheduleError as error:
        return SetAside(job["id"], job["name"], "invalid", str(error)[:2000])
    except Exception as error:  # a row must never stop the others, whatever it holds
        return SetAside(job["id"], job["name"], "invalid", f"cannot be planned: {type(error).__name__}: {error}"[:2000])


def decide_job(job: dict[str, Any], spec: HandlerSpec | None, is_homeless: bool, around: Surroundings) -> Moved | SetAside:
    """Decide what becomes of one row that is due or was edited. Raises ScheduleError when it cannot be read."""
    if not job["fits"]:
        raise ScheduleError(f"parameters take more than {PARAMETERS_BYTES} bytes")
    schedule = read_schedule(job, around.calendars, around.overlays)
    if isinstance(job["parameters"], Unreadable):
        raise ScheduleError(f"parameters cannot be read: {job['parameters'][:40]}…")
    # What is run once brings its own parameters, and they are judged when it runs.
    if spec is not None and job["parameters"] is not None and not job["hidden"]:
        faults = check_parameters(spec.params_schema, job["parameters"])
        if faults:
            raise ScheduleError("parameters: " + "; ".join(faults))
    following = next_after(schedule, job["now"])
    problem = f"{UNKNOWN_TYPE} {job['job_type']}" if is_homeless else None
    moved = Moved(
        job["id"], following, problem=problem, jitter_seconds=job["jitter_seconds"],
        clears=problem is None and (job["last_error"] or "").startswith((UNKNOWN_TYPE, NO_TIME_LEFT)),
    )
    due_at = job["due_at"]
    if due_at is None and following is None and schedule.run_at is not None:
        if schedule.run_at > job["now"]:  # a day or an overlay takes it out; whoever opens that again gets it back
            return replace(moved, next_run_at=schedule.run_at)
        waiting = _past_one_off(job)
        if waiting is not None:
            return waiting
        due_at = schedule.run_at
    if due_at is not None:
        moved = _with_rows(moved, job, schedule, due_at)
    return _until_its_end(moved, job, schedule)


def _with_rows(moved: Moved, job: dict[str, Any], schedule: Schedule, due_at: datetime) -> Moved:
    """Add the rows for all that is due."""
    taken_out = _taken_out(schedule, due_at) if schedule.run_at is not None or job["is_edited"] else None
    if taken_out is not None:
        following = None if schedule.run_at is not None else next_after(schedule, due_at)
        if following is None or following > job["now"]:
            return replace(moved, rows=(taken_out,))
        due_at = following
    verdict = overlap(job["overlap_policy"], Busy(job["running"], job["waiting"]), job["max_instances"])
    rows = decide(
        job["misfire_policy"], occurrences(schedule, due_at, job["now"], MISFIRE_CAP), job["now"],
        timedelta(seconds=job["grace_seconds"]), in_the_way=verdict == "skip",
        reason="dependency" if job["is_held"] else "overlap",
    ).queue
    if job["max_runs"] is not None:
        rows = _at_most(rows, job["max_runs"] - job["occurrence_count"])
    queues = any(row.status == "queued" for row in rows)
    return replace(
        moved, rows=rows if taken_out is None else (taken_out, *rows),
        makes_room=verdict == "replace" and queues and not job["waits_for_others"], is_held=job["waits_for_others"],
        sees=job["has_edges"] and not job["waits_for_others"] and queues,
    )


def _taken_out(schedule: Schedule, due_at: datetime) -> Planned | None:
    """Return the skipped row of a promised time that a closed day or an overlay has taken out since; None for all others."""
    if next_after(schedule, due_at - timedelta(microseconds=1)) == due_at:
        return None
    if any(each.action == "stop" and each.start <= due_at < each.end for each in schedule.overlays):
        return Planned(due_at, "skipped", "schedule", skip_reason="overlay")
    day = local_time(due_at, open_zone(schedule.timezone)).date()
    if schedule.on_holiday != "run" and schedule.calendar is not None and not schedule.calendar.is_open(day):
        return Planned(due_at, "skipped", "schedule", skip_reason="holiday")
    return None


def _at_most(rows: Sequence[Planned], left: int) -> tuple[Planned, ...]:
    """Keep the rows up to the last that a job with max_runs may queue; what comes after is not planned any more."""
    kept: list[Planned] = []
    for row in rows:
        if left <= 0:
            break
        kept.append(row)
        left -= row.status == "queued"
    return tuple(kept)


def _until_its_end(moved: Moved, job: dict[str, Any], schedule: Schedule) -> Moved | SetAside:
    """Complete a job that has an end and is there, once nothing of it waits or runs."""
    has_run_out = job["max_runs"] is not None and job["occurrence_count"] + moved.queued >= job["max_runs"]
    if has_run_out:
        moved = replace(moved, next_run_at=None)
    recurs = schedule.every is not None or bool(schedule.times) or schedule.cron is not None
    if moved.next_run_at is not None or not recurs or moved.rows or job["running"] or job["waiting"]:
        return moved
    if has_run_out or (schedule.end is not None and schedule.end <= job["now"]):
        return SetAside(job["id"], job["name"], "completed", None)
    if schedule.end is not None:  # whoever opens the days or ends the overlay gets it back
        return replace(moved, problem=f"{NO_TIME_LEFT} before end_at")
    raise ScheduleError(f"{NO_TIME_LEFT}: see days_of_week, start_at, end_at, calendar and the overlays")


def _past_one_off(job: dict[str, Any]) -> Moved | SetAside | None:
    """Say what is to become of a one-off whose moment has passed.

    Returns  a decision when it has run or is about to; None when it was set in time and nobody was there to plan it
    Raises   ScheduleError when it was set or resumed too late: an edit never makes a job fire
    """
    if job["running"] or job["waiting"]:
        return Moved(job["id"], None)
    if job["one_off_rows"]:
        return SetAside(job["id"], job["name"], "completed", None)
    if job["was_set_in_time"]:
        return None
    raise ScheduleError(f"run_at {job['run_at']} had passed when the job was last edited; set a later one, or run it by hand")
