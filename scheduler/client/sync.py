"""The Scheduler object: declare jobs by name, ask for them, start and stop a daemon for this program."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from scheduler.client.core import Core, refuse_while_imported
from scheduler.client.declaring import What, declare
from scheduler.client.host import Host
from scheduler.client.jobs import Job, Jobs
from scheduler.client.parameters import Duration, seconds_of
from scheduler.client.when import DEFAULT_ZONE, Moment, When, at, moment_in
from scheduler.errors import ParameterError
from scheduler.queries import health, jobs, programs
from scheduler.queries.schedules import Surroundings
from scheduler.rules.schedule import next_after
from scheduler.words import say

Others = Iterable[Job | str | int] | Job | str | int


@dataclass(frozen=True, slots=True)
class Status:
    """How things are: whether a daemon lives, counts of jobs and executions by state, the nodes, who is next."""

    is_running: bool
    jobs: dict[str, int]
    executions: dict[str, Any]
    nodes: list[str]
    next_runs: list[tuple[str, datetime]]


class Scheduler(Host):
    """The Python door.

    dsn        PostgreSQL's address; without it DATABASE_URL, else the embedded database
    state_dir  folder of the daemon that start() starts; without it one of this program's own
    settings   any of scheduler.settings, such as workers=2, log_dir="logs"
    """

    def __init__(self, dsn: str | None = None, *, state_dir: str | Path | None = None, **settings: Any) -> None:
        super().__init__(Core(dsn, None if state_dir is None else Path(state_dir), settings))

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- jobs -------------------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> Jobs:
        """All jobs by name."""
        return Jobs(self.core)

    def job(self, name: str) -> Job | None:
        """Return the job of exactly this name, None without one."""
        return self.jobs.get(name)

    def list_jobs(self) -> list[Job]:
        """Return every job."""
        return self.jobs.all()

    def schedule(
        self, name: str, what: What, when: When | None = None, /, *, markets: str | Sequence[str] | None = None,
        after: Others | None = None, after_once: Others | None = None, tz: str | None = None, holidays: str | None = None,
        calendar: str | None = None, timeout: Duration | None = None, retries: int | None = None,
        priority: int | None = None, important: bool | None = None, misfire: str | None = None,
        grace: Duration | None = None, overlap: str | None = None, max_instances: int | None = None,
        jitter: Duration | None = None, tags: str | Sequence[str] | None = None, description: str | None = None,
        owner: str | None = None, parameters: Mapping[str, Any] | None = None, **named: Any,
    ) -> Job:
        """Declare a job: make it, or bring the one of this name up to date; a program may do so again and again.

        what               a job type, or a function at the top of a module
        when               every, daily, cron, at, by_hand; None leaves it, a new job then runs by hand or after others
        after, after_once  jobs that must have succeeded since this one's last run, or ever
        holidays           run, skip, next-workday or previous-workday, by the Korean calendar unless another is given
        parameters, named  what the handler gets, all of it; the former for names that this method has itself
        Raises             ScheduleError, ParameterError, ConfigError with every fault; what is not said stays as it is
        """
        self._raise_trouble()
        return declare(self, name, what, when, _given(parameters, named), {
            "markets": markets, "after": after, "after_once": after_once, "tz": tz, "holidays": holidays, "calendar": calendar,
            "timeout": timeout, "retries": retries, "priority": priority, "important": important, "misfire": misfire,
            "grace": grace, "overlap": overlap, "max_instances": max_instances, "jitter": jitter, "tags": tags,
            "description": description, "owner": owner,
        })

    def run_once(
        self, what: What, /, *, in_: Duration | None = None, at_: Moment | None = None, name: str | None = None,
        markets: str | Sequence[str] | None = None, parameters: Mapping[str, Any] | None = None, **named: Any,
    ) -> Job:
        """Run something once: now, after *in_*, or at a moment. Returns its job; job.wait() waits for the end.

        Raises  Conflict when there is a job of that *name*
        """
        self._raise_trouble()
        if in_ is not None and at_ is not None:
            raise ParameterError(say("in_와 at_ 중 하나만 쓰세요", "use only one of in_ and at_"))
        with self.core.open() as connection:
            now = jobs.database_now(connection)
        moment = now + _wait(in_ or 0) if at_ is None else moment_in(at_, DEFAULT_ZONE)
        shown = what if isinstance(what, str) else getattr(what, "__qualname__", repr(what))
        job = declare(
            self, name or f"{shown} {moment:%Y-%m-%d %H:%M:%S} {uuid.uuid4().hex[:6]}", what,
            at(moment) if moment > now else None, _given(parameters, named), {"markets": markets}, is_new=True,
        )
        if moment <= now:
            job.run()
        return job

    def register(self, function: Callable[..., Any]) -> str:
        """Let the daemon of this program call *function*, and return its job type.

        Raises  ConfigError for a lambda, a local function or a bound method, with the reason
        """
        refuse_while_imported()
        self._raise_trouble()
        with self.turn:
            is_known = self.core.functions.is_known(function)
            made = self.core.functions.add(function)
            if self._started and not is_known:
                self._come_to_know(made.job_type)
        return made.job_type

    def status(self) -> Status:
        """Return how things are now."""
        self._raise_trouble()
        with self.core.open() as connection:
            nodes = programs.living_nodes(connection)
            around = Surroundings(connection)
            now = jobs.database_now(connection)
            found = [
                (row["name"], row["next_run_at"] or next_after(around.schedule_of(row), now))
                for row in jobs.list_jobs(connection, status="active", sort="next")
            ]
            counts, executions = health.job_counts(connection), health.execution_counts(connection)
        following = sorted(((name, moment) for name, moment in found if moment is not None), key=lambda each: each[1])
        return Status(bool(nodes), counts, executions, [each["node"] for each in nodes], following)


def _given(parameters: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what was said of parameters, None when nothing was: an empty object says that there are none."""
    return None if parameters is None and not named else {**(parameters or {}), **named}


def _wait(duration: Duration) -> timedelta:
    try:
        return timedelta(seconds=seconds_of("in_", duration))
    except OverflowError:
        raise ParameterError(say(f"in_={duration!r}: 너무 깁니다", f"in_={duration!r} is too long")) from None
