"""Jobs after jobs, and schedules with more to them, in a real daemon."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from scheduler.protocol import requests
from tests.support.daemons import Daemon, Rows, wait_for

Make = Callable[..., Daemon]
ENDED = "SELECT status, result FROM job_executions WHERE job_id = %s ORDER BY id DESC LIMIT 1"


def a_chain(rows: Rows, gate: Path) -> list[int]:
    """Make five jobs in a row; the middle one fails until the gate is there."""
    parameters = [f'{{"fail_unless": "{gate}"}}' if place == 2 else "{}" for place in range(5)]
    jobs = [
        rows.add_job(f"step {place + 1}", "step", max_retries=0, parameters=given) for place, given in enumerate(parameters)
    ]
    for former, job in pairwise(jobs):
        rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (job, former))
    return jobs


def test_a_chain_stops_at_its_failing_middle_and_is_resumed_by_a_retry(make_daemon: Make, rows: Rows, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    jobs = a_chain(rows, gate)
    repair = rows.add_job("repair", "step")
    edge = "INSERT INTO job_dependencies (job_id, depends_on, outcome) VALUES (%s, %s, 'failure')"
    rows.connection.execute(edge, (repair, jobs[2]))
    make_daemon().start()
    rows.run_now(jobs[0])

    wait_for(lambda: rows.one("SELECT count(*) FROM job_executions WHERE job_id = %s AND status = 'success'", repair) == 1)
    assert rows.one(ENDED, jobs[2])[0] == "failed"
    assert rows.one("SELECT count(*) FROM job_executions WHERE job_id = ANY (%s)", jobs[3:]) == 0
    gate.touch()
    failed = rows.one("SELECT id FROM job_executions WHERE job_id = %s", jobs[2])
    requests.retry(rows.connection, failed)

    wait_for(lambda: rows.one(ENDED, jobs[4]) is not None and rows.one(ENDED, jobs[4])[0] == "success")
    assert rows.one(ENDED, jobs[4])[1] == {"passed": 5, "before": ["step 4"]}
    runs = rows.all("SELECT job_id, count(*) FILTER (WHERE status = 'success') FROM job_executions GROUP BY job_id")
    assert dict(runs) == dict.fromkeys([*jobs, repair], 1)


def test_several_executions_of_one_job_run_at_once(make_daemon: Make, rows: Rows) -> None:
    job = rows.add_job("wide", "sleep", max_instances=3, overlap_policy="allow", parameters='{"seconds": 20}')
    make_daemon().start()
    for _ in range(4):
        rows.run_now(job)
    slots = "SELECT array_agg(slot ORDER BY slot) FROM job_executions WHERE status = 'running'"
    wait_for(lambda: rows.one(slots) == [0, 1, 2])
    rows.connection.execute("DELETE FROM schedule_locks WHERE job_id = %s AND slot = 1", (job,))
    wait_for(lambda: rows.one("SELECT count(*) FROM job_executions WHERE status = 'cancelled'") == 1)
    wait_for(lambda: rows.one(slots) == [0, 1, 2])


def test_the_newest_planned_time_ends_the_former(make_daemon: Make, rows: Rows) -> None:
    rows.connection.execute("UPDATE scheduler_settings SET value = '1 second' WHERE name = 'minimum_interval'")
    job = rows.add_job("impatient", "asleep", interval="2s", overlap_policy="cancel_running", parameters='{"seconds": 60}')
    make_daemon().start()
    wait_for(lambda: rows.one("SELECT count(*) FROM job_executions WHERE job_id = %s AND status = 'cancelled'", job) >= 2)
    others = "SELECT count(*) FROM job_executions WHERE job_id = %s AND status IN ('failed', 'lost', 'success', 'timed_out')"
    assert rows.one(others, job) == 0


def test_a_pause_with_an_end_and_the_forecast_follow_an_edit(make_daemon: Make, rows: Rows) -> None:
    make_daemon().start()
    job = rows.add_job("daily", specific_times=["09:00"], days_of_week="mon-fri", on_holiday="next")
    words = "SELECT en FROM schedule_words WHERE job_id = %s"
    wait_for(lambda: rows.one(words, job) is not None, 5)
    assert rows.one("SELECT count(*) FROM schedule_forecast WHERE job_id = %s AND run_at IS NOT NULL", job) >= 8
    rows.connection.execute("UPDATE schedule_jobs SET paused_until = now() + interval '1 second' WHERE id = %s", (job,))
    status = "SELECT status FROM schedule_jobs WHERE id = %s"
    assert rows.one(status, job) == "paused"
    wait_for(lambda: rows.one(status, job) == "active", 10)
