"""What the view of problems tells, and what it leaves out: one test a kind."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.daemons import Rows

TOLD = "SELECT severity, ko, en FROM schedule_problems WHERE kind = %s ORDER BY job_name, ko"


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


def add_node(rows: Rows, name: str, silent: str = "1 second", workers: int = 2) -> str:
    """Write a node that was heard of so long ago; return its instance."""
    return str(rows.one(
        "INSERT INTO scheduler_nodes (instance_id, name, host, pid, version, workers, lease_seconds, seen_at, job_types)"
        " VALUES (gen_random_uuid(), %s, 'h', 1, '1', %s, 30, now() - %s::interval, '{noop}') RETURNING instance_id",
        name, workers, silent))


def run(rows: Rows, job: int, status: str, ago: str, took: str | None = None, **columns: Any) -> int:
    """Write an execution that was planned and begun so long ago."""
    given = {"job_id": job, "job_name": f"job {job}", "job_type": "noop", "trigger": "schedule", "status": status, **columns}
    begun = "now() - %(ago)s::interval"
    ended = "NULL" if status in ("queued", "running") else f"{begun} + coalesce(%(took)s, '0')::interval"
    lasted = "NULL" if took is None else "extract(epoch FROM %(took)s::interval) * 1000"
    names, marks = ", ".join(given), ", ".join(f"%({name})s" for name in given)
    moved = "NULL" if status in ("queued", "skipped") else begun
    made = rows.connection.execute(
        f"INSERT INTO job_executions ({names}, scheduled_for, available_at, started_at, finished_at, duration_ms)"
        f" VALUES ({marks}, {begun}, {begun}, {moved}, {ended}, {lasted}) RETURNING id", {**given, "ago": ago, "took": took})
    return int(made.fetchone()[0])  # type: ignore[index]


def test_an_error_is_told_by_its_first_line(rows: Rows) -> None:
    job = rows.add_job("orders", interval="1 hour")
    rows.connection.execute("SET application_name = 'erp-scheduler daemon t'")
    error = "\n  HTTP 401\r\nTraceback (most recent call last):\n  File x"
    rows.connection.execute("UPDATE schedule_jobs SET consecutive_failures = 3, last_error = %s WHERE id = %s", (error, job))
    assert rows.all(TOLD, "failing") == [(3, "3번 이어서 실패: HTTP 401", "failed 3 times in a row: HTTP 401")]
    assert rows.one("SELECT cause FROM schedule_problems WHERE kind = 'failing'") == "HTTP 401"
    rows.connection.execute("UPDATE schedule_jobs SET status = 'invalid', last_error = NULL WHERE id = %s", (job,))
    assert rows.all(TOLD, "invalid") == [(2, "설정 오류: ", "it cannot be run as written: ")]


def test_a_node_that_fell_silent_is_told_with_the_locks_it_holds(rows: Rows) -> None:
    add_node(rows, "b", silent="3 minutes")
    assert rows.all(TOLD, "dead_node") == []  # no_node says it
    job = rows.add_job("orders", interval="1 hour")
    rows.connection.execute("INSERT INTO schedule_locks (job_id, node, execution_id) VALUES (%s, 'b', 1)", (job,))
    held = (2, "노드 b에서 응답이 없습니다 (잠금 1건 보유)", "node b does not answer (it holds 1 lock)")
    assert rows.all(TOLD, "dead_node") == [held]
    add_node(rows, "a")
    rows.connection.execute("DELETE FROM schedule_locks")
    assert rows.all(TOLD, "dead_node") == [(2, "노드 b에서 응답이 없습니다", "node b does not answer")]
    add_node(rows, "b")
    add_node(rows, "c", silent="2 days")
    assert rows.all("SELECT kind FROM schedule_problems") == []


def test_a_series_that_is_mostly_skipped_is_told(rows: Rows) -> None:
    add_node(rows, "a")
    most, few, closed = (rows.add_job(name, interval="4 hours") for name in ("most", "few", "closed"))
    for hours in (1, 5, 9, 13, 17, 21):
        run(rows, most, "skipped" if hours > 5 else "success", f"{hours} hours", skip_reason="overlap" if hours > 5 else None)
        run(rows, few, "skipped" if hours > 13 else "success", f"{hours} hours", skip_reason="overlap" if hours > 13 else None)
        run(rows, closed, "skipped", f"{hours} hours", skip_reason="holiday")
    run(rows, few, "skipped", "25 hours", skip_reason="overlap")
    assert rows.all(TOLD, "skipping") == [
        (3, "지난 24시간에 예정 6회 중 4회 건너뜀: 앞 실행이 끝나지 않음",
         "4 of 6 runs planned in the last 24 hours were skipped: the former was not done")]
    # One row of what came too late may stand for several planned times.
    run(rows, few, "skipped", "2 hours", skip_reason="misfire", missed_count=4)
    assert rows.all("SELECT job_name FROM schedule_problems WHERE kind = 'skipping' ORDER BY 1") == ["few", "most"]
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused'")
    assert rows.all(TOLD, "skipping") == []


def test_a_run_that_takes_far_longer_than_usual_is_told(rows: Rows) -> None:
    add_node(rows, "a")
    usual, fresh, quick = (rows.add_job(name, interval="1 hour", timeout_minutes=60) for name in ("usual", "fresh", "quick"))
    for days in range(1, 11):
        run(rows, usual, "success", f"{days} days", "4 minutes")
        run(rows, quick, "success", f"{days} days", "1 second")
    slow = run(rows, usual, "running", "9 minutes")
    run(rows, fresh, "running", "47 minutes")
    run(rows, quick, "running", "4 minutes")
    assert rows.all(TOLD, "slow") == [
        (3, f"실행 {slow}이(가) 9분째 실행 중입니다 (보통 4분 안에 끝남)",
         f"execution {slow} has been running for 9 min (it is mostly done within 4)")]
    rows.connection.execute("UPDATE job_executions SET started_at = now() - interval '49 minutes' WHERE job_id = %s AND"
                            " status = 'running'", (fresh,))
    found = rows.one("SELECT en FROM schedule_problems WHERE kind = 'slow' AND job_id = %s", fresh)
    assert found.endswith("for 49 min (its limit is 60)")
    rows.connection.execute("UPDATE job_executions SET started_at = now() - interval '7 minutes' WHERE id = %s", (slow,))
    assert rows.all("SELECT job_id FROM schedule_problems WHERE kind = 'slow'") == [fresh]


def test_a_pool_is_full_when_what_is_due_has_waited(rows: Rows) -> None:
    instance = add_node(rows, "a", workers=2)
    jobs = [rows.add_job(f"j{number}", interval="1 hour") for number in range(4)]
    for job in jobs[:2]:
        run(rows, job, "running", "1 minute", instance_id=instance, node="a")
    run(rows, jobs[2], "queued", "4 minutes")
    assert rows.all(TOLD, "full_pool") == []
    run(rows, jobs[3], "queued", "6 minutes")
    assert rows.all(TOLD, "full_pool") == [
        (2, "실행 자리 2개가 모두 찼고, 차례가 된 실행이 5분 넘게 기다립니다",
         "all 2 slots are busy, and what is due has been waiting for more than five minutes")]
    rows.connection.execute("UPDATE scheduler_nodes SET workers = 3")
    assert rows.all(TOLD, "full_pool") == []


def test_what_waits_is_told_once_a_job(rows: Rows) -> None:
    job = rows.add_job("orders", interval="1 hour")
    first = run(rows, job, "queued", "3 hours")
    run(rows, job, "queued", "2 hours")
    assert rows.all("SELECT execution_id FROM schedule_problems WHERE kind = 'stuck'") == [first]


def test_keys_are_told_a_fortnight_before_they_expire(rows: Rows) -> None:
    add_node(rows, "a")
    today = rows.one("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date")
    for account, days, enabled in (("far", 15, True), ("near", 14, True), ("gone", -1, True), ("off", 1, False)):
        rows.connection.execute(
            "INSERT INTO market_accounts (market_code, account, base_url, enabled, key_expires_on)"
            " VALUES ('coupang', %s, 'https://api.example.com', %s, %s::date + %s)", (account, enabled, today, days))
    gone, near = rows.all("SELECT severity, ko, en FROM schedule_problems WHERE kind = 'expiring_key' ORDER BY severity")
    assert (gone[0], near[0]) == (2, 3)
    assert gone[1].startswith("마켓 계정 coupang/gone의 키가 ") and gone[1].endswith("만료되었습니다") and "expired on" in gone[2]
    assert near[1].endswith("만료됩니다") and "coupang/near expires on" in near[2]
    for fix in rows.all("SELECT fix FROM schedule_problems"):
        rows.connection.execute(f"EXPLAIN {fix}".encode())


def test_a_snoozed_job_is_left_out_of_the_new_kinds(rows: Rows) -> None:
    job = rows.add_job("orders", interval="1 hour", timeout_minutes=10)
    run(rows, job, "running", "9 minutes")
    assert len(rows.all(TOLD, "slow")) == 1
    rows.connection.execute("SELECT schedule_snooze('orders', '1 hour'::interval)")
    assert rows.all(TOLD, "slow") == []
