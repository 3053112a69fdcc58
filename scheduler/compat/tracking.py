"""Track code that others schedule: each call becomes an execution in the history."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, cast

from scheduler.client.core import Core
from scheduler.queries import tracked
from scheduler.running.kernel import EXECUTION_VARIABLE

Function = TypeVar("Function", bound=Callable[..., Any])
STATUSES = {"success": "success", "running": "running", "skipped": "success"}


class JobStatus(StrEnum):
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class JobExecutionTracker:
    """Records executions. Where code runs as a job of ours already, that execution is the record.

    session_factory  taken and not used: the history is the scheduler's own table
    """

    def __init__(self, session_factory: Any = None, *, core: Core | None = None) -> None:
        self._core = core

    @property
    def core(self) -> Core:
        if self._core is None:
            self._core = Core(None, None, {})
        return self._core

    async def start_execution(self, job_id: str, job_name: str) -> int:
        """Record the beginning and return the number of the execution."""
        return await asyncio.to_thread(self.begin, job_id, job_name)

    async def complete_execution(self, execution_id: int, success: bool = True, error_message: str | None = None) -> None:
        """Record the end."""
        await asyncio.to_thread(self.end, execution_id, success, error_message)

    async def get_recent_executions(self, job_id: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Return executions, newest first, with status running, success or failed."""
        return await asyncio.to_thread(self.recent, job_id, limit)

    def begin(self, job_id: str, job_name: str) -> int:
        """Do what start_execution does, for plain code."""
        own = os.environ.get(EXECUTION_VARIABLE)
        if own:
            return int(own)
        with self.core.open() as connection:
            return tracked.begin(connection, job_id, job_name)

    def end(self, execution_id: int, success: bool, error_message: str | None = None) -> None:
        """Do what complete_execution does, for plain code."""
        if os.environ.get(EXECUTION_VARIABLE):
            return
        with self.core.open() as connection:
            tracked.end(connection, execution_id, "success" if success else "failed", error_message)

    def recent(self, job_id: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Do what get_recent_executions does, for plain code."""
        with self.core.open() as connection:
            found = tracked.recent(connection, job_id, limit)
        return [{**row, "status": STATUSES.get(row["status"], "failed")} for row in found]


tracker = JobExecutionTracker()


def tracked_job(job_id: str, job_name: str, *, by: JobExecutionTracker | None = None) -> Callable[[Function], Function]:
    """Record every call of the decorated function, whoever makes it."""
    used = by or tracker

    def decorate(function: Function) -> Function:
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def awrapper(*args: Any, **kwargs: Any) -> Any:
                number = await used.start_execution(job_id, job_name)
                try:
                    result = await function(*args, **kwargs)
                except BaseException as error:
                    await used.complete_execution(number, success=False, error_message=str(error) or type(error).__name__)
                    raise
                await used.complete_execution(number, success=True)
                return result

            return cast(Function, awrapper)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            number = used.begin(job_id, job_name)
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                used.end(number, False, str(error) or type(error).__name__)
                raise
            used.end(number, True)
            return result

        return cast(Function, wrapper)

    return decorate
