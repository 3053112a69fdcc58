"""From the columns of a job to its schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.model import Every, Schedule
from scheduler.rules.calendars import Calendar
from scheduler.rules.overlays import overlays_of


def read_schedule(
    job: Mapping[str, Any], calendars: Mapping[str, Calendar], overlays: Sequence[Sequence[Any]] = ()
) -> Schedule:
    """Turn a job's columns into its schedule.

    job       the interval as months and seconds, the times as texts; has_run_at tells that a run_at was given at all
    overlays  rows of schedule_overlays: name, starts_at, ends_at, action, factor, job_types, market_codes, tags
    Raises    ScheduleError for a moment beyond any calendar, or a calendar that is not there
    """
    if job["has_run_at"] and job["run_at"] is None:
        raise ScheduleError("run_at is not a moment between the years 1970 and 2300")
    times = job["times"]
    if times is not None and (not times or None in times):
        raise ScheduleError("specific_times is empty or contains NULL")
    name = job["calendar"]
    if name is not None and name not in calendars:
        raise ScheduleError(f"calendar {name} is not known")
    return Schedule(
        every=None if job["seconds"] is None else Every(job["months"], job["seconds"]),
        times=tuple(times or ()),
        cron=job["cron"],
        run_at=job["run_at"],
        timezone=job["timezone"],
        anchor=job["anchor_at"] if job["seconds"] is not None else None,
        days_of_week=job["days_of_week"],
        start=job["start_at"],
        end=job["end_at"],
        calendar=None if name is None else calendars[name],
        on_holiday=job["on_holiday"],
        overlays=overlays_of(overlays, job["job_type"], job["market_codes"], job["tags"]) if overlays else (),
    )
