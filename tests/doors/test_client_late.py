"""Functions that come while the daemon is at work: one that it cannot know, and work that is not to be cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from scheduler import Scheduler, every
from scheduler.errors import ConfigError, SchedulerError
from scheduler.words import set_language
from tests.doors.test_client_programs import Start, start  # noqa: F401
from tests.support.daemons import Rows, wait_for

LIVING = "SELECT pid FROM scheduler_nodes WHERE state <> 'stopped' AND seen_at > now() - interval '1 minute' ORDER BY started_at"

UNKNOWABLE = '''
from scheduler import Scheduler, every
from scheduler.errors import ConfigError

def first():
    return 1

if __name__ == "__main__":
    def late():
        return 2

    with Scheduler() as s:
        job = s.schedule("first", first, every(seconds=1))
        s.start()
        job.wait("30s")
        try:
            s.schedule("late", late, every(seconds=1))
        except ConfigError as error:
            print("refused:", error)
        print("still", s.running, sorted(s.jobs), job.run().wait("30s").value)
'''


def test_a_function_that_no_daemon_can_know_is_refused_and_all_goes_on(start: Start) -> None:  # noqa: F811
    said = start(UNKNOWABLE).ended()

    assert "has no function late when it is imported; define it outside of" in said
    assert "still True ['first'] 1" in said


WORKING = '''
import os, time
from scheduler import Scheduler
import helpers_of_mine

def slow():
    while not os.path.exists("go"):
        time.sleep(0.05)
    return "done"

if __name__ == "__main__":
    with Scheduler() as s:
        job = s.schedule("slow", slow, retries=0)
        s.start()
        run = job.run()
        while run.refresh().status != "running":
            time.sleep(0.05)
        late = s.schedule("late", helpers_of_mine.late)
        print("late", late.run().wait("60s").value, run.refresh().status, flush=True)
        time.sleep(12)  # longer than a daemon that is stopped would wait for it
        print("meanwhile", run.refresh().status, late.run().wait("60s").value, flush=True)
        open("go", "w").close()
        run.wait("30s")
        print("slow", run.status, run.value, run.attempt, flush=True)
        while not os.path.exists("seen"):
            time.sleep(0.05)
    print("end")
'''


def test_what_runs_when_a_function_comes_runs_to_its_end(
    start: Start, connection: psycopg.Connection[Any], tmp_path: Path  # noqa: F811
) -> None:
    (tmp_path / "helpers_of_mine.py").write_text("def late():\n    return 2\n")
    program = start(WORKING)
    rows = Rows(connection)
    program.says("late 2 running")
    former, successor = rows.all(LIVING)
    program.says("slow success done 1")
    wait_for(lambda: rows.all(LIVING) == [successor], 30, "the former daemon has gone")
    (tmp_path / "seen").touch()
    said = program.ended()

    assert "meanwhile running 2" in said and "end" in said
    assert not psutil.pid_exists(successor) and former != successor


def test_a_program_that_ends_takes_both_of_its_daemons_along(
    start: Start, connection: psycopg.Connection[Any], tmp_path: Path  # noqa: F811
) -> None:
    (tmp_path / "helpers_of_mine.py").write_text("def late():\n    return 2\n")
    program = start(WORKING, ERP_SCHEDULER_DRAIN_SECONDS="0")
    program.says("late 2 running")
    pids = Rows(connection).all(LIVING)
    program.process.kill()
    program.process.wait()

    assert len(pids) == 2
    wait_for(lambda: not [each for each in pids if _is_at_work(each)], 40, "both daemons gone")


def _is_at_work(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def early() -> int:
    return 1


def later() -> int:
    return 2


@pytest.fixture
def s(database: str, tmp_path: Path) -> Iterator[Scheduler]:
    set_language("en")
    with Scheduler(database, workers=1, kill_seconds=1, state_dir=tmp_path / "state") as opened:
        opened.schedule("early", early)
        opened.start(echo=False)
        yield opened


def test_a_successor_that_does_not_start_changes_nothing_and_is_told_at_the_next_call(
    s: Scheduler, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows(connection)
    (pid,) = rows.all(LIVING)
    with monkeypatch.context() as broken:
        broken.setattr(s._daemon, "_environment", lambda folder: {"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
        with s.turn:
            waiting = s.schedule("later", later, every("1h")).run()
        wait_for(lambda: rows.one("SELECT status FROM schedule_jobs WHERE name = 'later'") == "paused", 60, "set aside")
        wait_for(lambda: s._trouble is not None, 10, "the trouble is kept")
        with pytest.raises(SchedulerError, match=r"functions that came late are not known: py:.*later\njobs paused: later\n"):
            s.schedule("early", early)

    assert waiting.wait("10s").status == "cancelled", "nobody waits for what nobody runs"
    assert s.running and rows.all(LIVING) == [pid] and s.jobs["early"].run().wait("30s").value == 1
    job = s.schedule("later", later, every("1h"))
    wait_for(lambda: job.status == "active", 60, "a daemon that knows the function has come")
    assert job.run().wait("30s").value == 2


def test_running_is_true_only_while_the_daemon_is_there(s: Scheduler) -> None:
    assert s.running and s._daemon.process is not None
    s._daemon.process.kill()
    s._daemon.process.wait()
    assert not s.running
    s.start(echo=False)
    assert s.running and s.jobs["early"].run().wait("30s").value == 1
    s.stop()
    assert not s.running


def test_a_start_that_fails_leaves_nothing_behind(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_language("en")
    s = Scheduler(database, state_dir=tmp_path / "state")
    s.schedule("early", early)
    with monkeypatch.context() as broken:
        broken.setattr(s._daemon, "_environment", lambda folder: {"DATABASE_URL": "nonsense"})
        with pytest.raises(ConfigError, match="did not start"):
            s.start()
    assert not s.running and s._console is None
    s.close()
