"""What a Scheduler object does with its daemon: start it, let another follow when functions come, watch it, stop it."""

from __future__ import annotations

import atexit
import logging
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from scheduler.client.console import Console
from scheduler.client.core import Core, refuse_while_imported
from scheduler.client.daemon import OwnDaemon
from scheduler.errors import Conflict, SchedulerError
from scheduler.protocol import requests
from scheduler.queries import executions, jobs, programs
from scheduler.words import say

RELOAD_SECONDS = 0.3
WATCH_SECONDS = 0.2
MARK = "[python]"
logger = logging.getLogger("scheduler.client")


class Host:
    """A program's side of its daemon.

    turn  whoever starts, changes or stops the daemon holds it, and so does whoever declares a job with a new function
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self._daemon = OwnDaemon(core)
        self._console: Console | None = None
        self._started = False
        self.turn = threading.RLock()
        self._timer: threading.Timer | None = None
        self._trouble: SchedulerError | None = None

    @property
    def running(self) -> bool:
        """Whether start() was called, stop() not since, and the daemon is there."""
        return self._started and self._daemon.lives

    def start(self, *, blocking: bool = False, echo: bool = True) -> None:
        """Start a daemon for this program; it ends with the program.

        blocking  wait here until Ctrl-C, SIGTERM or stop()
        echo      show here what this program's functions print
        Raises    Conflict, ConfigError with what the daemon said when it could not start
        """
        refuse_while_imported()
        self._raise_trouble()
        with self.turn:
            if self._started and not self._daemon.lives:
                self.stop()  # it ended by itself: what it left is put away
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
        try:
            self._daemon.start()
        except BaseException:
            self._silence()
            raise
        self._started = True
        atexit.register(_stop_weakly, weakref.ref(self))
        self._take_up()

    def _block(self) -> None:
        with _terminated_as_by_keyboard():
            try:
                while self._is_watched():
                    time.sleep(WATCH_SECONDS)
            except KeyboardInterrupt:
                pass
            finally:
                self.stop()

    def _is_watched(self) -> bool:
        """Say whether there is still something to wait for. Raises SchedulerError when our daemon has ended by itself."""
        with self.turn:
            if self._started and self._daemon.process is not None and not self._daemon.lives:
                raise SchedulerError(self._daemon.last_words())
            return self._started

    # -- functions that come late -----------------------------------------------------------------------------------

    def _come_to_know(self, job_type: str) -> None:
        """Let a daemon come that knows a new function; one that none could know is taken back and refused."""
        try:
            self._daemon.refuse_unknowable(job_type)
        except BaseException:
            self.core.functions.forget(job_type)
            raise
        self._reload_soon()

    def _reload_soon(self) -> None:
        """Let a successor come shortly. Several functions are taken together."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(RELOAD_SECONDS, self._reload)
        self._timer.daemon = True
        self._timer.start()

    def _reload(self) -> None:
        with self.turn:
            if not self._started:
                return
            try:
                self._daemon.follow()
                self._take_up()
            except Exception as error:  # a thread of our own: who asked for the function hears of it at the next call
                self._trouble = self._left_out(error)
                logger.error("%s", self._trouble)

    def _left_out(self, error: Exception) -> SchedulerError:
        """Take back the functions that no daemon knows, pause their jobs until one does, and end what waits of them."""
        new = sorted(self.core.functions.known.keys() - self._daemon.known)
        if not new:
            return error if isinstance(error, SchedulerError) else SchedulerError(f"{type(error).__name__}: {error}")
        reason = say("이 함수를 아는 데몬을 시작하지 못했습니다", "no daemon that knows this function could be started")
        paused: list[str] = []
        for job_type in new:
            self.core.functions.forget(job_type)
        try:
            paused = self._set_aside(new, f"{MARK} {reason}")
        except SchedulerError:
            pass  # the database is away as well: without a daemon that knows the type, nothing of it is planned
        names, those = ", ".join(new), ", ".join(paused)
        return SchedulerError("\n".join([
            say(f"늦게 등록한 함수를 데몬이 받지 못했습니다: {names}", f"functions that came late are not known: {names}"),
            *([say(f"일시 정지한 작업: {those}", f"jobs paused: {those}")] if paused else []),
            str(error),
        ]))

    def _set_aside(self, job_types: list[str], reason: str) -> list[str]:
        with self.core.open() as connection:
            elsewhere = {known for each in programs.living_nodes(connection) for known in each["job_types"]}
            found = [row for each in job_types if each not in elsewhere for row in jobs.list_jobs(connection, job_type=each)]
        active = [row for row in found if row["status"] == "active"]
        if active:
            with self.core.change() as connection:
                jobs.update_jobs(connection, {"status": "paused", "pause_reason": reason}, [row["id"] for row in active])
        for row in found:
            self._cancel_waiting(row["id"], reason)
        return [row["name"] for row in active]

    def _cancel_waiting(self, job_id: int, reason: str) -> None:
        """End what waits for a function that nobody has, so that nobody waits for it."""
        with self.core.open() as connection:
            for each in executions.list_executions(connection, job_id=job_id, statuses=["queued"], limit=None):
                with suppress(Conflict):  # it has ended meanwhile
                    requests.cancel(connection, each["id"], reason)

    def _take_up(self) -> None:
        """Let jobs go on that were set aside because nobody knew their function."""
        with self.core.open() as connection:
            ids = [row["id"] for row in jobs.list_jobs(connection, status="paused")
                   if row["job_type"] in self._daemon.known and (row["pause_reason"] or "").startswith(MARK)]
        if ids:
            with self.core.change() as connection:
                jobs.update_jobs(connection, {"status": "active"}, ids)

    def _raise_trouble(self) -> None:
        """Tell the caller, once, what has gone wrong behind its back."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self, *, hurry: bool = False) -> None:
        """Stop the daemon of this program: what runs may end first, at most drain_seconds, or with *hurry* not."""
        if self._timer is not None:
            self._timer.cancel()
        with self.turn:
            if not self._started:
                return
            self._started = False
            self._daemon.stop(hurry)
            self._silence()

    def _silence(self) -> None:
        if self._console is not None:
            self._console.stop()
            self._console = None

    def close(self) -> None:
        """Stop, and close the connection."""
        self.stop()
        self.core.close()


def _stop_weakly(reference: weakref.ref[Host]) -> None:
    host = reference()
    if host is not None:
        host.close()


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
