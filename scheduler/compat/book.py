"""What the APScheduler-like doors share: jobs that such a door made, by the id that the program gives them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from scheduler.client.jobs import Job, stats_of
from scheduler.client.sync import Scheduler, What
from scheduler.client.when import When
from scheduler.errors import ScheduleError
from scheduler.queries import jobs as queries
from scheduler.queries import programs
from scheduler.queries.schedules import Surroundings
from scheduler.rules.schedule import next_after
from scheduler.rules.words import schedule_in_words
from scheduler.rules.zones import open_zone
from scheduler.running.kernel import EXECUTION_VARIABLE, INSTANCE_VARIABLE
from scheduler.words import language

Row = dict[str, Any]
MOMENT_SECONDS = 1.0
LATE_SECONDS = 60.0
SCHEDULED = ("interval", "specific_times", "cron_expression", "run_at")


def is_being_imported() -> bool:
    """Say whether a daemon only imports this program to find its functions: then nothing is to be registered."""
    return INSTANCE_VARIABLE in os.environ and EXECUTION_VARIABLE not in os.environ


class Book:
    """The jobs of one door.

    tag   marks them in the table, so that jobs of operators and other programs are never touched
    zone  in which times without a zone are meant
    """

    def __init__(self, tag: str, zone: str, scheduler: Scheduler | None = None) -> None:
        self.tag = tag
        self.zone = zone
        self._scheduler = scheduler

    @property
    def scheduler(self) -> Scheduler:
        if self._scheduler is None:
            self._scheduler = Scheduler()
        return self._scheduler

    @property
    def running(self) -> bool:
        return self._scheduler is not None and self._scheduler.running

    def declare(
        self, what: What, when: When, job_id: str, name: str | None, parameters: Mapping[str, Any], **options: Any
    ) -> Job:
        """Declare a job. A moment that has just come runs at once; what lies further back is left to the daemon's judgement."""
        moment = when.columns.get("run_at")
        wait = (moment - datetime.now(UTC)).total_seconds() if isinstance(moment, datetime) else None
        is_now = wait is not None and -LATE_SECONDS < wait < MOMENT_SECONDS
        job = self.scheduler.schedule(
            job_id, what, None if is_now else when, description=name or job_id, tags=[self.tag], parameters=parameters,
            **{"retries": 0, **options},
        )
        if is_now:
            job.run()
        return job

    def rows(self) -> list[Row]:
        """Return this door's jobs that still have something before them, each with its next time and its words."""
        with self.scheduler.core.open() as connection:
            found = queries.list_jobs(connection, tag=self.tag)
            around, now = Surroundings(connection), queries.database_now(connection)
        shown = []
        for row in found:
            if row["status"] == "completed" or not any(row[name] is not None for name in SCHEDULED):
                continue
            try:
                schedule = around.schedule_of(row)
                row["words"] = schedule_in_words(schedule, language())
                following = next_after(schedule, now) if row["status"] == "active" else None
            except ScheduleError as error:
                row["words"], following = str(error), None
            planned = None if following is None else row["next_run_at"] or following
            row["next_run_time"] = None if planned is None else planned.astimezone(open_zone(row["timezone"]))
            shown.append(row)
        return shown

    def row(self, job_id: str) -> Row | None:
        return next((row for row in self.rows() if row["name"] == job_id), None)

    def job(self, job_id: str) -> Job | None:
        """Return the job of this id if this door made it."""
        with self.scheduler.core.open() as connection:
            found = [row for row in queries.list_jobs(connection, tag=self.tag) if row["name"] == job_id]
        return Job(self.scheduler.core, found[0]["id"], job_id) if found else None

    def function_of(self, job_type: str) -> Callable[..., Any] | str:
        """Return what was registered for a type in this process, else the type itself."""
        known = self.scheduler.core.functions.known.get(job_type)
        return job_type if known is None else known.function

    def stats(self) -> dict[str, dict[str, Any]]:
        """Return the figures of every job by id, under the names that programs of this kind read."""
        with self.scheduler.core.open() as connection:
            ids = [row["id"] for row in queries.list_jobs(connection, tag=self.tag)]
            found = programs.stats(connection, ids, None)
        return {row["name"]: _figures(row) for row in found}


def _figures(row: Row) -> dict[str, Any]:
    figures = stats_of(row)
    return {
        "total_executions": figures.total, "successful_executions": figures.successful,
        "failed_executions": figures.failed, "last_execution": figures.last_at,
        "average_execution_time": figures.average_seconds or 0.0,
    }
