"""The week and the day as the calendar shows them: what ran, what will run, and how much of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from scheduler.queries.forecast import durations
from scheduler.queries.rows import Row, row, rows

# Whole seconds from the beginning, a job a row: a hundred thousand moments cost a tenth of what as many rows do.
AHEAD = """
SELECT job_id, array_agg(floor(extract(epoch FROM run_at - %(begin)s::timestamptz))::integer) AS offsets
  FROM schedule_upcoming_runs
 WHERE run_at >= %(begin)s AND run_at < %(end)s
 GROUP BY job_id
"""
# Jobs that come so often that the forecast stops before the week does.
CUT = """
SELECT job_id, max(run_at) AS known_until,
       (count(*) - 1) / greatest(extract(epoch FROM max(run_at) - min(run_at)) / 3600, 0.001)::float8 AS per_hour
  FROM schedule_forecast
 WHERE run_at > now()
 GROUP BY job_id
HAVING count(*) >= %(many)s AND max(run_at) < %(end)s
"""
MANY = 90
# By the end alone, out of the index; Seoul's hours are whole ones everywhere, so that they are named after they are counted.
PAST = """
SELECT past.hour AT TIME ZONE 'Asia/Seoul' AS hour, past.runs, past.failed, past.skipped
  FROM (SELECT date_bin('1 hour', finished_at, '2000-01-01 00:00+09') AS hour, count(*)::int AS runs,
               count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost'))::int AS failed,
               count(*) FILTER (WHERE status = 'skipped')::int AS skipped
          FROM job_executions
         WHERE finished_at >= %(begin)s AND finished_at < %(end)s
         GROUP BY 1) AS past
"""


def ahead(connection: psycopg.Connection[Any], begin: datetime, end: datetime) -> tuple[list[Row], list[Row]]:
    """Return what comes from *begin* to *end* by job, and the jobs that are known for a part of it only.

    The first has job_id, offsets (of each run, seconds from *begin*) and seconds (how long one usually takes);
    the second job_id, known_until, per_hour and seconds.
    """
    found = rows(connection, AHEAD, {"begin": begin, "end": end})
    cut = rows(connection, CUT, {"many": MANY, "end": end})
    seconds = durations(connection, sorted({each["job_id"] for each in (*found, *cut)}))
    timed, pieces = ([{**each, "seconds": seconds[each["job_id"]]} for each in part] for part in (found, cut))
    return timed, pieces


VERSION = "SELECT max(computed_at)::text AS computed FROM schedule_words"


def version(connection: psycopg.Connection[Any]) -> str:
    """Return what changes whenever coming times were worked out anew."""
    found = row(connection, VERSION)
    return str(found["computed"]) if found else ""


def past(connection: psycopg.Connection[Any], begin: datetime, end: datetime) -> list[Row]:
    """Return what ended from *begin* to *end* by the hour: hour, runs, failed, skipped."""
    return rows(connection, PAST, {"begin": begin, "end": end})


COMING = """
SELECT job_id, name, count(run_at)::int AS runs, min(run_at) AS first, max(run_at) AS last,
       count(*) FILTER (WHERE run_at IS NULL)::int AS off,
       (array_agg(DISTINCT reason_ko) FILTER (WHERE reason IS NOT NULL))[:3] AS ko,
       (array_agg(DISTINCT reason_en) FILTER (WHERE reason IS NOT NULL))[:3] AS en
  FROM schedule_upcoming_runs
 WHERE coalesce(run_at, planned_at) >= %(begin)s AND coalesce(run_at, planned_at) < %(end)s
 GROUP BY job_id, name
 ORDER BY min(coalesce(run_at, planned_at)), name
 LIMIT 500
"""
ENDED = """
SELECT job_id, job_name AS name, count(*)::int AS ended, count(*) FILTER (WHERE status = 'success')::int AS success,
       count(*) FILTER (WHERE status IN ('failed', 'timed_out', 'lost'))::int AS failed,
       count(*) FILTER (WHERE status = 'skipped')::int AS skipped, count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled,
       min(finished_at) AS first, max(finished_at) AS last
  FROM job_executions
 WHERE finished_at >= %(begin)s AND finished_at < %(end)s
 GROUP BY job_id, job_name
 ORDER BY failed DESC, skipped DESC, job_name
 LIMIT 500
"""
# Planned times of the past that did not run and made no row: holidays, pauses, overlays.
OFF = """
SELECT each.job_id, job.name, each.planned_at, each.reason_ko AS ko, each.reason_en AS en
  FROM schedule_forecast AS each JOIN schedule_jobs AS job ON job.id = each.job_id
 WHERE each.run_at IS NULL AND each.planned_at >= %(begin)s AND each.planned_at < least(%(end)s::timestamptz, now())
 ORDER BY each.planned_at
 LIMIT 200
"""


def day(connection: psycopg.Connection[Any], begin: datetime, end: datetime) -> dict[str, Sequence[Row]]:
    """Return the day by job: coming, ended, and off (planned in the past and not run for a reason)."""
    values = {"begin": begin, "end": end}
    return {name: rows(connection, statement, values) for name, statement in (("coming", COMING), ("ended", ENDED), ("off", OFF))}


END_OVERLAY = """
UPDATE schedule_overlays SET ends_at = greatest(now(), starts_at + interval '1 microsecond')
 WHERE id = %(id)s AND ends_at > now()
RETURNING id, name, starts_at, ends_at
"""


def end_overlay(connection: psycopg.Connection[Any], overlay: int) -> Row | None:
    """Let an overlay end now; None when it was over or is not there."""
    return row(connection, END_OVERLAY, {"id": overlay})
