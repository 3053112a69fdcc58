"""Inside the handler's process: take one execution after another, run its handler, answer how it ended.

Nothing here knows PostgreSQL's tables or the daemon; a line of JSON comes in, lines of JSON go out.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from scheduler.errors import ParameterError
from scheduler.handler import Cancelled, Context, GiveUp, Handler, Retry, Skip
from scheduler.running.answers import describe, success
from scheduler.running.kernel import EXECUTION_VARIABLE, become_subreaper, die_with_parent, forbid_new_privileges
from scheduler.running.link import ChildLink

CONTROL_FD = 3
GROWTH_MB = 128
"""How much more memory than after its first execution a process may have held before it is replaced."""


class Child:
    """One handler process: serves executions until its line closes or it is told, by a flag, to leave."""

    def __init__(self, control: socket.socket, find: Callable[[str], Handler]) -> None:
        self.link = ChildLink(control)
        self.find = find
        self.loop: asyncio.AbstractEventLoop | None = None
        self.settled_mb: float | None = None
        signal.signal(signal.SIGTERM, self._on_terminate)

    def serve(self) -> None:
        while line := self.link.reader.readline():
            answer = self._execute(json.loads(line))
            leaves = answer.pop("leave", False) or has_children() or self._has_grown()
            self.link.send("farewell" if leaves else "answer", answer)

    def _has_grown(self) -> bool:
        """Say whether handlers leak, or one needed much for once: a new process gives all of it back."""
        peak = peak_memory_mb()
        if self.settled_mb is None:
            self.settled_mb = peak  # what the first one imported stays useful
        return peak - self.settled_mb > GROWTH_MB

    def _on_terminate(self, _number: int, _frame: Any) -> None:
        self.link.cancelled = True
        if self.link.interrupt is None:
            os._exit(0)
        if self.link.sending:
            self.link.interrupted_late = True
        else:
            self.link.interrupt()

    def _execute(self, message: dict[str, Any]) -> dict[str, Any]:
        self.link.begin(message)
        os.environ["PGAPPNAME"] = self.link.application_name
        os.environ[EXECUTION_VARIABLE] = str(message["execution_id"])
        limit_memory(message["memory_mb"])
        context = make_context(message, self.link)
        try:
            answer = self._answer(self.find(message["job_type"]), context, message)
        finally:
            self.link.interrupt = None
            self.link.finish()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        return answer

    def _answer(self, handler: Handler, context: Context, message: dict[str, Any]) -> dict[str, Any]:
        try:
            arguments = handler.validate(message["parameters"])
            if handler.wants_context:
                arguments = {first_parameter(handler): context, **arguments}
            result = self._call(handler, arguments)
            return success(result, context)
        except BaseException as error:
            self.link.interrupt = None
            return self._failure(error)

    def _call(self, handler: Handler, arguments: dict[str, Any]) -> Any:
        if handler.is_async:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
            return self.loop.run_until_complete(self._awaited(handler, arguments))
        self.link.interrupt = raise_cancelled
        return handler.function(**arguments)

    async def _awaited(self, handler: Handler, arguments: dict[str, Any]) -> Any:
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        assert current is not None
        self.link.interrupt = lambda: void(loop.call_soon_threadsafe(current.cancel))
        try:
            return await handler.function(**arguments)
        finally:
            self.link.interrupt = lambda: None
            await self.link.afinish()

    def _failure(self, error: BaseException) -> dict[str, Any]:
        answer = describe(error)
        if self.link.cancelled and isinstance(error, (Cancelled, asyncio.CancelledError)):
            return {"status": "cancelled"}
        if not isinstance(error, (Retry, GiveUp, Skip, ParameterError)):
            with contextlib.suppress(Exception):
                self.link.log("ERROR", "".join(traceback.format_exception(error, limit=-20)), {})
        return answer


def void(_: Any) -> None:
    return None


def raise_cancelled() -> NoReturn:
    raise Cancelled


def first_parameter(handler: Handler) -> str:
    return handler.function.__code__.co_varnames[0]


def make_context(message: dict[str, Any], link: ChildLink) -> Context:
    scheduled_for = datetime.fromisoformat(message["scheduled_for"])
    last_success_at = message["last_success_at"]
    return Context(
        job=message["job_name"],
        job_id=message["job_id"],
        job_type=message["job_type"],
        execution_id=message["execution_id"],
        attempt=message["attempt"],
        scheduled_for=scheduled_for,
        market_codes=message["market_codes"],
        deadline=message["deadline"],
        idempotency_key=f"{message['job_id']}/{message['scheduled_for']}",
        link=link,
        fence=message["fence"],
        trigger=message["trigger"],
        last_success_at=datetime.fromisoformat(last_success_at) if last_success_at else None,
        checkpoint=message["checkpoint"],
        dependencies=message["dependencies"],
        settings={**message["settings"], "database_url": message["database_url"]},
    )


def has_children() -> bool:
    """Say whether the handler left processes behind; they are ended with this one."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def peak_memory_mb() -> float:
    """Return the most memory this process has held at once."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


_memory_mb = 0


def limit_memory(memory_mb: int) -> None:
    global _memory_mb
    if memory_mb != _memory_mb:
        _memory_mb = memory_mb
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = memory_mb * 1024 * 1024
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def settle(parent: int) -> None:
    """Bind this process: it dies with its parent, gains no rights, dumps no core, goes first when memory ends."""
    die_with_parent(parent)
    become_subreaper()  # what a handler leaves behind by forking twice stays its own, and goes with it
    forbid_new_privileges()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as adjust:
        adjust.write("500")
    random.seed()


def forked(parent: int, find: Callable[[str], Handler]) -> NoReturn:
    """Go on as a handler process after the fork, with the control line on descriptor 3."""
    status = 1
    try:
        settle(parent)
        gc.enable()
        sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
        Child(socket.socket(fileno=CONTROL_FD), find).serve()
        status = 0
    except (BrokenPipeError, ConnectionResetError):
        pass
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        os._exit(status)


def main(source: str, job_type: str) -> NoReturn:
    """Entry of a spawned handler process: import one source, then serve it."""
    from scheduler.running.registry import load_source

    made = {handler.job_type: handler for handler in load_source(source, job_type)}
    forked(os.getppid(), made.__getitem__)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
