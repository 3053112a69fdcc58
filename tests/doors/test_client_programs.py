"""Programs with functions of their own: the daemon they start, what it prints, and how all of it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from scheduler import Scheduler, every
from scheduler.errors import Conflict
from tests.doors.programs import Program
from tests.doors.test_client import add
from tests.support.daemons import Daemon, Rows, wait_for

Start = Callable[..., Program]
PID = "SELECT pid FROM scheduler_nodes ORDER BY started_at DESC"

WHOLE = '''
import asyncio
from datetime import date
from scheduler import Context, Scheduler, every

def add(a: int, b: int, when: date = date(2026, 1, 1)):
    print(f"Executing add({a}, {b}) -> {a + b} in {when.year}")
    return a + b

async def later(context: Context, who, *args, **rest):
    await asyncio.sleep(0)
    context.log.info("said", who=who)
    return {"who": who, "args": list(args), "rest": rest}

if __name__ == "__main__":
    with Scheduler() as s:
        job = s.schedule("더하기", add, every(seconds=2), a=10, b=20)
        then = s.schedule("then", later, after=[job], who="me", args=[1, 2])
        s.start()
        run = job.run(a=1, when="2027-05-05")
        print("value", run.wait("30s").value, run.status)
        print("then", then.wait("30s").result)
        print("rate", job.stats(days=1).success_rate)
        bad = s.run_once(add, a=1, b=2)
        print("once", bad.wait("30s").value)
    print("end")
'''

BLOCKING = '''
from scheduler import Scheduler, every

def tick():
    print("tick")

if __name__ == "__main__":
    s = Scheduler()
    s.schedule("tick", tick, every(seconds=1))
    s.start(blocking=True)
    print("after")
'''

UNGUARDED = '''
from scheduler import Scheduler, every

def tick():
    print("tick")

s = Scheduler()
s.schedule("tick", tick, every(seconds=1))
s.start()
'''

LATE = '''
import time
from scheduler import Scheduler
import helpers_of_mine

def first():
    print("first runs")

if __name__ == "__main__":
    s = Scheduler()
    job = s.schedule("first", first)
    s.start()
    job.run().wait("30s")
    second = s.schedule("second", helpers_of_mine.second)
    print("second", second.run().wait("30s").value)
    s.stop()
    print("stopped")
'''


def pid_of(connection: psycopg.Connection[Any]) -> int:
    """Return the process of the newest daemon."""
    return int(Rows(connection).one(PID))


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Start]:
    """Write a program, start it, and end what is left of it."""
    programs: list[Program] = []

    def begin(text: str, name: str = "example.py", **more: str) -> Program:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        programs.append(Program(file, database, **more))
        return programs[-1]

    yield begin
    for each in programs:
        each.remove()


def test_functions_run_in_the_daemon_of_their_program(start: Start, connection: psycopg.Connection[Any]) -> None:
    said = start(WHOLE).ended()

    assert "value 21 success" in said and "Executing add(1, 20) -> 21 in 2027" in said
    assert "then {'who': 'me', 'args': [1, 2], 'rest': {'dep_더하기': " in said
    assert "rate 1.0" in said and "once 3" in said and said.rstrip().endswith("end")
    types = {name for (name,) in connection.execute("SELECT DISTINCT job_type FROM schedule_jobs").fetchall()}
    assert types == {"py:example.add", "py:example.later"}
    assert not psutil.pid_exists(pid_of(connection))


THREADED = '''
import os, threading, time
from scheduler import Scheduler

threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()

def one(pairs):
    return [pairs, os.environ.get("MY_KEY"), "DATABASE_URL" in os.environ]

def two():
    raise RuntimeError("bad")

if __name__ == "__main__":
    with Scheduler() as s:
        first = s.schedule("one", one, pairs=[1, {"a": (1, 2)}])
        second = s.schedule("two", two, retries=0)
        s.start()
        print("one", first.run().wait("30s").value)
        print("two", second.run().wait("30s").status, second.last_run().error)
'''


def test_a_program_with_threads_and_an_environment_of_its_own(start: Start, connection: psycopg.Connection[Any]) -> None:
    said = start(THREADED, "my own 프로그램.py", MY_KEY="k").ended()

    assert "one [[1, {'a': [1, 2]}], 'k', False]" in said and "two failed RuntimeError: bad" in said
    types = Rows(connection).all("SELECT DISTINCT job_type FROM schedule_jobs ORDER BY 1")
    assert [each.rpartition("-")[0] for each in types] == ["py:my_own_____.one", "py:my_own_____.two"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_blocking_program_ends_with_its_daemon(
    start: Start, connection: psycopg.Connection[Any], number: signal.Signals
) -> None:
    program = start(BLOCKING)
    program.says("tick", times=2)
    pid = pid_of(connection)

    program.process.send_signal(number)

    assert program.process.wait(40) == 0 and "after" in program.text
    assert not psutil.pid_exists(pid)


def test_the_daemon_of_a_killed_program_ends_by_itself(start: Start, connection: psycopg.Connection[Any]) -> None:
    program = start(BLOCKING)
    program.says("tick")
    pid = pid_of(connection)

    os.kill(program.process.pid, signal.SIGKILL)

    program.process.wait()
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 40, "daemon gone")


def test_a_program_started_twice_goes_on_with_its_job(start: Start, connection: psycopg.Connection[Any]) -> None:
    for _ in range(2):
        program = start(BLOCKING)
        program.says("tick")
        assert program.interrupt() == 0

    assert connection.execute("SELECT count(*), max(run_count) >= 2 FROM schedule_jobs").fetchone() == (1, True)


def test_a_program_without_a_guard_is_told_so(start: Start) -> None:
    program = start(UNGUARDED)

    assert program.process.wait(60) == 1
    assert '`if __name__ == "__main__":`' in program.text


def test_a_function_that_comes_late_is_known_soon(start: Start, tmp_path: Path) -> None:
    (tmp_path / "helpers_of_mine.py").write_text("def second():\n    return [1, {'a': None}]\n")

    said = start(LATE).ended()

    assert "first runs" in said and "second [1, {'a': None}]" in said and "stopped" in said


def test_only_registered_functions_can_be_called(start: Start, connection: psycopg.Connection[Any]) -> None:
    program = start(BLOCKING)
    program.says("tick")
    job = Rows(connection).add_job("bad", "py:os.system", parameters='{"command": "true"}')

    wait_for(lambda: "no live node knows" in (Rows(connection).one(
        "SELECT last_error FROM schedule_jobs WHERE id = %s", job) or ""), 30, "the type is unknown")


def test_a_running_daemon_is_used_only_where_it_knows_the_functions(database: str, tmp_path: Path) -> None:
    daemon = Daemon(database, tmp_path).start()
    try:
        with Scheduler(database, state_dir=daemon.state_dir) as s:
            job = s.schedule("nothing", "noop")
            s.start()
            assert job.run().wait("30s").status == "success"
        assert daemon.process is not None and daemon.process.poll() is None, "what we did not start, we do not stop"
        with Scheduler(database, state_dir=daemon.state_dir) as s:
            s.schedule("mine", add, every("1h"), a=1)
            with pytest.raises(Conflict, match=r"py:tests\.doors\.test_client\.add"):
                s.start()
    finally:
        daemon.remove()
