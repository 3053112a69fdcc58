"""What is worked out for those who read with plain SQL: the coming planned times of each job, and its schedule in words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from scheduler.errors import ScheduleError
from scheduler.model import Schedule
from scheduler.protocol.due import CALENDAR_DAYS, CALENDARS, OVERLAYS, Surroundings
from scheduler.rules.calendars import calendars_from
from scheduler.rules.forecast import Foreseen, forecast
from scheduler.rules.reading import read_schedule
from scheduler.rules.words import schedule_in_words

AHEAD = timedelta(days=14)
MOST = 200
BATCH = 200
JOBS = 5000

# Those that were edited, and those whose known times are half used up; the soonest first, and no more than people look at.
STALE = """
SELECT job.id, job.job_type, job.status,
       (extract(year FROM job.interval) * 12 + extract(month FROM job.interval))::int AS months,
       (extract(day FROM job.interval) * 86400 + extract(hour FROM job.interval) * 3600
        + extract(minute FROM job.interval) * 60 + extract(second FROM job.interval))::float8 AS seconds,
       job.specific_times::text[] AS times, left(job.cron_expression, 300) AS cron,
       job.run_at IS NOT NULL AS has_run_at,
       CASE WHEN job.run_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.run_at END AS run_at,
       job.timezone,
       CASE WHEN job.anchor_at BETWEEN '1970-01-01' AND '2300-01-01' THEN job.anchor_at ELSE now() END AS anchor_at,
       left(job.days_of_week, 100) AS days_of_week, job.start_at, job.end_at, job.calendar, job.on_holiday,
       CASE WHEN job.paused_until BETWEEN '1970-01-01' AND '2300-01-01' THEN job.paused_until END AS paused_until,
       job.market_codes, job.tags, job.spec_version,
       job.max_runs - least(greatest(job.occurrence_count, 0), 1000000) AS remaining,
       now() AS now
  FROM (SELECT * FROM (SELECT * FROM schedule_jobs WHERE status = 'active' ORDER BY next_run_at LIMIT {jobs}) AS soonest
         UNION ALL
        SELECT * FROM (SELECT * FROM schedule_jobs WHERE status = 'paused' ORDER BY id LIMIT {jobs}) AS resting) AS job
  LEFT JOIN schedule_words AS known ON known.job_id = job.id
 WHERE known.job_id IS NULL OR known.spec_version <> job.spec_version OR known.known_until < now()
 ORDER BY known.computed_at NULLS FIRST, job.id
 LIMIT {batch}
"""

# One node at a time is enough.
TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('schedule_forecast', 0))"

# Times that are over stay for a month where they tell why something did not run.
FORGET = """
DELETE FROM schedule_forecast
 WHERE job_id = ANY (%(job_ids)s)
   AND (planned_at >= now() OR (run_at IS NOT NULL AND reason IS NULL) OR planned_at < now() - interval '31 days')
"""
FORESEE = """
INSERT INTO schedule_forecast (job_id, planned_at, run_at, reason, reason_ko, reason_en)
SELECT * FROM unnest(%(job_ids)s::bigint[], %(planned)s::timestamptz[], %(runs)s::timestamptz[], %(reasons)s::text[],
                     %(ko)s::text[], %(en)s::text[]) AS seen (job_id, planned_at, run_at, reason, reason_ko, reason_en)
 WHERE EXISTS (SELECT FROM schedule_jobs AS job WHERE job.id = seen.job_id)
    ON CONFLICT (job_id, planned_at) DO UPDATE
   SET run_at = excluded.run_at, reason = excluded.reason, reason_ko = excluded.reason_ko, reason_en = excluded.reason_en,
       computed_at = now()
"""
SAY = """
INSERT INTO schedule_words (job_id, ko, en, spec_version, known_until)
SELECT * FROM unnest(%(job_ids)s::bigint[], %(ko)s::text[], %(en)s::text[], %(versions)s::bigint[], %(until)s::timestamptz[])
    AS said (job_id, ko, en, spec_version, known_until)
 WHERE EXISTS (SELECT FROM schedule_jobs AS job WHERE job.id = said.job_id)
    ON CONFLICT (job_id) DO UPDATE
   SET ko = excluded.ko, en = excluded.en, spec_version = excluded.spec_version, known_until = excluded.known_until,
       computed_at = now()
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What is known of one job: its words and its coming times, worked out again after *until*."""

    job_id: int
    ko: str
    en: str
    version: int
    until: datetime
    seen: tuple[Foreseen, ...]


async def foresee(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Work out a batch of jobs anew, unless another node is at it. Returns whether more may be waiting."""
    async with connection.transaction():
        if not await _take_turn(connection):
            return False
        return await _foresee(connection)


async def _take_turn(connection: psycopg.AsyncConnection[Any]) -> bool:
    row = await (await connection.execute(TAKE_TURN)).fetchone()
    return row is not None and bool(row[0])


async def _foresee(connection: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await connection.execute(STALE.format(jobs=JOBS, batch=BATCH).encode())
    names = [column.name for column in cursor.description or ()]
    jobs = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
    if not jobs:
        return False
    calendars = calendars_from(
        await (await connection.execute(CALENDARS)).fetchall(), await (await connection.execute(CALENDAR_DAYS)).fetchall()
    )
    around = Surroundings(calendars, await (await connection.execute(OVERLAYS)).fetchall())
    said = []
    for job in jobs:
        said.append(look_ahead(job, around))
        await asyncio.sleep(0)  # a batch takes seconds; heartbeats and claims share this thread
    await _write(connection, said)
    return len(jobs) == BATCH


def look_ahead(job: dict[str, Any], around: Surroundings) -> Said:
    """Say what is coming for one job. A row that cannot be read has no times; planning tells why."""
    now = job["now"]
    try:
        schedule = read_schedule(job, around.calendars, around.overlays)
        seen = tuple(_foreseen(job, schedule))
    except ScheduleError:
        schedule, seen = Schedule(), ()
    half = seen[MOST // 2].planned_at if len(seen) >= MOST else now + AHEAD / 2
    return Said(job["id"], schedule_in_words(schedule, "ko"), schedule_in_words(schedule, "en"), job["spec_version"], half, seen)


def _foreseen(job: dict[str, Any], schedule: Schedule) -> list[Foreseen]:
    start = job["now"]
    if job["status"] == "paused":
        if job["paused_until"] is None:
            return []
        start = max(start, job["paused_until"])
    found = forecast(schedule, start, count=MOST, until=job["now"] + AHEAD, remaining=job["remaining"])
    # far away: the next one at least
    return found or forecast(schedule, start, count=1, remaining=job["remaining"])


async def _write(connection: psycopg.AsyncConnection[Any], said: Sequence[Said]) -> None:
    await connection.execute(FORGET, {"job_ids": [each.job_id for each in said]})
    rows = [(each.job_id, one) for each in said for one in each.seen]
    await connection.execute(FORESEE, {
        "job_ids": [job_id for job_id, _ in rows], "planned": [one.planned_at for _, one in rows],
        "runs": [one.run_at for _, one in rows], "reasons": [one.reason.kind if one.reason else None for _, one in rows],
        "ko": [one.reason.ko if one.reason else None for _, one in rows],
        "en": [one.reason.en if one.reason else None for _, one in rows],
    })
    await connection.execute(SAY, {
        "job_ids": [each.job_id for each in said], "ko": [each.ko for each in said], "en": [each.en for each in said],
        "versions": [each.version for each in said], "until": [each.until for each in said],
    })
