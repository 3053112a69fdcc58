"""T3, T4, T5: renewals, ends, and what a late or fenced hand may not write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from scheduler.model import Execution, ExecutionStatus, Outcome
from scheduler.protocol.heartbeat import renew
from scheduler.protocol.reap import reap, reap_instance
from scheduler.protocol.record import record
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

NOW = timedelta(0)


def outcome(execution: Execution, status: str = "success", **fields: Any) -> Outcome:
    return Outcome(execution.id, execution.token, ExecutionStatus(status), execution.attempt, execution.failed_attempts, **fields)


async def taken(node: Node, rows: Rows, **columns: Any) -> Execution:
    rows.run_now(rows.add_job(columns.pop("name", "one"), **columns))
    (execution,) = await node.claim()
    return execution


async def test_a_success_is_written_once_and_frees_the_job(node: Node, rows: Rows) -> None:
    execution = await taken(node, rows)

    first = await record(node.connection, [outcome(execution, result={"saved": 3})])
    second = await record(node.connection, [outcome(execution, "failed", retry=True)])

    assert [first[0].status, second[0].status] == ["success", "refused"]
    assert rows.one("SELECT status, result FROM job_executions WHERE id = %s", execution.id) == ("success", {"saved": 3})
    assert rows.one("SELECT count(*) FROM schedule_locks") == 0
    assert rows.one("SELECT last_status, run_count, consecutive_failures FROM schedule_jobs") == ("success", 1, 0)


async def test_a_failure_queues_its_retry_in_the_same_commit(node: Node, rows: Rows) -> None:
    execution = await taken(node, rows, max_retries=1)

    (verdict,) = await record(node.connection, [outcome(execution, "failed", error_class="X", error_message="why", retry=True)])

    retry = rows.one("SELECT attempt, failed_attempts, scheduled_for, trigger, status FROM job_executions WHERE retry_of = %s",
                     execution.id)
    assert verdict.wait is not None and 1 <= verdict.wait <= 10.5
    assert retry == (2, 1, execution.scheduled_for, "retry", "queued")
    assert rows.one("SELECT last_error, consecutive_failures FROM schedule_jobs") == ("why", 1)


async def test_no_retry_follows_when_none_is_left_or_none_makes_sense(node: Node, rows: Rows) -> None:
    worn = await taken(node, rows, name="worn", max_retries=0)
    hopeless = await taken(node, rows, name="hopeless", max_retries=5)
    await record(node.connection, [outcome(worn, "failed", retry=True), outcome(hopeless, "failed", retry=False)])
    assert rows.one("SELECT count(*) FROM job_executions") == 2


async def test_a_shutdown_uses_up_no_retry(node: Node, rows: Rows) -> None:
    execution = await taken(node, rows, max_retries=0)
    await record(node.connection, [outcome(execution, "cancelled", retry=True, counted=False)])
    assert rows.one("SELECT attempt, failed_attempts FROM job_executions WHERE retry_of = %s", execution.id) == (2, 0)


async def test_a_deleted_lock_turns_a_success_into_cancelled(node: Node, rows: Rows) -> None:
    execution = await taken(node, rows)
    rows.connection.execute("DELETE FROM schedule_locks WHERE job_id = %s", (execution.job_id,))
    (verdict,) = await record(node.connection, [outcome(execution, result={"saved": 3})])
    assert verdict.status == "cancelled"
    assert rows.one("SELECT status, result FROM job_executions WHERE id = %s", execution.id) == ("cancelled", None)
    assert rows.one("SELECT last_success_at FROM schedule_jobs") is None


async def test_a_late_record_with_an_old_token_changes_nothing(node: Node, other: Node, rows: Rows) -> None:
    old = await taken(node, rows)
    rows.connection.execute("UPDATE job_executions SET lease_expires_at = now() - interval '1 hour'")
    rows.connection.execute("UPDATE schedule_locks SET expires_at = now() - interval '1 hour'")
    await reap(other.connection, NOW)
    rows.connection.execute("UPDATE job_executions SET available_at = now() WHERE status = 'queued'")
    (new,) = await other.claim()

    (verdict,) = await record(node.connection, [outcome(old)])

    assert verdict.status == "refused"
    assert new.fence > old.fence
    assert rows.one("SELECT status FROM job_executions WHERE id = %s", old.id) == "lost"
    assert rows.one("SELECT token FROM schedule_locks") == new.token


async def test_a_renewed_lease_is_not_reaped_and_a_lapsed_one_is_lost_with_its_retry(node: Node, other: Node, rows: Rows) -> None:
    lapsed = await taken(node, rows, name="lapsed")
    renewed = await taken(node, rows, name="renewed")
    rows.connection.execute("UPDATE job_executions SET lease_expires_at = now() - interval '1 hour'")
    rows.connection.execute("UPDATE schedule_locks SET expires_at = now() - interval '1 hour'")

    beats = await renew(node.connection, [(renewed.token, renewed.id)], 60)
    verdicts = await reap(other.connection, NOW)

    assert [beat.is_renewed for beat in beats] == [True]
    assert [verdict.execution_id for verdict in verdicts] == [lapsed.id]
    assert rows.one("SELECT status FROM job_executions WHERE id = %s", renewed.id) == "running"
    assert rows.one("SELECT count(*) FROM job_executions WHERE retry_of = %s AND status = 'queued'", lapsed.id) == 1


async def test_a_beat_tells_gone_from_busy(node: Node, rows: Rows, database: str) -> None:
    busy, gone, closed = [await taken(node, rows, name=name) for name in ("busy", "gone", "closed")]
    rows.connection.execute("DELETE FROM schedule_locks WHERE job_id = %s", (gone.job_id,))
    rows.connection.execute("UPDATE job_executions SET status = 'failed' WHERE id = %s", (closed.id,))
    with psycopg.connect(database) as operator:
        operator.execute("SELECT FROM schedule_locks WHERE job_id = %s FOR UPDATE", (busy.job_id,))
        beats = {b.token: b for b in await renew(node.connection, [(e.token, e.id) for e in (busy, gone, closed)], 60)}
    assert (beats[busy.token].is_renewed, beats[busy.token].is_gone) == (False, False)
    assert beats[gone.token].is_gone
    assert beats[closed.token].is_gone


async def test_a_row_held_by_somebody_else_is_busy_and_the_others_are_written(node: Node, rows: Rows, database: str) -> None:
    held, free = [await taken(node, rows, name=name) for name in ("held", "free")]
    with psycopg.connect(database) as operator:
        operator.execute("UPDATE schedule_jobs SET priority = 1 WHERE id = %s", (held.job_id,))
        verdicts = {v.execution_id: v.status for v in await record(node.connection, [outcome(held), outcome(free)])}
        operator.rollback()
    assert verdicts == {held.id: "busy", free.id: "success"}
    assert (await record(node.connection, [outcome(held)]))[0].status == "success"


async def test_a_result_that_cannot_be_stored_fails_alone(node: Node, rows: Rows) -> None:
    bad, good = [await taken(node, rows, name=name) for name in ("bad", "good")]
    verdicts = await record(node.connection, [outcome(bad, result={"nul": "\0"}), outcome(good, result={"a": 1})])
    assert {v.execution_id: v.status for v in verdicts} == {bad.id: "failed", good.id: "success"}
    assert rows.one("SELECT error_class FROM job_executions WHERE id = %s", bad.id) == "result"


async def test_what_a_dead_instance_left_is_lost_at_once(node: Node, other: Node, rows: Rows) -> None:
    execution = await taken(node, rows)
    (verdict,) = await reap_instance(other.connection, node.instance_id)
    assert (verdict.execution_id, verdict.status) == (execution.id, "lost")
    assert rows.one("SELECT count(*) FROM schedule_locks") == 0


async def test_an_execution_of_a_deleted_job_ends_as_cancelled(node: Node, rows: Rows) -> None:
    execution = await taken(node, rows)
    rows.connection.execute("DELETE FROM schedule_jobs")
    (verdict,) = await record(node.connection, [outcome(execution)])
    assert verdict.status == "cancelled"
    assert rows.one("SELECT job_id, job_name, status FROM job_executions") == (None, "one", "cancelled")
