"""The schedules of jobs as doors need them: with their calendars and overlays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

import psycopg

from scheduler.model import Schedule
from scheduler.queries.rows import rows
from scheduler.rules.calendars import Calendar, calendars_from
from scheduler.rules.reading import read_schedule

CALENDARS = "SELECT name, base, country, closed_weekdays FROM calendars"
CALENDAR_DAYS = "SELECT calendar, day, is_holiday, name FROM calendar_days"
OVERLAYS = """
SELECT name, starts_at, ends_at, action, factor, job_types, market_codes, tags
  FROM schedule_overlays
 WHERE enabled
 ORDER BY starts_at, id
"""


class Surroundings:
    """Calendars and overlays, read once for any number of jobs."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.calendars: Mapping[str, Calendar] = calendars_from(
            [tuple(row.values()) for row in rows(connection, CALENDARS)],
            [tuple(row.values()) for row in rows(connection, CALENDAR_DAYS)],
        )
        self.overlays = [tuple(row.values()) for row in rows(connection, OVERLAYS)]

    def schedule_of(self, job: Mapping[str, Any]) -> Schedule:
        """Return the schedule of a row that queries.jobs.list_jobs or draft gave. Raises ScheduleError."""
        times = None if job["specific_times"] is None else [
            each.isoformat() if isinstance(each, time) else each for each in job["specific_times"]
        ]
        return read_schedule({
            "months": job["interval_months"] if job["interval"] is not None else None,
            "seconds": job["interval_seconds"] if job["interval"] is not None else None,
            "times": times, "cron": job["cron_expression"], "has_run_at": job["run_at"] is not None,
            **{name: job[name] for name in ("run_at", "timezone", "anchor_at", "days_of_week", "start_at", "end_at", "calendar",
                                            "on_holiday", "job_type", "market_codes", "tags")},
        }, self.calendars, self.overlays)
