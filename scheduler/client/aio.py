"""The same door for asyncio: every method of Scheduler, Job and Run as a coroutine.

What asks the database works in threads of the door's own, a moment each; what waits, waits in the loop and holds none.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from scheduler.client.host import WATCH_SECONDS
from scheduler.client.jobs import LOOK_SECONDS, Job, Run, deadline, is_over, left_until
from scheduler.client.parameters import Duration
from scheduler.client.sync import Scheduler

THREADS = 4


class _Threads:
    """The threads of one AsyncScheduler and all that came from it; begun when needed, also after a close."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="erp-scheduler")
        bound = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, bound)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None


class _Twin:
    """What the twins share: the object behind, how it is asked, and how it is shown."""

    _twin_of: ClassVar[type[Any]]

    def __init__(self, behind: Any, threads: _Threads) -> None:
        self._behind = behind
        self._threads = threads

    def __repr__(self) -> str:
        return f"<Async of {self._behind!r}>"

    def __getattr__(self, name: str) -> Any:
        """Pass plain values on: names, numbers, what was already looked up."""
        if name.startswith("_"):
            raise AttributeError(name)
        return _async(getattr(self._behind, name), self._threads)

    async def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        plain, named = [_sync(each) for each in args], {key: _sync(value) for key, value in kwargs.items()}
        return _async(await self._threads.call(getattr(self._behind, name), *plain, **named), self._threads)


def _twin(name: str, method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(self: _Twin, /, *args: Any, **kwargs: Any) -> Any:
        return await self._ask(name, *args, **kwargs)

    return call


# What looks into the database is a coroutine here, also where it reads like a value there.
LOOKED_UP = {Job: ("status", "next_run_at")}


def _generate(twin: type[_Twin], core: type[Any]) -> None:
    """Give *twin* a coroutine for every public method of *core* that it does not have itself."""
    twin._twin_of = core
    for name, member in inspect.getmembers(core, inspect.isfunction):
        if not name.startswith("_") and name not in vars(twin):
            setattr(twin, name, _twin(name, member))
    for name in LOOKED_UP.get(core, ()):
        setattr(twin, name, _looked_up(name))


def _looked_up(name: str) -> Callable[..., Awaitable[Any]]:
    async def look(self: _Twin) -> Any:
        return await self._threads.call(getattr, self._behind, name)

    look.__name__ = name
    return look


class AsyncRun(_Twin):
    """Run, awaitable."""

    async def wait(self, timeout: Duration | None = None) -> AsyncRun:
        """Wait until it has ended, with all its retries, and return it. Raises TimeoutError; the execution goes on."""
        until = deadline(timeout)
        while not await self._ask("_is_settled"):
            if is_over(until):
                raise self._behind._late()
            await asyncio.sleep(LOOK_SECONDS)
        return self


class AsyncJob(_Twin):
    """Job, awaitable; also ``await job.status()`` and ``await job.next_run_at()``."""

    async def wait(self, timeout: Duration | None = None) -> AsyncRun:
        """Wait for its newest execution, also one that has still to begin, and return it. Raises TimeoutError."""
        until = deadline(timeout)
        newest: AsyncRun | None
        while (newest := await self._ask("last_run")) is None:
            if is_over(until):
                raise self._behind._late()
            await asyncio.sleep(LOOK_SECONDS)
        run: AsyncRun = await newest.wait(left_until(until))
        return run


class AsyncScheduler(_Twin):
    """Scheduler, awaitable: ``async with AsyncScheduler() as s: job = await s.schedule(…)``."""

    def __init__(self, dsn: str | None = None, **settings: Any) -> None:
        super().__init__(Scheduler(dsn, **settings), _Threads())

    def __getattr__(self, name: str) -> Any:
        if name == "jobs":  # it looks into the database at every turn, which a plain value cannot do here
            raise AttributeError("jobs: await list_jobs() or job(name)")
        return super().__getattr__(name)

    async def start(self, *, blocking: bool = False, echo: bool = True) -> None:
        """Start a daemon for this program. blocking: wait here until stop() or until this is cancelled, as Ctrl-C does."""
        await self._ask("start", echo=echo)
        if not blocking:
            return
        try:
            while await self._ask("_is_watched"):
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            await self._ask("stop")

    async def close(self) -> None:
        """Stop, and close the connection and the threads."""
        try:
            await self._ask("close")
        finally:
            self._threads.close()

    async def __aenter__(self) -> AsyncScheduler:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


TWINS: dict[type[Any], type[_Twin]] = {Run: AsyncRun, Job: AsyncJob}


def _async(value: Any, threads: _Threads) -> Any:
    if isinstance(value, list):
        return [_async(each, threads) for each in value]
    twin = TWINS.get(type(value))
    return value if twin is None else twin(value, threads)


def _sync(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_sync(each) for each in value]
    return value._behind if isinstance(value, _Twin) else value


for _class, _core in ((AsyncRun, Run), (AsyncJob, Job), (AsyncScheduler, Scheduler)):
    _generate(_class, _core)
