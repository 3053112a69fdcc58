"""What the APScheduler-like doors share: jobs that such a door made, by the id that the program gives them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from scheduler.client.declaring import What, declare
from scheduler.client.jobs import Job, stats_of
from scheduler.client.sync import Scheduler
from scheduler.client.when import When, by_hand
from scheduler.errors import Conflict, ParameterError, ScheduleError
from scheduler.queries import jobs as queries
from scheduler.queries import programs
from scheduler.queries.schedules import Surroundings
from scheduler.rules.schedule import next_after
from scheduler.rules.words import schedule_in_words
from scheduler.rules.zones import open_zone
from scheduler.running.calls import bound
from scheduler.running.kernel import EXECUTION_VARIABLE, INSTANCE_VARIABLE
from scheduler.words import language, say

Row = dict[str, Any]
MOMENT_SECONDS = 1.0
LATE_SECONDS = 60.0
SCHEDULED = ("interval", "specific_times", "cron_expression", "run_at")


def is_being_imported() -> bool:
    """Say whether a daemon only imports this program to find its functions: then nothing is to be registered."""
    return INSTANCE_VARIABLE in os.environ and EXECUTION_VARIABLE not in os.environ


def parameters_of(func: Callable[..., Any] | str, args: Any, kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return arguments as parameters by name; a job type takes only those that are named. Raises ParameterError."""
    if isinstance(args, (str, bytes)):
        raise ParameterError(say(f"args={args!r}: 목록으로 주세요: ({args!r},)", f"args={args!r}: give a list: ({args!r},)"))
    if not isinstance(func, str):
        return bound(func, tuple(args or ()), kwargs or {})
    if args:
        raise ParameterError(say(f"작업 유형 {func}에는 args 대신 kwargs를 쓰세요", f"job type {func} takes kwargs, not args"))
    return dict(kwargs or {})


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
        """Declare a job. A moment that has just come runs at once.

        Raises  ScheduleError for a moment further back, but for a job that was declared for it before; Conflict for an id
                whose job this door did not make
        """
        wait = self._wait_for(when, job_id)
        is_now = wait is not None and -LATE_SECONDS < wait < MOMENT_SECONDS
        job = declare(
            self.scheduler, job_id, what, by_hand() if is_now else when, parameters,
            {"retries": 0, "description": name or job_id, "tags": [self.tag], **options}, tag=self.tag,
        )
        if is_now:
            job.run()
        return job

    def _wait_for(self, when: When, job_id: str) -> float | None:
        """Return the seconds until the one moment of *when*, None when it has another kind of schedule."""
        moment = when.columns.get("run_at")
        if not isinstance(moment, datetime):
            return None
        wait = (moment - datetime.now(UTC)).total_seconds()
        if wait <= -LATE_SECONDS:
            former = self.job(job_id)
            if former is None or former.info()["run_at"] != moment:
                shown = moment.astimezone(open_zone(self.zone)).strftime("%Y-%m-%d %H:%M:%S %Z")
                raise ScheduleError(say(
                    f"작업 {job_id}: {shown}은(는) 이미 지났습니다. 나중 시각을 주거나, 지금 실행하려면 datetime.now()를 주세요",
                    f"job {job_id}: {shown} has passed; give a later moment, or datetime.now() to run it at once",
                ))
        return wait

    def reschedule(self, job: Job, when: When, options: Mapping[str, Any]) -> None:
        """Give a job another schedule; everything else stays. Raises ScheduleError for a moment that has passed."""
        self._wait_for(when, job.name)
        declare(self.scheduler, job.name, self.function_of(job.info()["job_type"]), when, None, options, tag=self.tag)

    def refuse_existing(self, job_id: str) -> None:
        """Refuse an id that any job has, whoever made it. Raises Conflict."""
        found = self.scheduler.jobs.get(job_id)
        if found is not None:
            row = found.info()
            is_ours = self.tag in row["tags"]
            raise Conflict(
                say(f"작업 {job_id}({row['job_type']})이(가) 이미 있습니다. 다른 id를 쓰세요",
                    f"job {job_id} ({row['job_type']}) is there already; use another id")
                + (say(" (고치려면 replace_existing=True)", ", or replace_existing=True to change it") if is_ours else "")
            )

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
