"""The Task library's own example as a real program, and its registry by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler import Scheduler
from scheduler.compat.tasks import Task, TaskRegistry, TaskStatus
from scheduler.errors import Conflict, NotFound
from scheduler.testing import FakeClock
from scheduler.words import set_language
from tests.doors.conftest import a_job
from tests.doors.programs import Program, example

NEXT_MINUTE_SECONDS = 75.0


def ten() -> int:
    return 10


def fails() -> None:
    raise RuntimeError("no")


async def with_result(dep_load: int, **rest: Any) -> int:
    return dep_load + len(rest)


def test_the_example_does_what_it_says(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(example("tasks"), encoding="utf-8")
    program = Program(file, database)
    try:
        program.says("Executing add(10, 20) -> 30", times=2, limit=30)
        program.says("Logging: One-off task executed!", limit=45)
        program.says("Executing multiply(7, 8) -> 56", limit=NEXT_MINUTE_SECONDS)
        assert program.interrupt() == 0
    finally:
        program.remove()

    found = connection.execute("SELECT name, job_type, status FROM schedule_jobs ORDER BY name").fetchall()
    assert found == [("example.add", "py:example.add", "active"), ("example.log_message", "py:example.log_message", "completed"),
                     ("example.multiply", "py:example.multiply", "active")]
    first, second = (connection.execute(
        "SELECT min(finished_at) FROM job_executions WHERE job_name = %s AND status = 'success'", (name,)
    ).fetchone() for name in ("example.add", "example.multiply"))
    assert first is not None and second is not None and first[0] < second[0], "multiply waits for add"


FOLLOWED = '''
import time
from datetime import datetime
from scheduler import Scheduler
from scheduler.compat.tasks import Task, registry, start_scheduler, stop_scheduler

def load():
    return 30

def use(dep_load, **rest):
    return [dep_load, sorted(rest)]

def fails():
    raise ValueError("wrong")

if __name__ == "__main__":
    load_task = registry.register(Task(id="load", every={"seconds": 1}, func=load))
    other = registry.register(Task(every={"seconds": 1}, func=load))
    used = registry.register(Task(every={"seconds": 1}, func=use, depends_on=["load", other.id]))
    bad = registry.register(Task(every={"seconds": 1}, func=fails))
    registry.register(Task(id="passed", run_at=datetime(2020, 1, 1), func=load))
    start_scheduler(interval=0.2)
    limit = time.monotonic() + 40
    while time.monotonic() < limit and not (used.last_success_at and bad.error):
        time.sleep(0.05)
    print(used.status, used.result[0], used.result[1] == [f"dep_{other.id}"])
    print(bad.status, repr(bad.error), bad.history[0]["status"], load_task.result, len(load_task.history) > 0)
    stop_scheduler()
    print("end")
'''


def test_tasks_are_kept_up_to_date_and_results_are_handed_on(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    file = tmp_path / "followed.py"
    connection.execute("INSERT INTO schedule_jobs (name, job_type) VALUES ('of an operator', 'noop')")
    for text in (FOLLOWED, FOLLOWED.replace('    bad = ', '    bad = other if True else ').replace("and bad.error", "and True")):
        file.write_text(text, encoding="utf-8")
        program = Program(file, database)
        try:
            said = program.ended()
        finally:
            program.remove()
        assert "SUCCESS 30 True" in said
        if text is FOLLOWED:
            assert "FAILED TaskFailed('ValueError: wrong') FAILED 30 True" in said

    names = {name for (name,) in connection.execute("SELECT name FROM schedule_jobs").fetchall()}
    assert names == {"load", "followed.load", "followed.use", "passed", "of an operator"}, "what is no task any more is removed"
    ran = connection.execute("SELECT count(*) FROM job_executions WHERE job_name = 'passed' AND status = 'success'").fetchone()
    assert ran == (1,), "what had passed came at once, and never again"


AT_ONCE = '''
import time
from scheduler import Scheduler
from scheduler.compat.tasks import Task, registry, start_scheduler, stop_scheduler

def add(a, b):
    return a + b

def use(dep_add=None):
    return dep_add

if __name__ == "__main__":
    used = registry.register(Task(id="use", every={"hours": 10}, func=use, depends_on=["add"]))
    added = registry.register(Task(id="add", every={"hours": 10}, func=add, args=(1, 2)))
    start_scheduler(interval=0.2)
    limit = time.monotonic() + 40
    while time.monotonic() < limit and not (added.history and used.history) and not WAIT:
        time.sleep(0.05)
    time.sleep(WAIT)
    print(added.status, added.result, used.status, used.result, len(added.history))
    stop_scheduler()
'''


def test_an_interval_first_comes_at_once_and_goes_on_after_a_restart(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    file = tmp_path / "at_once.py"
    for wait, said in (("0", "SUCCESS 3 SUCCESS 3 1"), ("2", "PENDING None PENDING None 0")):
        file.write_text(AT_ONCE.replace("WAIT", wait), encoding="utf-8")
        program = Program(file, database)
        try:
            assert said in program.ended()
        finally:
            program.remove()

    found = connection.execute("SELECT job_name, count(*) FROM job_executions GROUP BY 1 ORDER BY 1").fetchall()
    assert found == [("add", 1), ("use", 1)]


def test_a_job_of_others_is_neither_taken_over_nor_removed(database: str, connection: psycopg.Connection[Any]) -> None:
    set_language("en")
    a_job(connection, "orders")
    with Scheduler(database) as s:
        registry = TaskRegistry()
        registry.register(Task(id="orders", every={"minutes": 10}, func=ten))
        with pytest.raises(Conflict, match=r'job "orders" \(order_collection\) was not made by this program'):
            registry.declare(s)
        other = TaskRegistry()
        other.register(Task(id="other", every={"minutes": 10}, func=ten))
        other.declare(s)

    assert connection.execute("SELECT name, job_type FROM schedule_jobs ORDER BY id").fetchone() == ("orders", "order_collection")


def test_a_task_has_exactly_one_schedule() -> None:
    for given in ({}, {"every": {"minutes": 5}, "at": "14:30"}):
        with pytest.raises(ValueError, match=r"every, at, run_at"):
            Task(func=ten, **given)
    assert Task(func=ten, at="14:30").status is TaskStatus.PENDING
    assert len(Task(func=ten, at="14:30").id) == 32


def test_an_interval_by_the_clock() -> None:
    clock = FakeClock()
    registry = TaskRegistry(clock)
    task = registry.register(Task(every={"minutes": 5}, func=ten))

    registry.tick()
    registry.tick()
    assert (task.status, task.result, len(task.history)) == (TaskStatus.SUCCESS, 10, 1)
    clock.advance("5m")
    registry.tick()
    assert len(task.history) == 2 and task.last_run_at == task.last_success_at == clock.now()


def test_a_time_of_day_and_a_moment_by_the_clock() -> None:
    noon = datetime.now().astimezone().replace(hour=12, minute=0, second=0, microsecond=0)
    clock = FakeClock(noon)
    registry = TaskRegistry(clock)
    daily = registry.register(Task(at="14:30", func=ten))
    passed = registry.register(Task(at="11:00", func=ten))
    once = registry.register(Task(run_at=(noon + timedelta(hours=1)).astimezone(UTC), func=ten))

    registry.tick()
    assert not daily.history and not passed.history and not once.history
    clock.advance("3h")
    for _ in range(2):
        registry.tick()
    assert [len(each.history) for each in (daily, passed, once)] == [1, 0, 1]
    clock.advance("1d")
    registry.tick()
    assert [len(each.history) for each in (daily, passed, once)] == [2, 1, 1]


def test_a_task_waits_until_the_others_have_succeeded_once() -> None:
    clock = FakeClock()
    registry = TaskRegistry(clock)
    after = registry.register(Task(every={"seconds": 1}, func=with_result, kwargs={"x": 1}, depends_on=["load"]))
    load = registry.register(Task(id="load", every={"hours": 1}, func=ten))

    registry.tick()
    assert after.status is TaskStatus.PENDING and load.status is TaskStatus.SUCCESS
    load.last_success_at, load.result = clock.now(), 10
    registry.tick()
    assert after.result == 11


def test_a_failure_is_kept_and_stops_nothing() -> None:
    registry = TaskRegistry(FakeClock())
    bad, good = (registry.register(Task(every={"seconds": 1}, func=each)) for each in (fails, ten))

    registry.tick()

    assert (bad.status, str(bad.error), bad.last_success_at) == (TaskStatus.FAILED, "no", None)
    assert good.status is TaskStatus.SUCCESS


def test_ids_are_unique_and_known() -> None:
    registry = TaskRegistry(FakeClock())
    registry.register(Task(id="a", every={"seconds": 1}, func=ten, depends_on=["b"]))
    with pytest.raises(Conflict):
        registry.register(Task(id="a", every={"seconds": 1}, func=ten))
    with pytest.raises(NotFound):
        registry.tick()
