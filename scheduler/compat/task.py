"""One task of the Task library: what runs, when, and how it ended so far."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scheduler.client.when import When, at, daily, every
from scheduler.errors import NotFound
from scheduler.words import say

HISTORY = 100
SCHEDULES = ("every", "at", "run_at")


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


class TaskFailed(Exception):
    """What a task's error is when another process ran it: its text."""


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Task(BaseModel):
    """One task: what runs, and exactly one of every, at (each day) and run_at (once).

    depends_on  ids of tasks that must have succeeded once; their results come as dep_<id>, where func takes that name
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    every: dict[str, int] | None = None
    at: str | None = None
    run_at: datetime | None = None
    func: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = Field(default_factory=dict)
    depends_on: list[str] = Field(default_factory=list)
    status: TaskStatus = TaskStatus.PENDING
    last_success_at: datetime | None = None
    last_run_at: datetime | None = None
    result: Any = None
    error: Exception | None = None
    history: list[dict[str, Any]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_one_schedule(self) -> Task:
        given = [name for name in SCHEDULES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(say(f"every, at, run_at 중 정확히 하나가 필요합니다 (지금 {len(given)}개)",
                                 f"exactly one of every, at, run_at is needed, not {len(given)}"))
        self.when()  # what cannot be read is refused here
        return self

    def when(self) -> When:
        """Return the schedule. Raises ScheduleError, which pydantic does not hide."""
        if self.every is not None:
            return every(timedelta(**self.every))
        if self.at is not None:
            return daily(self.at)
        assert self.run_at is not None
        return at(self.run_at if self.run_at.tzinfo else self.run_at.astimezone())

    def note(self, moment: datetime, status: TaskStatus, result: Any, error: Exception | None) -> None:
        """Keep how it ended."""
        self.status, self.last_run_at, self.result, self.error = status, moment, result, error
        if status is TaskStatus.SUCCESS:
            self.last_success_at = moment
        self.history.append({"run_at": moment, "status": status, "result": result, "error": error})
        del self.history[:-HISTORY]


def task_named(tasks: Mapping[str, Task], task_id: str) -> Task:
    """Return the task with this id. Raises NotFound."""
    if task_id not in tasks:
        raise NotFound(say(f"id가 {task_id}인 작업이 등록되지 않았습니다", f"no task with the id {task_id} is registered"))
    return tasks[task_id]
