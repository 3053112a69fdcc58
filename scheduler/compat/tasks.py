"""The Task library's names: Task, TaskStatus, TaskRegistry, registry, start_scheduler.

Two ways to run: ``registry.tick()`` runs what is due here and now, in memory; ``start_scheduler()`` makes every task a job
in the database, whose daemon runs it, and tick() then only looks at what became of them.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduler.client.sync import Scheduler
from scheduler.compat.book import is_being_imported
from scheduler.compat.task import Clock, SystemClock, Task, TaskFailed, TaskStatus, task_named
from scheduler.compat.task_jobs import TaskJobs
from scheduler.errors import Conflict
from scheduler.rules.schedule import read_time
from scheduler.running.calls import RESULT_OF, shape_of
from scheduler.words import say

__all__ = ["Task", "TaskFailed", "TaskRegistry", "TaskStatus", "registry", "start_scheduler", "stop_scheduler"]


class TaskRegistry:
    """The tasks of a program."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.tasks: dict[str, Task] = {}
        self.registered_at: dict[str, datetime] = {}
        self.jobs: TaskJobs | None = None

    def register(self, task: Task) -> Task:
        """Take a task. Raises Conflict for an id that another task has."""
        if self.tasks.setdefault(task.id, task) is not task:
            raise Conflict(say(f"id가 {task.id}인 작업이 이미 있습니다", f"there is a task with the id {task.id}"))
        self.registered_at[task.id] = self.clock.now()
        if self.jobs is not None:
            try:
                self.jobs.declare()
            except BaseException:
                del self.tasks[task.id]
                raise
        return task

    def declare(self, scheduler: Scheduler) -> None:
        """Make every task a job of *scheduler*, as start_scheduler() does before it starts the daemon."""
        TaskJobs(self.tasks, self.clock, scheduler).declare()

    def tick(self) -> None:
        """Run what is due, one after the other; with start_scheduler at work, look at what became of the tasks."""
        if self.jobs is not None:
            self.jobs.refresh()
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
        return all(task_named(self.tasks, each).last_success_at is not None for each in task.depends_on)

    def _execute(self, task: Task) -> None:
        shape = shape_of(task.func)
        results = {RESULT_OF + each: task_named(self.tasks, each).result for each in task.depends_on}
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
    if registry.jobs is None:
        _start(Scheduler()).begin()
        _stopped.clear()
        threading.Thread(target=_look, args=(interval,), name="tasks", daemon=True).start()
    if blocking and registry.jobs is not None:
        try:
            registry.jobs.scheduler.start(blocking=True)
        finally:
            stop_scheduler()


def _start(scheduler: Scheduler) -> TaskJobs:
    registry.jobs = jobs = TaskJobs(registry.tasks, registry.clock, scheduler)
    try:
        jobs.declare()
        scheduler.start()
    except BaseException:
        registry.jobs = None
        scheduler.close()
        raise
    return jobs


def _look(interval: float) -> None:
    while not _stopped.wait(interval):
        try:
            if registry.jobs is not None:
                registry.jobs.refresh()
                registry.jobs.begin()
        except Exception:  # the database is away, or the program ends: the next look may do
            time.sleep(interval)


def stop_scheduler() -> None:
    """Stop, and look a last time; the jobs stay in the database."""
    if registry.jobs is not None:
        _stopped.set()
        registry.jobs.scheduler.stop()
        registry.jobs.refresh()
        registry.jobs.scheduler.close()
        registry.jobs = None
