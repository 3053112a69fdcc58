"""Jobs and executions as objects: run, wait, pause, resume, remove, figures, next planned times."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.client.core import Core
from scheduler.client.parameters import Duration, fitting, listed, seconds_of
from scheduler.client.when import DEFAULT_ZONE, Moment, moment_in
from scheduler.errors import NotFound
from scheduler.model import ENDED
from scheduler.protocol import requests
from scheduler.queries import executions, jobs, programs
from scheduler.queries.schedules import Surroundings
from scheduler.rules.schedule import next_after
from scheduler.running.calls import plain_value
from scheduler.words import say

LOOK_SECONDS = 0.1
Row = dict[str, Any]


def deadline(timeout: Duration | None) -> float | None:
    """Return when a wait is over, on the monotonic clock. Raises ParameterError."""
    return None if timeout is None else time.monotonic() + seconds_of("timeout", timeout)


def is_over(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


def left_until(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of one job. success_rate: 0 to 1, None when nothing has ended; the time is the mean of successes."""

    total: int
    successful: int
    failed: int
    skipped: int
    last_at: datetime | None
    average_seconds: float | None

    @property
    def success_rate(self) -> float | None:
        return self.successful / self.total if self.total else None


def stats_of(row: Mapping[str, Any]) -> Stats:
    return Stats(*(row[name] for name in ("total", "successful", "failed", "skipped", "last_at", "average_seconds")))


class Run:
    """One execution as it was when it was last looked at; wait() and refresh() look again."""

    def __init__(self, core: Core, row: Row) -> None:
        self._core = core
        self._row = row

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self._row['job_name']!r}: {self.status}>"

    @property
    def id(self) -> int:
        return int(self._row["id"])

    @property
    def status(self) -> str:
        return str(self._row["status"])

    @property
    def result(self) -> Any:
        """What the handler returned, as it is stored: an object; see value."""
        return self._row["result"]

    @property
    def value(self) -> Any:
        """What a plain function returned."""
        return plain_value(self._row["result"])

    @property
    def error(self) -> str | None:
        """Why it failed, or was skipped."""
        text = self._row["error_message"] or self._row["skip_reason"]
        return None if text is None else str(text)

    @property
    def duration(self) -> timedelta | None:
        milliseconds = self._row["duration_ms"]
        return None if milliseconds is None else timedelta(milliseconds=milliseconds)

    @property
    def started_at(self) -> datetime | None:
        moment: datetime | None = self._row["started_at"]
        return moment

    @property
    def finished_at(self) -> datetime | None:
        moment: datetime | None = self._row["finished_at"]
        return moment

    @property
    def attempt(self) -> int:
        return int(self._row["attempt"])

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    def refresh(self) -> Run:
        """Look again, at the retry where one has followed."""
        with self._core.open() as connection:
            number = self.id
            while (later := executions.successor(connection, number)) is not None:
                number = later
            self._row = executions.execution(connection, number)
        return self

    def wait(self, timeout: Duration | None = None) -> Run:
        """Wait until it has ended, with all its retries, and return it.

        Raises  TimeoutError; the execution goes on
        """
        until = deadline(timeout)
        while not self._is_settled():
            if is_over(until):
                raise self._late()
            time.sleep(LOOK_SECONDS)
        return self

    def _is_settled(self) -> bool:
        """Look again, and say whether it has ended and no retry follows."""
        self.refresh()
        with self._core.open() as connection:
            return self.has_ended and executions.successor(connection, self.id) is None

    def _late(self) -> TimeoutError:
        return TimeoutError(say(f"실행 {self.id}이(가) 아직 끝나지 않았습니다 ({self.status})",
                                f"execution {self.id} has not ended yet ({self.status})"))

    def cancel(self, reason: str | None = None) -> str:
        """Ask it to end. Returns cancelled or cancel_requested. Raises Conflict when it has ended."""
        with self._core.open() as connection:
            return requests.cancel(connection, self.id, reason)

    def logs(self) -> list[Row]:
        """Return the lines it wrote."""
        with self._core.open() as connection:
            return executions.logs(connection, self.id)


class Job:
    """A job by its number; what is asked is looked up at that moment."""

    def __init__(self, core: Core, number: int, name: str) -> None:
        self._core = core
        self.id = number
        self.name = name

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def info(self) -> Row:
        """Return every column of the job. Raises NotFound when it was removed."""
        return jobs.public(self._row())

    def _row(self) -> Row:
        with self._core.open() as connection:
            found = jobs.list_jobs(connection, ids=[self.id])
        if not found:
            raise NotFound(say(f"작업 {self.id} \"{self.name}\"이(가) 없습니다", f'there is no job {self.id} "{self.name}"'))
        return found[0]

    @property
    def status(self) -> str:
        return str(self._row()["status"])

    @property
    def next_run_at(self) -> datetime | None:
        moment: datetime | None = self._row()["next_run_at"]
        return moment

    def run(self, /, *, markets: str | Sequence[str] | None = None, **parameters: Any) -> Run:
        """Run it now, beside its schedule. parameters: instead of its own of these names.

        Raises  ParameterError with every fault; NotAllowed while it is paused
        """
        row = self._row()
        chosen = fitting(self._core, row["job_type"], {**row["parameters"], **parameters}) if parameters else None
        with self._core.open() as connection:
            number = requests.run_now(connection, self.id, chosen, None if markets is None else listed(markets))
            return Run(self._core, executions.execution(connection, number))

    def wait(self, timeout: Duration | None = None) -> Run:
        """Wait for its newest execution, also one that has still to begin, and return it. Raises TimeoutError."""
        until = deadline(timeout)
        while (newest := self.last_run()) is None:
            if is_over(until):
                raise self._late()
            time.sleep(LOOK_SECONDS)
        return newest.wait(left_until(until))

    def _late(self) -> TimeoutError:
        return TimeoutError(say(f"작업 {self.name}이(가) 아직 실행되지 않았습니다", f"job {self.name} has not been run yet"))

    def last_run(self) -> Run | None:
        """Return the newest execution that was not skipped."""
        with self._core.open() as connection:
            number = programs.newest_of(connection, self.id)
            return None if number is None else Run(self._core, executions.execution(connection, number))

    def runs(self, limit: int = 50) -> list[Run]:
        """Return executions, newest first."""
        with self._core.open() as connection:
            return [Run(self._core, row) for row in executions.list_executions(connection, job_id=self.id, limit=limit)]

    def pause(self, *, until: Moment | None = None, reason: str | None = None) -> None:
        """Let nothing new start. until: resumed by itself then; a moment without a zone is in the job's."""
        row = self._row()
        moment = None if until is None else moment_in(until, row["timezone"] or DEFAULT_ZONE)
        with self._core.change() as connection:
            jobs.update_jobs(connection, {"status": "paused", "paused_until": moment, "pause_reason": reason}, [self.id])

    def resume(self) -> None:
        """Let it go on, planned strictly after now."""
        with self._core.change() as connection:
            jobs.update_jobs(connection, {"status": "active"}, [self.id])

    def remove(self) -> bool:
        """Delete it; its history stays. Returns False when it was gone already."""
        with self._core.change() as connection:
            return bool(jobs.remove_jobs(connection, [self.id]))

    def next_runs(self, count: int = 5) -> list[datetime]:
        """Return the next planned times, in the job's zone; none while it is paused."""
        row = self._row()
        if row["status"] != "active":
            return []
        with self._core.open() as connection:
            schedule, moment = Surroundings(connection).schedule_of(row), jobs.database_now(connection)
        found: list[datetime] = []
        following = next_after(schedule, moment)
        most = count if row["max_runs"] is None else min(count, max(0, row["max_runs"] - row["occurrence_count"]))
        while following is not None and len(found) < most:
            found.append(following)
            following = next_after(schedule, following)
        zone = moment_in(datetime.now(UTC).replace(tzinfo=None), row["timezone"]).tzinfo
        return [each.astimezone(zone) for each in found]

    def stats(self, days: float | None = None) -> Stats:
        """Return its figures over the last *days*; None looks at all that is kept."""
        with self._core.open() as connection:
            found = programs.stats(connection, [self.id], days)
        if not found:
            raise NotFound(say(f"작업 {self.id}이(가) 없습니다", f"there is no job {self.id}"))
        return stats_of(found[0])


class Jobs(Mapping[str, Job]):
    """All jobs by name, looked up when asked."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def __getitem__(self, name: str) -> Job:
        with self._core.open() as connection:
            number = programs.id_of(connection, name)
        if number is None:
            raise KeyError(name)
        return Job(self._core, number, name)

    def __iter__(self) -> Iterator[str]:
        return iter([job.name for job in self.all()])

    def __len__(self) -> int:
        return len(self.all())

    def all(self) -> list[Job]:
        """Return every job, oldest first."""
        with self._core.open() as connection:
            return [Job(self._core, row["id"], row["name"]) for row in jobs.list_jobs(connection)]
