"""The Scheduler object: declare jobs by name, ask for them, start and stop a daemon for this program."""

from __future__ import annotations

import atexit
import signal
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from scheduler.client.console import Console
from scheduler.client.core import Core, refuse_while_imported
from scheduler.client.daemon import OwnDaemon
from scheduler.client.jobs import Duration, Job, Jobs
from scheduler.client.when import DEFAULT_ZONE, Moment, When, at, by_hand, moment_in
from scheduler.errors import ConfigError, ParameterError, SchedulerError
from scheduler.handler import duration_seconds
from scheduler.queries import handlers, health, jobs, programs
from scheduler.queries.schedules import Surroundings
from scheduler.rules.parameters import check_parameters
from scheduler.rules.schedule import next_after
from scheduler.running.calls import checked
from scheduler.words import say

RELOAD_SECONDS = 0.3
WATCH_SECONDS = 0.2
HOLIDAYS = {
    "run": "run", "skip": "skip", "next": "next", "next-workday": "next", "previous": "previous", "previous-workday": "previous",
}
What = Callable[..., Any] | str
Others = Iterable[Job | str | int]


@dataclass(frozen=True, slots=True)
class Status:
    """How things are: whether a daemon lives, counts of jobs and executions by state, the nodes, who is next."""

    is_running: bool
    jobs: dict[str, int]
    executions: dict[str, Any]
    nodes: list[str]
    next_runs: list[tuple[str, datetime]]


class Scheduler:
    """The Python door.

    dsn        PostgreSQL's address; without it DATABASE_URL, else the embedded database
    state_dir  folder of the daemon that start() starts; without it one of this program's own
    settings   any of scheduler.settings, such as workers=2, log_dir="logs"
    """

    def __init__(self, dsn: str | None = None, *, state_dir: str | Path | None = None, **settings: Any) -> None:
        self.core = Core(dsn, None if state_dir is None else Path(state_dir), settings)
        self._daemon = OwnDaemon(self.core)
        self._console: Console | None = None
        self._started = False
        self._turn = threading.RLock()
        self._timer: threading.Timer | None = None

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
        self, name: str, what: What, when: When | None = None, /, *, markets: Sequence[str] | None = None,
        after: Others | None = None, after_once: Others | None = None, tz: str | None = None, holidays: str | None = None,
        calendar: str | None = None, timeout: Duration | None = None, retries: int | None = None,
        priority: int | None = None, important: bool | None = None, misfire: str | None = None,
        grace: Duration | None = None, overlap: str | None = None, max_instances: int | None = None,
        jitter: Duration | None = None, tags: Sequence[str] | None = None, description: str | None = None,
        owner: str | None = None, parameters: Mapping[str, Any] | None = None, **named: Any,
    ) -> Job:
        """Declare a job: make it, or bring the one of this name up to date; a program may do so again and again.

        what               a job type, or a function at the top of a module
        when               every, daily, cron, at; None runs it by hand, or after others
        after, after_once  jobs that must have succeeded since this one's last run, or ever
        holidays           run, skip, next-workday or previous-workday, by the Korean calendar unless another is given
        parameters, named  what the handler gets; the former for names that this method has itself
        Raises             ScheduleError, ParameterError, ConfigError with every fault; what is not said stays as it is
        """
        zone = tz or self._zone_of(name)
        given = {**(parameters or {}), **named}
        job_type, given = self._type_and_parameters(what, given)
        values: dict[str, Any] = {
            "name": name, "job_type": job_type, "parameters": given, **(when or by_hand()).values(zone),
        }
        values |= _said({
            "timezone": tz, "market_codes": None if markets is None else list(markets), "on_holiday": _holidays(holidays),
            "calendar": calendar, "timeout_minutes": None if timeout is None else duration_seconds(timeout) / 60,
            "max_retries": retries, "priority": priority, "important": important, "misfire_policy": misfire,
            "misfire_grace": None if grace is None else f"{duration_seconds(grace):.6f} seconds",
            "overlap_policy": overlap, "max_instances": max_instances,
            "jitter_seconds": None if jitter is None else round(duration_seconds(jitter)),
            "tags": None if tags is None else list(tags), "description": description, "owner": owner,
        })
        edges = _said({"since_last_run": after, "ever": after_once})
        with self.core.change() as connection:
            number = programs.declare(connection, values)
            if edges:
                numbered = {condition: [self._number(connection, each) for each in others] for condition, others in edges.items()}
                programs.declare_edges(connection, number, numbered)
        return Job(self.core, number, name)

    def run_once(
        self, what: What, /, *, in_: Duration | None = None, at_: Moment | None = None, name: str | None = None,
        markets: Sequence[str] | None = None, parameters: Mapping[str, Any] | None = None, **named: Any,
    ) -> Job:
        """Run something once: now, after *in_*, or at a moment. Returns its job; job.wait() waits for the end."""
        if in_ is not None and at_ is not None:
            raise ParameterError(say("in_와 at_ 중 하나만 쓰세요", "use only one of in_ and at_"))
        with self.core.open() as connection:
            now = jobs.database_now(connection)
        moment = now + timedelta(seconds=duration_seconds(in_ or 0)) if at_ is None else moment_in(at_, DEFAULT_ZONE)
        shown = what if isinstance(what, str) else what.__qualname__
        job = self.schedule(
            name or f"{shown} {moment:%Y-%m-%d %H:%M:%S} {uuid.uuid4().hex[:6]}", what, at(moment) if moment > now else None,
            markets=markets, parameters=parameters, **named,
        )
        if moment <= now:
            job.run()
        return job

    def _zone_of(self, name: str) -> str:
        with self.core.open() as connection:
            number = programs.id_of(connection, name)
            found = jobs.list_jobs(connection, ids=[number]) if number is not None else []
        return str(found[0]["timezone"]) if found else DEFAULT_ZONE

    def _type_and_parameters(self, what: What, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if not isinstance(what, str):
            return self.register(what), checked(what, given)
        with self.core.open() as connection:
            known = handlers.find_handler(connection, what)
        faults = check_parameters(known["params_schema"], given) if known else []
        if faults:
            raise ParameterError("\n- ".join([say("매개변수가 맞지 않습니다", "the parameters do not fit"), *faults]))
        return what, given

    def register(self, function: Callable[..., Any]) -> str:
        """Let the daemon of this program call *function*, and return its job type.

        Raises  ConfigError for a lambda, a local function or a bound method, with the reason
        """
        refuse_while_imported()
        before = len(self.core.functions.known)
        made = self.core.functions.add(function)
        if self._started and len(self.core.functions.known) > before:
            self._reload_soon()
        return made.job_type

    def _number(self, connection: Any, other: Job | str | int) -> int:
        return other.id if isinstance(other, Job) else jobs.find_job(connection, str(other))

    def status(self) -> Status:
        """Return how things are now."""
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

    # -- the daemon -------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether start() was called, and stop() not since."""
        return self._started

    def start(self, *, blocking: bool = False, echo: bool = True) -> None:
        """Start a daemon for this program; it ends with the program.

        blocking  wait here until Ctrl-C, SIGTERM or stop()
        echo      show here what this program's functions print
        Raises    Conflict, ConfigError with what the daemon said when it could not start
        """
        refuse_while_imported()
        with self._turn:
            if not self._started:
                self._begin(echo)
        if blocking:
            self._block()

    def _begin(self, echo: bool) -> None:
        with self.core.open():
            pass  # the tables are there from now on
        if echo:
            self._console = Console(self.core)
            self._console.start()
        self._daemon.start()
        self._started = True
        atexit.register(_stop_weakly, weakref.ref(self))

    def _block(self) -> None:
        with _terminated_as_by_keyboard():
            try:
                while self._started:
                    time.sleep(WATCH_SECONDS)
                    with self._turn:
                        if self._started and self._daemon.process is not None and not self._daemon.lives:
                            raise SchedulerError(self._daemon.last_words())
            except KeyboardInterrupt:
                pass
            finally:
                self.stop()

    def _reload_soon(self) -> None:
        """Start the daemon again shortly: a function has come that it does not know. Several are taken together."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(RELOAD_SECONDS, self._reload)
        self._timer.daemon = True
        self._timer.start()

    def _reload(self) -> None:
        with self._turn:
            if self._started and self._daemon.process is not None:
                self._daemon.stop()
                self._daemon.start()

    def stop(self, *, hurry: bool = False) -> None:
        """Stop the daemon of this program: what runs may end first, at most drain_seconds, or with *hurry* not."""
        if self._timer is not None:
            self._timer.cancel()
        with self._turn:
            if not self._started:
                return
            self._started = False
            self._daemon.stop(hurry)
            if self._console is not None:
                self._console.stop()
                self._console = None

    def close(self) -> None:
        """Stop, and close the connection."""
        self.stop()
        self.core.close()


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _holidays(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return HOLIDAYS[text]
    except KeyError:
        raise ConfigError(say(f"holidays={text!r}: {', '.join(HOLIDAYS)} 중 하나로 쓰세요",
                              f"holidays={text!r}: write one of {', '.join(HOLIDAYS)}")) from None


def _stop_weakly(reference: weakref.ref[Scheduler]) -> None:
    scheduler = reference()
    if scheduler is not None:
        scheduler.close()


@contextmanager
def _terminated_as_by_keyboard() -> Iterator[None]:
    """Let SIGTERM end a blocking program as Ctrl-C does, where nobody has said otherwise."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
