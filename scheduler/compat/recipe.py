"""APScheduler's AsyncIOScheduler as FastAPI programs use it, over jobs in PostgreSQL.

Times without a zone are in the scheduler's ``timezone``. A job's id is our name of the job, its name our description.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from scheduler.client.sync import Scheduler
from scheduler.compat.book import Book, Row, is_being_imported, parameters_of
from scheduler.compat.tracking import JobExecutionTracker, JobStatus, tracked_job, tracker
from scheduler.compat.triggers import CronTrigger, DateTrigger, IntervalTrigger, read_trigger
from scheduler.errors import NotFound
from scheduler.words import say

__all__ = [
    "AsyncIOExecutor", "AsyncIOScheduler", "CronTrigger", "DateTrigger", "IntervalTrigger", "JobExecutionTracker", "JobStatus",
    "RedisJobStore", "scheduler", "shutdown_scheduler", "start_scheduler", "tracked_job", "tracker",
]

DEFAULTS: dict[str, Any] = {"coalesce": True, "max_instances": 1, "misfire_grace_time": 60}


class _Replaced:
    """A part that PostgreSQL and the daemon stand for here; it takes any arguments and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return


class RedisJobStore(_Replaced):
    """The jobs are rows of schedule_jobs."""


class AsyncIOExecutor(_Replaced):
    """The functions run in the daemon's processes."""


class RecipeJob:
    """One job as it was when it was asked for; what it is told goes to the database at once."""

    def __init__(self, owner: AsyncIOScheduler, row: Row) -> None:
        self._owner = owner
        self.id = str(row["name"])
        self.name = str(row["description"] or row["name"])
        self.next_run_time: datetime | None = row["next_run_time"]
        self.trigger = str(row["words"])
        self.job_type = str(row["job_type"])

    def __repr__(self) -> str:
        return f"<Job {self.id}: {self.trigger}, next {self.next_run_time}>"

    @property
    def func(self) -> Callable[..., Any] | str:
        """The function, where this program has registered it; else its job type."""
        return self._owner.book.function_of(self.job_type)

    def pause(self) -> None:
        self._owner.pause_job(self.id)

    def resume(self) -> None:
        self._owner.resume_job(self.id)

    def remove(self) -> None:
        self._owner.remove_job(self.id)

    def reschedule(self, trigger: Any = None, **arguments: Any) -> None:
        self._owner.reschedule_job(self.id, trigger, **arguments)


class AsyncIOScheduler:
    """The recipe's object.

    jobstores, executors  taken and not used
    job_defaults          coalesce, max_instances and misfire_grace_time in seconds, None for any
    settings              dsn and whatever Scheduler takes
    """

    def __init__(
        self, jobstores: Any = None, executors: Any = None, job_defaults: Mapping[str, Any] | None = None,
        timezone: Any = "UTC", **settings: Any,
    ) -> None:
        self.defaults = {**DEFAULTS, **(job_defaults or {})}
        self.timezone = str(timezone)
        self.book = Book("recipe", self.timezone, Scheduler(**settings) if settings else None)

    @property
    def running(self) -> bool:
        return self.book.running

    def start(self, paused: bool = False) -> None:
        """Start the daemon of this program."""
        if not is_being_imported() and not paused:
            self.book.scheduler.start()

    def shutdown(self, wait: bool = True) -> None:
        """Stop it. wait: let what runs end first."""
        if self.book.running:
            self.book.scheduler.stop(hurry=not wait)

    def add_job(
        self, func: Callable[..., Any] | str, trigger: Any = None, args: Any = None, kwargs: Mapping[str, Any] | None = None,
        id: str | None = None, name: str | None = None, replace_existing: bool = False, *,
        coalesce: bool | None = None, max_instances: int | None = None, misfire_grace_time: float | None = -1,
        retries: int = 0, **arguments: Any,
    ) -> RecipeJob | None:
        """Add a job; with *replace_existing* it may be there already.

        Returns  None for a one-off that has begun at once, and while a daemon imports the program
        Raises   Conflict when the id is taken, with *replace_existing* too if this door did not make that job;
                 ScheduleError for a date that has passed
        """
        if is_being_imported():
            return None
        job_id = id or (func if isinstance(func, str) else f"{func.__module__}.{func.__qualname__}")
        if not replace_existing:
            self.book.refuse_existing(job_id)
        when, extras = read_trigger(trigger, self.timezone, arguments)
        parameters = parameters_of(func, args, kwargs)
        grace = self.defaults["misfire_grace_time"] if misfire_grace_time == -1 else misfire_grace_time
        together = self.defaults["coalesce"] if coalesce is None else coalesce
        self.book.declare(
            func, when, job_id, name, parameters, retries=retries,
            max_instances=max_instances or self.defaults["max_instances"], **_misfire(grace, together), **extras,
        )
        return self.get_job(job_id)

    def get_jobs(self) -> list[RecipeJob]:
        """Return the jobs that have something before them."""
        return [RecipeJob(self, row) for row in self.book.rows()]

    def get_job(self, job_id: str) -> RecipeJob | None:
        row = self.book.row(job_id)
        return None if row is None else RecipeJob(self, row)

    def remove_job(self, job_id: str) -> None:
        self._known(job_id).remove()

    def remove_all_jobs(self) -> None:
        for job in self.get_jobs():
            job.remove()

    def pause_job(self, job_id: str) -> None:
        self._known(job_id).pause()

    def resume_job(self, job_id: str) -> None:
        self._known(job_id).resume()

    def reschedule_job(self, job_id: str, trigger: Any = None, **arguments: Any) -> RecipeJob | None:
        """Give a job another trigger; everything else stays."""
        when, extras = read_trigger(trigger, self.timezone, arguments)
        self.book.reschedule(self._known(job_id), when, extras)
        return self.get_job(job_id)

    def _known(self, job_id: str) -> Any:
        job = self.book.job(job_id)
        if job is None:
            raise NotFound(say(f"작업 {job_id}이(가) 없습니다", f"there is no job {job_id}"))
        return job


def _misfire(grace: float | None, together: bool) -> dict[str, Any]:
    """Say in our words what becomes of a late planned time: later than *grace* it is skipped, as APScheduler does."""
    if grace is None:
        return {"misfire": "run_once" if together else "run_all"}
    return {"misfire": "skip", "grace": grace}


scheduler = AsyncIOScheduler(timezone="UTC")


async def start_scheduler() -> None:
    """Start the scheduler of this module inside a lifespan."""
    if not scheduler.running:
        await asyncio.to_thread(scheduler.start)


async def shutdown_scheduler() -> None:
    """Stop it."""
    if scheduler.running:
        await asyncio.to_thread(scheduler.shutdown, False)
