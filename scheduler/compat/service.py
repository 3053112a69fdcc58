"""The names of an APScheduler service: start_scheduler, add_interval_job, get_all_jobs, job_stats and the rest.

Times without a zone are Korean. A job's id is our name of the job, its name our description.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from typing import Any

from scheduler.client.sync import Scheduler
from scheduler.client.when import at
from scheduler.compat.book import Book, Row, is_being_imported, parameters_of
from scheduler.compat.triggers import meant_moment, read_trigger
from scheduler.running.calls import shape_of
from scheduler.words import say

__all__ = [
    "add_cron_job", "add_date_job", "add_interval_job", "get_all_jobs", "get_job", "get_scheduler_status", "job_stats",
    "pause_job", "register_custom_job", "resume_job", "start_scheduler", "stop_scheduler", "unregister_job", "use",
]

ZONE = "Asia/Seoul"
UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_book = Book("service", ZONE)


class Done:
    """What a call returns that may be awaited or not: it is done."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


def use(scheduler: Scheduler) -> None:
    """Work with this Scheduler object instead of one of our own."""
    _book._scheduler = scheduler


def start_scheduler() -> Done:
    """Start: ``await start_scheduler()`` in a coroutine, ``start_scheduler()`` elsewhere."""
    if not is_being_imported():
        _book.scheduler.start()
    return Done()


def stop_scheduler() -> Done:
    """Stop, awaited or not."""
    if _book.running:
        _book.scheduler.stop()
    return Done()


def add_interval_job(
    func: Callable[..., Any] | str, job_id: str, *, name: str | None = None, args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None, **units: Any,
) -> Row | None:
    """Run *func* every so many seconds, minutes, hours, days or weeks. Registering again changes the job."""
    return _add(func, job_id, name, "interval", units, args, kwargs)


def add_cron_job(
    func: Callable[..., Any] | str, job_id: str, *, name: str | None = None, args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None, **fields: Any,
) -> Row | None:
    """Run *func* at times by hour, minute, day_of_week (0 is Monday, or mon … sun), day, month."""
    return _add(func, job_id, name, "cron", fields, args, kwargs)


def add_date_job(
    func: Callable[..., Any] | str, job_id: str, *, run_date: datetime | str, name: str | None = None,
    args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None,
) -> Row | None:
    """Run *func* once, at *run_date*; at once when that has just come.

    Raises  ScheduleError when it has passed; a job that was registered for that very moment before stays as it is
    """
    if is_being_imported():
        return None
    _book.declare(func, at(meant_moment(run_date, ZONE)), job_id, name, parameters_of(func, args, kwargs), tz=ZONE)
    return get_job(job_id)


def _add(
    func: Callable[..., Any] | str, job_id: str, name: str | None, kind: str, arguments: dict[str, Any],
    args: tuple[Any, ...], kwargs: Mapping[str, Any] | None,
) -> Row | None:
    if is_being_imported():
        return None
    when, extras = read_trigger(kind, ZONE, arguments)
    _book.declare(func, when, job_id, name, parameters_of(func, args, kwargs), **extras)
    return get_job(job_id)


def register_custom_job(
    job_name: str, job_data: Mapping[str, Any] | None = None, func: Callable[..., Any] | str | None = None, **when: Any
) -> Row | None:
    """Run the function *job_name* of the calling module, or the job type of that name, by interval or by cron.

    job_data  what it gets: by names that it takes, or whole where it has a parameter ``job_data``
    """
    named = func or sys._getframe(1).f_globals.get(job_name)
    what = named if inspect.isroutine(named) or isinstance(named, str) else job_name
    kind = "interval" if when.keys() & set(UNITS) else "cron"
    if callable(what):
        return _add(what, job_name, job_name, kind, when, (), _taken(what, dict(job_data or {})))
    return _add(what, job_name, job_name, kind, when, (), job_data)


def _taken(function: Callable[..., Any], data: dict[str, Any]) -> dict[str, Any]:
    shape = shape_of(function)
    names = {each.name for each in shape.plain}
    if "job_data" in names:
        return {"job_data": data}
    left = [name for name in data if name not in names and not shape.extra]
    if left:
        warnings.warn(say(f"{function.__qualname__}이(가) 받지 않는 job_data: {', '.join(left)}",
                          f"job_data that {function.__qualname__} does not take: {', '.join(left)}"), stacklevel=3)
    return {name: value for name, value in data.items() if name not in left}


def get_all_jobs() -> list[Row]:
    """Return id, name, next_run_time and trigger of every job registered here."""
    return [_shown(row) for row in _book.rows()]


def get_job(job_id: str) -> Row | None:
    """Return one job, None without it."""
    row = _book.row(job_id)
    return None if row is None else _shown(row)


def _shown(row: Row) -> Row:
    return {
        "id": row["name"], "name": row["description"] or row["name"], "next_run_time": row["next_run_time"],
        "trigger": row["words"],
    }


def unregister_job(job_id: str) -> bool:
    """Remove a job; its history stays. Returns False when there is none."""
    job = _book.job(job_id)
    return job is not None and job.remove()


def pause_job(job_id: str) -> bool:
    """Pause a job. Returns False when there is none."""
    job = _book.job(job_id)
    if job is not None:
        job.pause()
    return job is not None


def resume_job(job_id: str) -> bool:
    """Let a job go on. Returns False when there is none."""
    job = _book.job(job_id)
    if job is not None:
        job.resume()
    return job is not None


def get_scheduler_status() -> Row:
    """Return is_running, job_count and next_run_times."""
    rows = _book.rows()
    return {
        "is_running": _book.running, "job_count": len(rows),
        "next_run_times": [{"job_id": row["name"], "next_run_time": row["next_run_time"]} for row in rows],
    }


class JobStats:
    """Figures of executions, out of the history that the database keeps."""

    def get_stats(self, job_id: str | None = None) -> Row:
        """Return the five figures of one job, or of each by id."""
        found = _book.stats()
        if job_id is None:
            return dict(found)
        return found.get(job_id, {
            "total_executions": 0, "successful_executions": 0, "failed_executions": 0, "last_execution": None,
            "average_execution_time": 0.0,
        })


job_stats = JobStats()
