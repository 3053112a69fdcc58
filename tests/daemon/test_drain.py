"""A node that people drain: it ends what it runs, takes nothing, stays up, and goes on at once when they let it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.daemons import Daemon, Rows, wait_for

Make = Callable[..., Daemon]
STATE = "SELECT state FROM scheduler_nodes ORDER BY started_at DESC LIMIT 1"
PASSED = "SELECT next_run_at < clock_timestamp() - interval '1 second' FROM schedule_jobs WHERE id = %s"
SEEN = "SELECT seen_at > %s + interval '1 second' FROM scheduler_nodes ORDER BY started_at DESC LIMIT 1"
RUNS = "SELECT count(*) FROM job_executions WHERE job_id = %s"


def settled(rows: Rows, state: str, limit: float = 10.0) -> None:
    wait_for(lambda: rows.one(STATE) == state, limit, f"{state}, is {rows.one(STATE)}")


def test_what_runs_ends_and_what_is_due_waits_until_it_is_undone(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon(drain_seconds=10, poll_seconds=1, heartbeat_seconds=1, lease_seconds=10).start()
    running = rows.run_now(rows.add_job("long", "sleep", parameters='{"seconds": 4}'))
    rows.running(running)
    rows.one("SELECT schedule_drain('a', reason => 'disk')")
    settled(rows, "draining")
    due = rows.add_job("due", "noop")
    queued = rows.run_now(due)
    planned = rows.add_job("planned", "noop", interval="1h")
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() + interval '1 second' WHERE id = %s", (planned,))

    assert rows.ended(running)["status"] == "success"
    settled(rows, "drained")
    wait_for(lambda: rows.one(PASSED, planned), 10, "planned time passed")
    mark = rows.one("SELECT clock_timestamp()")
    wait_for(lambda: rows.one(SEEN, mark), 10, "two more reports")
    assert rows.one(STATE) == "drained" and daemon.process is not None and daemon.process.poll() is None
    assert rows.status(queued) == "queued" and rows.one(RUNS, planned) == 0
    assert rows.one("SELECT cause FROM schedule_why(%s)", due) == "drained"
    assert rows.one("SELECT cause FROM schedule_why(%s, (SELECT next_run_at FROM schedule_jobs WHERE id = %s))",
                    planned, planned) == "drained"

    rows.one("SELECT schedule_undrain('a')")
    assert rows.ended(queued, 2)["status"] == "success"
    wait_for(lambda: rows.one(RUNS, planned) == 1, 2, "the missed time is made up for")
    settled(rows, "running")
    assert daemon.stop() == 0


def test_a_drain_outlives_a_restart_and_an_edit_by_hand_counts(make_daemon: Make, rows: Rows) -> None:
    daemon = make_daemon(heartbeat_seconds=1, lease_seconds=10).start()
    settled(rows, "running")
    rows.connection.execute("INSERT INTO schedule_drains (node) VALUES ('a')")
    settled(rows, "drained", 2)
    assert daemon.stop() == 0
    assert rows.one(STATE) == "stopped"
    daemon.start()
    queued = rows.run_now(rows.add_job("waits", "noop"))
    settled(rows, "drained", 2)
    other = make_daemon("b", heartbeat_seconds=1, lease_seconds=10).start()
    assert rows.ended(queued, 5)["node"] == "b"
    assert other.stop() == 0
    waits = rows.run_now(rows.add_job("waits, too", "noop"))
    mark = rows.one("SELECT clock_timestamp()")
    wait_for(lambda: rows.one("SELECT seen_at > %s FROM scheduler_nodes WHERE name = 'a' AND state = 'drained'", mark), 5)
    assert rows.status(waits) == "queued"
    rows.connection.execute("DELETE FROM schedule_drains")
    assert rows.ended(waits, 2)["node"] == "a"


def test_a_burst_of_work_is_cut_off_by_a_drain(make_daemon: Make, rows: Rows) -> None:
    """Whatever was claimed before the drain ends; nothing is claimed after the node has said that it is empty."""
    make_daemon(workers=2, heartbeat_seconds=1, lease_seconds=10).start()
    job = rows.add_job("many", "sleep", parameters='{"seconds": 0.1}', overlap_policy="allow", max_instances=50)
    for _ in range(60):
        rows.run_now(job)
    wait_for(lambda: rows.one("SELECT count(*) FROM job_executions WHERE status = 'success'") >= 4, 20, "some are done")
    rows.one("SELECT schedule_drain('a')")
    settled(rows, "drained")
    counted: Any = "SELECT status, count(*) FROM job_executions GROUP BY status ORDER BY status"
    before = dict(rows.all(counted))
    assert set(before) == {"queued", "success"} and before["queued"] > 0
    mark = rows.one("SELECT clock_timestamp()")
    wait_for(lambda: rows.one(SEEN, mark), 10, "two more reports")
    assert dict(rows.all(counted)) == before
    rows.one("SELECT schedule_undrain('a')")
    wait_for(lambda: dict(rows.all(counted)) == {"success": 60}, 30, "all are done")
