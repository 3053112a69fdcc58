"""Tasks as jobs in the database: made, begun, and followed by what became of their executions."""

from __future__ import annotations

from datetime import UTC

from scheduler.client.declaring import declare
from scheduler.client.functions import program_name, register
from scheduler.client.jobs import Run
from scheduler.client.sync import Scheduler
from scheduler.compat.task import Clock, Task, TaskFailed, TaskStatus, task_named
from scheduler.compat.triggers import local_zone
from scheduler.errors import Conflict
from scheduler.running.calls import bound
from scheduler.words import say


class TaskJobs:
    """The jobs of a program's tasks, one each."""

    def __init__(self, tasks: dict[str, Task], clock: Clock, scheduler: Scheduler) -> None:
        self.tasks = tasks
        self.clock = clock
        self.scheduler = scheduler
        self._names: dict[str, str] = {}
        self._ended: dict[str, int] = {}
        self._to_begin: set[str] = set()

    def declare(self) -> None:
        """Make every task a job, predecessors first. A job of this program that is no task any more is removed."""
        tag = f"tasks:{program_name()}"[:100]
        self._name_all()
        for task in self._in_order():
            if task.id not in self._ended:
                self._declare(task, tag)
        for job in self.scheduler.list_jobs():
            if job.name not in self._names.values() and tag in job.info()["tags"]:
                job.remove()

    def _declare(self, task: Task, tag: str) -> None:
        """Make one task a job. A moment that had passed when it was first heard of comes at once, and never again."""
        name = self._names[task.id]
        former = self.scheduler.job(name)
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
                self.scheduler, name, task.func, None if has_passed else task.when(), bound(task.func, task.args, task.kwargs),
                {"tz": local_zone(), "retries": 0, "tags": [tag], "after_once": others}, tag=tag,
            )
        else:
            self.scheduler.register(task.func)
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
            self.scheduler.core.functions.names[name] = task.id

    def _in_order(self) -> list[Task]:
        ordered: dict[str, Task] = {}

        def place(task: Task, path: tuple[str, ...]) -> None:
            if task.id in path:
                raise Conflict(say(f"서로 기다리는 작업: {' → '.join(path)}", f"tasks wait for each other: {' → '.join(path)}"))
            for each in task.depends_on:
                place(task_named(self.tasks, each), (*path, task.id))
            ordered.setdefault(task.id, task)

        for task in self.tasks.values():
            place(task, ())
        return list(ordered.values())

    def begin(self) -> None:
        """Run each new interval for the first time, as soon as those it depends on have succeeded once."""
        for task in [self.tasks[each] for each in list(self._to_begin)]:
            own, *others = [self.scheduler.job(self._names[each]) for each in (task.id, *task.depends_on)]
            if any(job is None or job.info()["last_success_at"] is None for job in others):
                continue
            if own is not None and own.status != "active":
                continue  # somebody has paused it
            self._to_begin.discard(task.id)
            if own is not None and own.last_run() is None:
                own.run()

    def refresh(self) -> None:
        """Bring every task up to what the database knows of its executions."""
        for task in list(self.tasks.values()):
            job = self.scheduler.job(self._names[task.id])
            for run in reversed(job.runs(20)) if job is not None else ():
                if run.id > self._ended[task.id] and run.status != "skipped":
                    self._follow(task, run)

    def _follow(self, task: Task, run: Run) -> None:
        if run.status == "running":
            task.status = TaskStatus.RUNNING
        if run.has_ended and run.started_at is not None:
            self._ended[task.id] = run.id
            if run.status == "success":
                task.note(run.started_at, TaskStatus.SUCCESS, run.value, None)
            else:
                task.note(run.started_at, TaskStatus.FAILED, None, TaskFailed(run.error or run.status))
