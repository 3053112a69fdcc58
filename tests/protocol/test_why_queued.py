"""Since when a queued execution waits, and what really holds it up: in both languages, never "soon" for an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.protocol.test_why import execution, expect, job, node, why
from tests.support.daemons import Rows

HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
SHOWN = f"{HOUR_AGO.astimezone(ZoneInfo('Asia/Seoul')):%Y-%m-%d %H:%M}"

WAITING = ("FROM job_executions AS run JOIN schedule_jobs AS job ON job.id = run.job_id,"
           " LATERAL schedule_why_waiting(run, job) AS why WHERE run.id = %s")


@pytest.fixture
def rows(connection: psycopg.Connection[tuple[object, ...]]) -> Rows:
    return Rows(connection)


def waiting(rows: Rows, number: int, **columns: object) -> int:
    return execution(rows, number, **{"status": "queued", "scheduled_for": HOUR_AGO, "available_at": HOUR_AGO, **columns})


def test_what_has_just_become_due_is_about_to_start(rows: Rows) -> None:
    number = job(rows)
    node(rows)
    run = execution(rows, number, status="queued", scheduled_for=HOUR_AGO)
    expect(rows, number, "queued", f"실행 {run}: 곧 시작합니다", f"execution {run} is about to start")


def test_a_free_slot_that_nobody_uses_for_an_hour_is_said_with_the_node(rows: Rows) -> None:
    number = job(rows)
    node(rows, name="node-a")
    run = waiting(rows, number)
    cause, korean, english, fix = why(rows, number)
    assert cause == "not_taken" and "곧" not in korean and "about to start" not in english
    assert f"노드 node-a의 로그를 보세요 (실행 {run}, {SHOWN}부터 대기)" in korean
    assert f"log of node node-a (execution {run}, waiting since {SHOWN})" in english and fix == "erp-scheduler status"


def test_the_true_reason_comes_with_since_when(rows: Rows) -> None:
    number = job(rows)
    run = waiting(rows, number)
    expect(rows, number, "no_node", f"데몬이 없습니다 (실행 {run}, {SHOWN}부터 대기)", f"no daemon is running (execution {run}")
    node(rows, name="b")
    rows.one("SELECT node FROM schedule_drain('b', 'update')")
    expect(rows, number, "drained", f"받지 않습니다: b (실행 {run}, {SHOWN}부터",
           f"drained and takes no new work: b (execution {run}")
    rows.one("SELECT node FROM schedule_undrain('b')")
    busy = job(rows, "busy")
    instance = rows.one("UPDATE scheduler_nodes SET workers = 1 RETURNING instance_id")
    execution(rows, busy, status="running", instance_id=instance, started_at=HOUR_AGO)
    expect(rows, number, "full_pool", f"모두 찼습니다. 자리가 나면 시작합니다 (실행 {run}", f"waiting since {SHOWN}")


def test_the_lock_of_a_run_that_is_gone_and_a_run_that_stands_before_it(rows: Rows) -> None:
    number = job(rows)
    node(rows)
    first = waiting(rows, number, priority=5)
    second = waiting(rows, number, attempt=2)
    (cause, korean, english), = rows.all(f"SELECT why.cause, why.ko, why.en {WAITING}", second)
    assert cause == "ahead"
    assert f"같은 작업의 실행 {first} 다음 차례" in korean and f"execution {first} of the same job goes first" in english
    gone = execution(rows, number, status="lost", scheduled_for=HOUR_AGO - timedelta(hours=1))
    rows.connection.execute(
        "INSERT INTO schedule_locks (job_id, execution_id, expires_at) VALUES (%s, %s, now() + interval '1 min')", (number, gone))
    expect(rows, number, "lock", f"실행 {gone}의 잠금이", f"the lock of execution {gone}")


def test_one_of_two_runs_at_once_is_not_in_the_way(rows: Rows) -> None:
    number = job(rows, max_instances=2, overlap_policy="allow")
    node(rows)
    execution(rows, number, status="running", node="a", started_at=HOUR_AGO, scheduled_for=HOUR_AGO - timedelta(hours=1))
    run = waiting(rows, number)
    assert rows.all(f"SELECT why.cause {WAITING}", run) == ["not_taken"]
