"""Several executions of one job that end, wait or follow together."""

from __future__ import annotations

from datetime import timedelta

from scheduler.model import Execution, ExecutionStatus, HandlerSpec, Outcome
from scheduler.protocol.follow import follow
from scheduler.protocol.look import look
from scheduler.protocol.plan import plan
from scheduler.protocol.record import record
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

SPECS = {"noop": HandlerSpec("noop", "tests")}


async def claimed(node: Node, rows: Rows, job: int, count: int) -> list[Execution]:
    taken: list[Execution] = []
    for _ in range(count):
        rows.run_now(job)
        taken += await node.claim()
    assert len(taken) == count
    return taken


async def test_all_ends_of_one_batch_count(node: Node, rows: Rows) -> None:
    job = rows.add_job("many", max_instances=5, overlap_policy="allow", max_retries=0)
    waits = rows.add_job("waits")
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (waits, job))
    taken = await claimed(node, rows, job, 4)
    ends = [ExecutionStatus.FAILED, ExecutionStatus.SUCCESS, ExecutionStatus.FAILED, ExecutionStatus.FAILED]
    await record(node.connection, [
        Outcome(each.id, each.token, status, error_message=None if status == "success" else "why")
        for each, status in zip(taken, ends, strict=True)])
    counted = rows.one("SELECT run_count, last_success_at IS NOT NULL, last_failure_at IS NOT NULL, last_run_at ="
                       " (SELECT max(finished_at) FROM job_executions) FROM schedule_jobs WHERE id = %s", job)
    assert counted == (4, True, True, True)
    after = rows.one("SELECT count(*) FROM job_executions WHERE status = 'failed' AND finished_at > "
                     "(SELECT finished_at FROM job_executions WHERE status = 'success')")
    assert rows.one("SELECT consecutive_failures FROM schedule_jobs WHERE id = %s", job) == after
    assert await follow(node.connection) == 1


async def test_failures_of_one_batch_add_up(node: Node, rows: Rows) -> None:
    job = rows.add_job("many", max_instances=3, overlap_policy="allow", max_retries=0)
    for expected in (3, 6):
        taken = await claimed(node, rows, job, 3)
        await record(node.connection, [Outcome(one.id, one.token, ExecutionStatus.FAILED, error_message="why") for one in taken])
        assert rows.one("SELECT consecutive_failures FROM schedule_jobs WHERE id = %s", job) == expected


async def test_a_backfill_of_a_completed_job_runs(node: Node, rows: Rows) -> None:
    job = rows.add_job("done", interval="1 hour")
    rows.connection.execute("UPDATE schedule_jobs SET status = 'completed' WHERE id = %s", (job,))
    rows.connection.execute("INSERT INTO job_executions (job_id, trigger) VALUES (%s, 'backfill')", (job,))
    assert (await look(node.connection, ["noop"], timedelta(0))).can_claim
    assert len(await node.claim()) == 1


async def test_what_nobody_may_claim_is_nothing_to_claim(node: Node, rows: Rows) -> None:
    job = rows.add_job("done", interval="1 hour")
    rows.connection.execute("INSERT INTO job_executions (job_id, trigger) VALUES (%s, 'schedule')", (job,))
    rows.connection.execute("UPDATE schedule_jobs SET status = 'completed' WHERE id = %s", (job,))
    assert not (await look(node.connection, ["noop"], timedelta(0))).can_claim


async def test_a_run_by_hand_for_later_does_not_stop_the_chain(node: Node, rows: Rows) -> None:
    former, waits = rows.add_job("former"), rows.add_job("waits")
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (waits, former))
    rows.connection.execute("SELECT schedule_run_in('waits', '3 days')")
    (taken,) = await claimed(node, rows, former, 1)
    await record(node.connection, [Outcome(taken.id, taken.token, ExecutionStatus.SUCCESS)])
    assert await follow(node.connection) == 1


async def test_a_time_that_waits_for_others_does_not_end_what_runs(node: Node, rows: Rows) -> None:
    former = rows.add_job("former")
    job = rows.add_job("one", interval="1 hour", overlap_policy="cancel_running")
    await plan(node.connection, SPECS)
    (taken,) = await claimed(node, rows, job, 1)
    rows.connection.execute("INSERT INTO job_dependencies (job_id, depends_on) VALUES (%s, %s)", (job, former))
    await plan(node.connection, SPECS)
    rows.connection.execute("UPDATE schedule_jobs SET next_run_at = now() WHERE id = %s", (job,))
    await plan(node.connection, SPECS)
    assert rows.one("SELECT cancel_requested FROM job_executions WHERE id = %s", taken.id) is False
    assert rows.one("SELECT held_for FROM job_executions WHERE job_id = %s AND status = 'queued'", job) == "dependency"
