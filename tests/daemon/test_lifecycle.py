"""Start, edits while it runs, drain, kill -9, restart of PostgreSQL, two of a kind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.cluster import Cluster
from tests.support.daemons import Daemon, Rows, wait_for

Make = Callable[..., Daemon]


def within(rows: Rows, query: str, expected: Any, seconds: float = 2.0) -> None:
    wait_for(lambda: rows.one(query) == expected, seconds, f"{query} = {expected}, is {rows.one(query)}")


def descendants(daemon: Daemon) -> list[psutil.Process]:
    return psutil.Process(daemon.pid).children(recursive=True)


def outliving(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return which of these still do anything after so many seconds; a zombie does nothing."""
    until = time.monotonic() + seconds
    while alive := [each for each in processes if _is_alive(each)]:
        if time.monotonic() > until:
            return alive
        time.sleep(0.01)
    return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_operators_sql_takes_effect_without_a_restart(make_daemon: Make, rows: Rows) -> None:
    """Every statement of the operators' manual, as printed there."""
    make_daemon().start()
    sql = rows.connection.execute
    sql("SELECT setval(pg_get_serial_sequence('schedule_jobs', 'id'), 1, false)")
    sql("""INSERT INTO schedule_jobs (name, job_type, status, interval, market_codes, parameters)
VALUES ('새 작업 이름', 'plain_parameters', 'active', '30m', ARRAY['coupang', 'naver'], '{"batch_size": 100}'::jsonb);""")
    within(rows, "SELECT next_run_at BETWEEN now() + interval '29 minutes' AND now() + interval '30 minutes' FROM schedule_jobs",
           True)
    sql("UPDATE schedule_jobs SET status = 'paused' WHERE id = 1;")
    sql("UPDATE schedule_jobs SET status = 'active' WHERE id = 1;")
    sql("UPDATE schedule_jobs SET interval = NULL, specific_times = ARRAY['09:00:00'::time, '18:00:00'::time] WHERE id = 1;")
    within(rows, "SELECT (next_run_at AT TIME ZONE 'Asia/Seoul')::time IN ('09:00', '18:00') FROM schedule_jobs", True)
    sql("UPDATE schedule_jobs SET timeout_minutes = 60 WHERE job_type = 'plain_parameters';")
    sql("UPDATE schedule_jobs SET max_retries = 5 WHERE id = 1;")
    execution = rows.run_now(1)
    assert rows.ended(execution)["result"] == {"batch_size": 100, "with_details": True}
    assert rows.one("SELECT count(*) FROM schedule_locks WHERE job_id = 1") == 0
    assert len(rows.all("SELECT * FROM job_executions WHERE job_id = 1 ORDER BY started_at DESC LIMIT 10")) == 1
    assert rows.one("SELECT last_error FROM schedule_jobs WHERE id = 1") is None


def test_wrong_rows_are_marked_within_two_seconds_and_harm_nobody(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    rows.add_job("bad cron", cron_expression="99 * * * *")
    rows.add_job("bad parameters", "plain_parameters", interval="30m", parameters='{"batchsize": 3}')
    rows.add_job("strange", "nobody_knows", interval="30m")
    within(rows, "SELECT string_agg(status, ' ' ORDER BY id) FROM schedule_jobs WHERE last_error IS NOT NULL",
           "invalid invalid active")
    errors = rows.all("SELECT last_error FROM schedule_jobs ORDER BY id")
    assert "99 * * * *" in errors[0]
    assert "did you mean 'batch_size'?" in errors[1]
    assert "no live node knows" in errors[2]
    assert rows.ended(rows.run_now(rows.add_job("good", "noop")), 2)["status"] == "success"


def test_a_due_job_starts_on_time(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    rows.add_job("soon", "noop", run_at=rows.one("SELECT now() + interval '1.2 seconds'"))
    wait_for(lambda: rows.one("SELECT count(*) FROM job_executions WHERE status = 'success'") == 1, 5)
    assert rows.one("SELECT started_at - scheduled_for < interval '0.5 seconds' FROM job_executions")
    within(rows, "SELECT status FROM schedule_jobs", "completed")


def test_kill_9_ends_the_handlers_and_the_restart_queues_the_retry(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon().start()
    execution = rows.run_now(rows.add_job("long", "c_loop"))
    rows.running(execution)
    wait_for(lambda: len(descendants(daemon)) >= 4, 5, "handler with grandchildren")
    left = descendants(daemon)

    daemon.kill()
    killed_at = time.monotonic()
    assert outliving(left, 1.0) == []
    daemon.start()
    row = rows.ended(execution, 10 - (time.monotonic() - killed_at))

    assert row["status"] == "lost"
    assert rows.one("SELECT status FROM job_executions WHERE retry_of = %s", execution) in ("queued", "running")


def test_another_node_takes_over_after_the_lease(make_daemon: Make, rows: Rows) -> None:
    first = make_daemon("a", lease_seconds=3, heartbeat_seconds=0.7, reap_grace_seconds=1).start()
    execution = rows.run_now(rows.add_job("long", "sleep", parameters='{"seconds": 60}'))
    rows.running(execution)
    make_daemon("b", lease_seconds=3, heartbeat_seconds=0.7, reap_grace_seconds=1).start()
    first.kill()
    assert rows.ended(execution, 12)["status"] == "lost"
    rows.connection.execute("UPDATE job_executions SET available_at = now() WHERE status = 'queued'")
    retry = rows.one("SELECT id FROM job_executions WHERE retry_of = %s", execution)
    rows.running(retry, 5)
    assert rows.one("SELECT node FROM job_executions WHERE id = %s", retry) == "b"


def test_a_frozen_daemon_cannot_keep_its_handlers_past_the_lease(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon("a", lease_seconds=3, heartbeat_seconds=0.7, reap_grace_seconds=1).start()
    make_daemon("b", lease_seconds=3, heartbeat_seconds=0.7, reap_grace_seconds=1, workers=1)
    execution = rows.run_now(rows.add_job("long", "sleep", parameters='{"seconds": 60}', max_retries=0))
    rows.running(execution)
    wait_for(lambda: len(descendants(daemon)) >= 2, 5)
    handlers = [process for process in descendants(daemon) if process.ppid() != daemon.pid]
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        assert outliving(handlers, 4) == []
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert rows.ended(execution, 8)["status"] == "lost"


def test_a_thawed_warden_starts_nothing_whose_lease_is_over(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon("a", lease_seconds=3, heartbeat_seconds=0.7, reap_grace_seconds=0.5).start()
    assert rows.ended(rows.run_now(rows.add_job("first", "noop")))["status"] == "success"
    (warden,) = [process for process in descendants(daemon) if process.ppid() == daemon.pid]
    os.kill(warden.pid, signal.SIGSTOP)
    execution = rows.run_now(rows.add_job("late", "talk", max_retries=0))
    rows.running(execution)
    os.kill(daemon.pid, signal.SIGSTOP)  # no renewal reaches the warden
    time.sleep(2.5)  # the lease itself is what has to pass: three quarters of 3 s
    os.kill(warden.pid, signal.SIGCONT)
    os.kill(daemon.pid, signal.SIGCONT)
    assert rows.ended(execution, 10)["status"] == "lost"
    assert rows.one("SELECT count(*) FROM execution_logs WHERE execution_id = %s", execution) == 0


def test_a_frozen_warden_is_killed_and_replaced(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon("a", lease_seconds=3, heartbeat_seconds=0.7, reap_grace_seconds=0.5).start()
    execution = rows.run_now(rows.add_job("long", "c_loop", max_retries=0))
    rows.running(execution)
    wait_for(lambda: len(descendants(daemon)) >= 4, 5)
    left = descendants(daemon)
    (warden,) = [process for process in left if process.ppid() == daemon.pid]
    os.kill(warden.pid, signal.SIGSTOP)
    assert rows.ended(execution, 12)["status"] == "lost"
    assert outliving(left, 2) == []
    assert rows.ended(rows.run_now(rows.add_job("next", "noop")), 10)["status"] == "success"


def test_a_dead_warden_is_replaced_and_its_executions_are_lost(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon().start()
    execution = rows.run_now(rows.add_job("long", "c_loop", max_retries=0))
    rows.running(execution)
    wait_for(lambda: len(descendants(daemon)) >= 4, 5)
    left = descendants(daemon)
    warden = next(process for process in left if process.ppid() == daemon.pid)
    warden.kill()
    assert rows.ended(execution, 10)["status"] == "lost"
    assert outliving(left, 2) == []
    assert rows.ended(rows.run_now(rows.add_job("next", "noop")))["status"] == "success"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_running_work_end(make_daemon: Make, rows: Rows, number: signal.Signals) -> None:
    daemon = make_daemon(drain_seconds=10).start()
    execution = rows.run_now(rows.add_job("short", "sleep", parameters='{"seconds": 1.5}'))
    waiting = rows.add_job("waiting", "noop")
    rows.running(execution)
    os.kill(daemon.pid, number)
    wait_for(lambda: rows.one("SELECT count(*) FROM scheduler_nodes WHERE state = 'draining'") == 1, 5, "draining")
    queued = rows.run_now(waiting)
    assert daemon.process is not None
    assert daemon.process.wait(15) == 0
    assert rows.status(execution) == "success"
    assert rows.status(queued) == "queued"
    assert rows.one("SELECT state FROM scheduler_nodes") == "stopped"


def test_what_outlasts_the_drain_is_cut_off_and_queued_again_without_blame(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon(drain_seconds=0.5, kill_seconds=0.5).start()
    job = rows.add_job("stubborn", "c_loop", max_retries=0)
    execution = rows.run_now(job)
    rows.running(execution)
    assert daemon.stop() == 0
    assert rows.ended(execution, 1)["status"] == "cancelled"
    assert rows.one("SELECT status, failed_attempts FROM job_executions WHERE retry_of = %s", execution) == ("queued", 0)


def test_the_second_signal_ends_it_quickly(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon(drain_seconds=60, kill_seconds=30).start()
    execution = rows.run_now(rows.add_job("long", "c_loop"))
    rows.running(execution)
    os.kill(daemon.pid, signal.SIGTERM)
    wait_for(lambda: rows.one("SELECT count(*) FROM scheduler_nodes WHERE state = 'draining'") == 1, 5, "draining")
    left = descendants(daemon)
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 3
    assert rows.ended(execution, 1)["status"] == "cancelled"
    assert outliving(left, 1) == []


def test_restarts_of_postgresql_are_outlived(make_daemon: Make, rows: Rows, cluster: Cluster, database: str) -> None:
    import psycopg

    make_daemon(lease_seconds=20, heartbeat_seconds=1).start()
    execution = rows.run_now(rows.add_job("through", "sleep", parameters='{"seconds": 2}'))
    rows.running(execution)
    for _ in range(3):
        cluster.restart("immediate")
    with psycopg.connect(database, autocommit=True) as connection:
        again = Rows(connection)
        assert again.ended(execution, 15)["status"] == "success"
        assert again.ended(again.run_now(again.add_job("after", "noop")), 15)["status"] == "success"


def test_a_start_outlives_a_table_that_somebody_has_locked(make_daemon: Make, rows: Rows, database: str) -> None:
    import psycopg

    with psycopg.connect(database) as operator:
        operator.execute("LOCK TABLE job_types IN ACCESS EXCLUSIVE MODE")
        daemon = make_daemon().start(wait=False)
        wait_for(lambda: b"loop=start" in daemon.output.read_bytes(), 15, "said that it waits")
        operator.rollback()
    assert rows.ended(rows.run_now(rows.add_job("after", "noop")), 15)["status"] == "success"


def test_one_daemon_per_state_folder(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon().start()
    second = Daemon(daemon.dsn, daemon.folder, "a")
    second.output = daemon.folder / "second.txt"
    second.start(wait=False)
    assert second.process is not None
    assert second.process.wait(20) != 0
    assert f"pid {daemon.pid}" in second.output.read_text()


def test_two_handlers_for_one_type_stop_the_start_naming_both(make_daemon: Make, tmp_path: Path) -> None:
    (tmp_path / "doubles.py").write_text(
        "from scheduler.handler import handler\n@handler('noop')\ndef other() -> None: ...\n")
    daemon = make_daemon(handlers="tests.support.jobs,doubles").start(wait=False, PYTHONPATH=str(tmp_path))
    assert daemon.process is not None
    assert daemon.process.wait(20) != 0
    said = daemon.output.read_text()
    assert "tests.support.jobs:noop" in said
    assert "doubles:other" in said


def test_a_library_that_starts_threads_is_spawned_with_a_warning(make_daemon: Make, rows: Rows, tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nfrom scheduler.handler import handler\n"
        "threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
        "@handler('threaded')\ndef threaded() -> dict: return {'threads': threading.active_count()}\n")
    daemon = make_daemon(handlers="tests.support.jobs,threaded").start(PYTHONPATH=str(tmp_path))
    assert rows.ended(rows.run_now(rows.add_job("threaded", "threaded")))["result"] == {"threads": 2}
    assert rows.ended(rows.run_now(rows.add_job("forked", "noop")))["status"] == "success"
    assert "handler.spawned" in daemon.output.read_text()


def test_three_nodes_share_the_work(make_daemon: Make, rows: Rows) -> None:
    for node in "abc":
        make_daemon(node, workers=2).start()
    executions = [rows.run_now(rows.add_job(f"job {n}", "sleep", parameters='{"seconds": 2}')) for n in range(6)]
    assert {rows.ended(each)["status"] for each in executions} == {"success"}
    assert len(rows.all("SELECT DISTINCT node FROM job_executions")) == 3


def test_once_does_what_is_due_and_ends(make_daemon: Make, rows: Rows) -> None:
    executions = [rows.run_now(rows.add_job(f"job {n}", "noop")) for n in range(5)]
    daemon = make_daemon()
    daemon.arguments = ["--once"]
    daemon.start()
    assert daemon.process is not None
    assert daemon.process.wait(20) == 0
    assert {rows.status(each) for each in executions} == {"success"}
