"""The same door for asyncio: every method of Scheduler, Job and Run as a coroutine that works in a thread."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from scheduler.client.jobs import Job, Run
from scheduler.client.sync import Scheduler


class _Twin:
    """What the generated classes share: the object behind, and how it is shown."""

    _twin_of: ClassVar[type[Any]]

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __repr__(self) -> str:
        return f"<Async of {self._behind!r}>"

    def __getattr__(self, name: str) -> Any:
        """Pass plain values on: names, numbers, what was already looked up."""
        if name.startswith("_"):
            raise AttributeError(name)
        return _async(getattr(self._behind, name))


def _twin(name: str, method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(self: _Twin, /, *args: Any, **kwargs: Any) -> Any:
        bound = getattr(self._behind, name)
        plain = [_sync(each) for each in args]
        return _async(await asyncio.to_thread(bound, *plain, **{key: _sync(value) for key, value in kwargs.items()}))

    return call


# What looks into the database is a coroutine here, also where it reads like a value there.
LOOKED_UP = {Job: ("status", "next_run_at")}


def _generate(twin: type[_Twin], core: type[Any]) -> None:
    """Give *twin* a coroutine for every public method of *core*."""
    twin._twin_of = core
    for name, member in inspect.getmembers(core, inspect.isfunction):
        if not name.startswith("_"):
            setattr(twin, name, _twin(name, member))
    for name in LOOKED_UP.get(core, ()):
        setattr(twin, name, _looked_up(name))


def _looked_up(name: str) -> Callable[..., Awaitable[Any]]:
    async def look(self: _Twin) -> Any:
        return await asyncio.to_thread(getattr, self._behind, name)

    look.__name__ = name
    return look


class AsyncRun(_Twin):
    """Run, awaitable."""


class AsyncJob(_Twin):
    """Job, awaitable; also ``await job.status()`` and ``await job.next_run_at()``."""


class AsyncScheduler(_Twin):
    """Scheduler, awaitable: ``async with AsyncScheduler() as s: job = await s.schedule(…)``."""

    def __init__(self, dsn: str | None = None, **settings: Any) -> None:
        super().__init__(Scheduler(dsn, **settings))

    @property
    def jobs(self) -> Any:
        raise AttributeError("jobs: await list_jobs() or job(name)")

    async def __aenter__(self) -> AsyncScheduler:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


TWINS: dict[type[Any], type[_Twin]] = {Run: AsyncRun, Job: AsyncJob}


def _async(value: Any) -> Any:
    if isinstance(value, list):
        return [_async(each) for each in value]
    twin = TWINS.get(type(value))
    return value if twin is None else twin(value)


def _sync(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_sync(each) for each in value]
    return value._behind if isinstance(value, _Twin) else value


for _class, _core in ((AsyncRun, Run), (AsyncJob, Job), (AsyncScheduler, Scheduler)):
    _generate(_class, _core)
