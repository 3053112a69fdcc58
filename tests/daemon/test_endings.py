"""A timeout, a cancel, a fencing: how work is really ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.daemons import Daemon, Rows, wait_for

Make = Callable[..., Daemon]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids_in(file: Path) -> list[int]:
    return [int(pid) for pid in wait_for(lambda: file.exists() and file.read_text().strip() and file.read_text().split())]


def test_a_timeout_ends_c_code_that_ignores_sigterm_with_its_grandchildren(make_daemon: Make, rows: Rows, tmp_path: Path) -> None:
    make_daemon().start()
    file = tmp_path / "pids"
    steady = rows.add_job("steady", "noop")
    job = rows.add_job("loop", "c_loop", parameters=f'{{"file": "{file}"}}', timeout_minutes=0.05, max_retries=0)

    execution = rows.run_now(job)
    pids = pids_in(file)
    begun = time.monotonic()
    assert rows.ended(rows.run_now(steady))["duration_ms"] < 1000
    row = rows.ended(execution)

    assert row["status"] == "timed_out"
    assert 3000 <= row["duration_ms"] < 4000
    assert time.monotonic() - begun < 4.5
    assert len(pids) == 3
    assert not [pid for pid in pids if is_alive(pid)]


@pytest.mark.parametrize("then", ["return", "hang"])
def test_a_double_fork_does_not_escape(make_daemon: Make, rows: Rows, tmp_path: Path, then: str) -> None:
    make_daemon().start()
    file = tmp_path / "pid"
    job = rows.add_job("double", "double_fork", parameters=f'{{"file": "{file}", "then": "{then}"}}', timeout_minutes=0.02,
                       max_retries=0)
    execution = rows.run_now(job)
    (pid,) = pids_in(file)
    rows.ended(execution)
    wait_for(lambda: not is_alive(pid), 3, "grandchild gone")


def test_a_timeout_ends_the_query_inside_the_server(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    execution = rows.run_now(rows.add_job("query", "in_database", timeout_minutes=0.02, max_retries=1))
    assert rows.ended(execution)["status"] == "timed_out"
    assert rows.all("SELECT pid FROM pg_stat_activity WHERE application_name = %s", f"erp-exec-{execution}") == []


def test_a_cancel_lets_the_handler_clean_up(make_daemon: Make, rows: Rows, tmp_path: Path) -> None:
    make_daemon(kill_seconds=5).start()
    file = tmp_path / "said"
    job = rows.add_job("cancel", "asleep", parameters=f'{{"seconds": 60, "file": "{file}"}}')
    execution = rows.run_now(job)
    wait_for(lambda: file.exists() and file.read_text() == "begun")

    rows.connection.execute("UPDATE job_executions SET cancel_requested = true WHERE id = %s", (execution,))
    row = rows.ended(execution, 5)

    assert row["status"] == "cancelled"
    assert file.read_text() == "cancelled"
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_id = %s", job) == 1


def test_a_cancel_ends_a_handler_that_does_not_listen(make_daemon: Make, rows: Rows) -> None:
    make_daemon(kill_seconds=1).start()
    execution = rows.run_now(rows.add_job("deaf", "c_loop"))
    rows.running(execution)
    rows.connection.execute("UPDATE job_executions SET cancel_requested = true WHERE id = %s", (execution,))
    assert rows.ended(execution, 6)["status"] == "cancelled"


def test_a_deleted_lock_ends_the_run_and_the_next_comes_after(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("locked", "sleep", parameters='{"seconds": 60}')
    first = rows.run_now(job)
    rows.running(first)
    second = rows.run_now(job)

    rows.connection.execute("DELETE FROM schedule_locks WHERE job_id = %s", (job,))
    row = rows.ended(first, 5)
    rows.running(second, 5)

    assert row["status"] == "cancelled"
    assert rows.one("SELECT started_at FROM job_executions WHERE id = %s", second) >= row["finished_at"]


def test_a_deleted_job_ends_its_run_and_keeps_its_history(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("gone", "sleep", parameters='{"seconds": 60}')
    first, second = rows.run_now(job), rows.run_now(job)
    rows.running(first)
    rows.connection.execute("DELETE FROM schedule_jobs WHERE id = %s", (job,))
    assert rows.ended(first, 5)["status"] == "cancelled"
    assert rows.ended(second)["error_class"] == "job_deleted"
    assert rows.one("SELECT job_name FROM job_executions WHERE id = %s", first) == "gone"


def test_an_execution_closed_by_hand_is_left_alone(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("closed", "sleep", parameters='{"seconds": 60}')
    execution = rows.run_now(job)
    rows.running(execution)
    rows.connection.execute("UPDATE job_executions SET status = 'failed', error_message = 'by hand' WHERE id = %s", (execution,))
    wait_for(lambda: rows.one("SELECT count(*) FROM schedule_locks WHERE job_id = %s", job) == 0, 10, "lock gone")
    assert rows.one("SELECT error_message FROM job_executions WHERE id = %s", execution) == "by hand"


def test_a_transaction_left_open_on_one_job_delays_no_other(make_daemon: Make, rows: Rows, database: str) -> None:
    import psycopg

    make_daemon(lease_seconds=4, heartbeat_seconds=1).start()
    slow = rows.add_job("slow", "sleep", parameters='{"seconds": 1}')
    other = rows.add_job("other", "sleep", parameters='{"seconds": 6}')
    held, kept = rows.run_now(slow), rows.run_now(other)
    rows.running(held)
    rows.running(kept)
    with psycopg.connect(database) as operator:
        operator.execute("UPDATE schedule_jobs SET priority = 5 WHERE id = %s", (slow,))
        operator.execute("SELECT FROM schedule_locks WHERE job_id = %s FOR UPDATE", (slow,))
        assert rows.ended(kept, 12)["status"] == "success"
        assert rows.status(held) == "running"
    assert rows.ended(held, 5)["status"] in ("success", "lost")


@pytest.mark.parametrize("number", [9, 11])
def test_a_killed_handler_is_a_failed_attempt(make_daemon: Make, rows: Rows, tmp_path: Path, number: int) -> None:
    make_daemon().start()
    file = tmp_path / "pids"
    execution = rows.run_now(rows.add_job("victim", "c_loop", parameters=f'{{"file": "{file}"}}', max_retries=0))
    handler, *grandchildren = pids_in(file)
    os.kill(handler, number)
    assert rows.ended(execution)["exit_code"] == -number
    assert not [pid for pid in grandchildren if is_alive(pid)]
