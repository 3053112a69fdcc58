"""T2: who gets what, when several want it, and what is left alone."""

from __future__ import annotations

import asyncio

import psycopg

from scheduler.database.connection import connect_daemon
from tests.protocol.conftest import Node
from tests.support.daemons import Rows


async def test_a_claimed_execution_is_running_with_its_lock(node: Node, rows: Rows) -> None:
    job = rows.add_job("one", parameters='{"a": 1}')
    execution = rows.run_now(job)

    (taken,) = await node.claim()

    assert (taken.id, taken.job_id, taken.parameters, taken.fence) == (execution, job, {"a": 1}, 1)
    assert rows.one("SELECT status, token, node FROM job_executions WHERE id = %s", execution) == ("running", taken.token, "a")
    assert rows.one("SELECT execution_id, token, fence FROM schedule_locks WHERE job_id = %s", job) == (execution, taken.token, 1)


async def test_a_claimed_job_is_not_claimed_again(node: Node, other: Node, rows: Rows) -> None:
    job = rows.add_job("one")
    rows.run_now(job)
    rows.run_now(job)
    assert len(await node.claim()) == 1
    assert await other.claim() == []


async def test_room_is_never_exceeded_and_the_best_priority_goes_first(node: Node, rows: Rows) -> None:
    executions = {priority: rows.run_now(rows.add_job(f"p{priority}", priority=priority)) for priority in (0, 9, -3, 5)}
    taken = await node.claim(free_slots=2)
    assert {each.id for each in taken} == {executions[9], executions[5]}


async def test_what_may_not_run_is_left(node: Node, rows: Rows) -> None:
    paused = rows.add_job("paused")
    rows.run_now(paused)
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (paused,))
    rows.run_now(rows.add_job("unknown", "nobody_knows"))
    later = rows.run_now(rows.add_job("later"))
    rows.connection.execute("UPDATE job_executions SET available_at = now() + interval '1 hour' WHERE id = %s", (later,))
    locked = rows.add_job("locked by hand")
    rows.run_now(locked)
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (locked,))
    good = rows.run_now(rows.add_job("good"))

    assert [each.id for each in await node.claim(free_slots=1)] == [good]
    assert await node.claim() == []


async def test_a_lapsed_lock_is_taken_over_with_a_higher_fence(node: Node, rows: Rows) -> None:
    job = rows.add_job("one")
    rows.run_now(job)
    rows.connection.execute("INSERT INTO schedule_locks (job_id, expires_at) VALUES (%s, now() - interval '1 second')", (job,))
    (taken,) = await node.claim()
    assert rows.one("SELECT token FROM schedule_locks WHERE job_id = %s", job) == taken.token


async def test_a_job_somebody_edits_right_now_is_passed_over(node: Node, rows: Rows, database: str) -> None:
    busy, free = rows.add_job("busy"), rows.add_job("free")
    rows.run_now(busy)
    execution = rows.run_now(free)
    with psycopg.connect(database) as operator:
        operator.execute("UPDATE schedule_jobs SET priority = 3 WHERE id = %s", (busy,))
        assert [each.id for each in await node.claim()] == [execution]


async def test_a_lock_inserted_but_not_committed_delays_only_its_own_job(node: Node, rows: Rows, database: str) -> None:
    busy, free = rows.add_job("busy", priority=9), rows.add_job("free")
    rows.run_now(busy)
    execution = rows.run_now(free)
    with psycopg.connect(database) as operator:
        operator.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (busy,))
        assert [each.id for each in await node.claim()] == [execution]


async def test_eight_claimers_start_each_execution_once(database: str, rows: Rows) -> None:
    jobs = [rows.add_job(f"job {number}") for number in range(60)]
    for job in jobs * 3:
        rows.run_now(job)
    nodes = [Node(await connect_daemon(database, f"test {number}"), str(number)) for number in range(8)]
    try:
        taken = [each for batch in await asyncio.gather(*(node.claim(free_slots=20) for node in nodes)) for each in batch]
    finally:
        for node in nodes:
            await node.connection.close()
    assert len({each.job_id for each in taken}) == len(taken) == len({each.id for each in taken})
    assert rows.one("SELECT count(*) FROM job_executions WHERE status = 'running'") == len(taken)
    assert rows.one("SELECT count(*) FROM schedule_locks") == len(taken)
