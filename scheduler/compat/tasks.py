"""The Task library's names: Task, TaskStatus, TaskRegistry, registry, start_scheduler.

Two ways to run: ``registry.tick()`` runs what is due here and now, in memory; ``start_scheduler()`` makes every task a job
in the database, whose daemon runs it, and tick() then only looks at what became of them.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scheduler.client.declaring import declare
from scheduler.client.functions import program_name, register
from scheduler.client.sync import Scheduler
from scheduler.client.when import When, at, daily, every
from scheduler.compat.book import is_being_imported
from scheduler.compat.triggers import local_zone
from scheduler.errors import Conflict, NotFound
from scheduler.rules.schedule import read_time
from scheduler.running.calls import RESULT_OF, bound, shape_of
from scheduler.words import say

__all__ = ["Task", "TaskFailed", "TaskRegistry", "TaskStatus", "registry", "start_scheduler", "stop_scheduler"]

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


class TaskRegistry:
    """The tasks of a program."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.tasks: dict[str, Task] = {}
        self.registered_at: dict[str, datetime] = {}
        self.scheduler: Scheduler | None = None
        self._names: dict[str, str] = {}
        self._ended: dict[str, int] = {}
        self._to_begin: set[str] = set()

    def register(self, task: Task) -> Task:
        """Take a task. Raises Conflict for an id that another task has."""
        if self.tasks.setdefault(task.id, task) is not task:
            raise Conflict(say(f"id가 {task.id}인 작업이 이미 있습니다", f"there is a task with the id {task.id}"))
        self.registered_at[task.id] = self.clock.now()
        if self.scheduler is not None:
            try:
                self.declare(self.scheduler)
            except BaseException:
                del self.tasks[task.id]
                raise
        return task

    # -- in this process --------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Run what is due, one after the other; with start_scheduler at work, look at what became of the tasks."""
        if self.scheduler is not None:
            self.refresh()
            return
        for task in list(self.tasks.values()):
            if self._should_run(task, self.clock.now()) and self._deps_ready(task):
                self._execute(task)

    def _should_run(self, task: Task, now: datetime) -> bool:
        """Say whether its time has come: an interval first at once, a time of day not for what was before it was known."""
        last = task.last_run_at
        if task.every is not None:
            return last is None or now - last >= timedelta(**task.every)
        if task.run_at is not None:
            return last is None and now >= task.run_at.astimezone(UTC)
        planned = datetime.combine(now.astimezone().date(), read_time(str(task.at))).astimezone()
        return max(self.registered_at[task.id], last or self.registered_at[task.id]) <= planned <= now

    def _deps_ready(self, task: Task) -> bool:
        return all(self._other(each).last_success_at is not None for each in task.depends_on)

    def _other(self, task_id: str) -> Task:
        if task_id not in self.tasks:
            raise NotFound(say(f"id가 {task_id}인 작업이 등록되지 않았습니다", f"no task with the id {task_id} is registered"))
        return self.tasks[task_id]

    def _execute(self, task: Task) -> None:
        shape = shape_of(task.func)
        results = {RESULT_OF + each: self._other(each).result for each in task.depends_on}
        taken = {name: value for name, value in results.items() if shape.extra or name in shape.results}
        moment = self.clock.now()
        task.status = TaskStatus.RUNNING
        try:
            result = task.func(*task.args, **{**taken, **task.kwargs})
            if inspect.isawaitable(result):
                result = asyncio.run(_awaited(result))
        except Exception as error:
            task.note(moment, TaskStatus.FAILED, None, error)
        else:
            task.note(moment, TaskStatus.SUCCESS, result, None)

    # -- in the database --------------------------------------------------------------------------------------------

    def declare(self, scheduler: Scheduler) -> None:
        """Make every task a job, predecessors first. A job of this program that is no task any more is removed."""
        tag = f"tasks:{program_name()}"[:100]
        self._name_all()
        for task in self._in_order():
            if task.id not in self._ended:
                self._declare(scheduler, task, tag)
        for job in scheduler.list_jobs():
            if job.name not in self._names.values() and tag in job.info()["tags"]:
                job.remove()

    def _declare(self, scheduler: Scheduler, task: Task, tag: str) -> None:
        """Make one task a job. A moment that had passed when it was first heard of comes at once, and never again."""
        name = self._names[task.id]
        former = scheduler.job(name)
        if former is not None and tag not in former.info()["tags"]:
            raise Conflict(say(
                f"작업 \"{name}\"({former.info()['job_type']})은(는) 이 프로그램이 만든 작업이 아닙니다. Task에 다른 id를 주세요",
                f'job "{name}" ({former.info()["job_type"]}) was not made by this program; give the Task another id',
            ))
        has_passed = task.run_at is not None and task.run_at.astimezone(UTC) <= self.clock.now()
        job = former
        if former is None or not has_passed:
            others = [self._names[each] for each in task.depends_on]
            job = declare(
                scheduler, name, task.func, None if has_passed else task.when(), bound(task.func, task.args, task.kwargs),
                {"tz": local_zone(), "retries": 0, "tags": [tag], "after_once": others}, tag=tag,
            )
        else:
            scheduler.register(task.func)
        assert job is not None
        self._ended[task.id] = max((run.id for run in job.runs(1)), default=0)
        if has_passed and former is None:
            job.run()
        if task.every is not None and not self._ended[task.id]:
            self._to_begin.add(task.id)

    def _name_all(self) -> None:
        """Give each task a name that is the same when the program is started again: its own id, or its function's type."""
        for task in self.tasks.values():
            if task.id in self._names:
                continue
            wanted = task.id if "id" in task.model_fields_set else register(task.func).job_type.removeprefix("py:")
            wanted = f"id {wanted}" if wanted.isdigit() else wanted
            name, number = wanted, 2
            while name in self._names.values():
                name, number = f"{wanted} {number}", number + 1
            self._names[task.id] = name
            if self.scheduler is not None:
                self.scheduler.core.functions.names[name] = task.id

    def _in_order(self) -> list[Task]:
        ordered: dict[str, Task] = {}

        def place(task: Task, path: tuple[str, ...]) -> None:
            if task.id in path:
                raise Conflict(say(f"서로 기다리는 작업: {' → '.join(path)}", f"tasks wait for each other: {' → '.join(path)}"))
            for each in task.depends_on:
                place(self._other(each), (*path, task.id))
            ordered.setdefault(task.id, task)

        for task in self.tasks.values():
            place(task, ())
        return list(ordered.values())

    def begin(self) -> None:
        """Run each new interval for the first time, as soon as those it depends on have succeeded once."""
        scheduler = self.scheduler
        for task in [self.tasks[each] for each in list(self._to_begin)] if scheduler is not None else ():
            assert scheduler is not None
            own, *others = [scheduler.job(self._names[each]) for each in (task.id, *task.depends_on)]
            if any(job is None or job.info()["last_success_at"] is None for job in others):
                continue
            if own is not None and own.status != "active":
                continue  # somebody has paused it
            self._to_begin.discard(task.id)
            if own is not None and own.last_run() is None:
                own.run()

    def refresh(self) -> None:
        """Bring every task up to what the database knows of its executions."""
        if self.scheduler is None:
            return
        for task in list(self.tasks.values()):
            job = self.scheduler.job(self._names[task.id])
            if job is None:
                continue
            for run in reversed(job.runs(20)):
                if run.id <= self._ended[task.id] or run.status == "skipped":
                    continue
                if run.status == "running":
                    task.status = TaskStatus.RUNNING
                if run.has_ended and run.started_at is not None:
                    self._ended[task.id] = run.id
                    if run.status == "success":
                        task.note(run.started_at, TaskStatus.SUCCESS, run.value, None)
                    else:
                        task.note(run.started_at, TaskStatus.FAILED, None, TaskFailed(run.error or run.status))


async def _awaited(result: Any) -> Any:
    return await result


registry = TaskRegistry()
_stopped = threading.Event()


def start_scheduler(interval: float = 1.0, blocking: bool = False) -> None:
    """Make the registered tasks jobs, start a daemon, and keep the tasks up to date every *interval* seconds.

    As with tick(), an interval comes first at once, or as soon as what it depends on has succeeded; a program that is started
    again goes on with the interval where it was.

    blocking  stay here until Ctrl-C or SIGTERM; otherwise everything ends with the program
    """
    if is_being_imported():
        return
    if registry.scheduler is None:
        _start(Scheduler())
        registry.begin()
        _stopped.clear()
        threading.Thread(target=_look, args=(interval,), name="tasks", daemon=True).start()
    if blocking and registry.scheduler is not None:
        try:
            registry.scheduler.start(blocking=True)
        finally:
            stop_scheduler()


def _start(scheduler: Scheduler) -> None:
    registry.scheduler = scheduler
    registry._names.clear()
    registry._ended.clear()
    registry._to_begin.clear()
    try:
        registry.declare(scheduler)
        scheduler.start()
    except BaseException:
        registry.scheduler = None
        scheduler.close()
        raise


def _look(interval: float) -> None:
    while not _stopped.wait(interval):
        try:
            registry.refresh()
            registry.begin()
        except Exception:  # the database is away, or the program ends: the next look may do
            time.sleep(interval)


def stop_scheduler() -> None:
    """Stop, and look a last time; the jobs stay in the database."""
    if registry.scheduler is not None:
        _stopped.set()
        registry.scheduler.stop()
        registry.refresh()
        registry.scheduler.close()
        registry.scheduler = None
