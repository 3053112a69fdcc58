"""The daemon's hot statements walk indexes, however many jobs and executions there are, with and without statistics."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from scheduler.protocol import claim, due, follow, forecast, look
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

JOBS = 20_000


@pytest.fixture
def many(rows: Rows) -> Rows:
    rows.connection.execute("SET application_name = 'erp-scheduler daemon test'")
    rows.connection.execute(
        "INSERT INTO schedule_jobs (name, job_type, interval, next_run_at, planned_version, spec_version)"
        " SELECT 'job ' || n, 'noop', '1 hour', now() + n * interval '1 second', 1, 1 FROM generate_series(1, %s) n", (JOBS,))
    rows.connection.execute(
        "INSERT INTO job_executions (job_id, job_name, job_type, status, scheduled_for, started_at, finished_at)"
        " SELECT id, name, job_type, 'success', now() - interval '1 hour', now(), now() FROM schedule_jobs")
    rows.connection.execute("ANALYZE")
    return rows


async def explained(node: Node, query: str, parameters: dict[str, Any] | None = None) -> str:
    cursor = await node.connection.execute("EXPLAIN " + query, parameters)
    return "\n".join(row[0] for row in await cursor.fetchall())


def whole_tables(text: str) -> set[str]:
    return set(re.findall(r"Seq Scan on (schedule_jobs|job_executions)\b", text))


async def test_the_poll_reads_no_whole_table(node: Node, many: Rows) -> None:
    assert whole_tables(await explained(node, look.LOOK, {"job_types": ["noop"], "grace": timedelta(seconds=10)})) == set()


async def test_planning_reads_no_whole_table(node: Node, many: Rows) -> None:
    query = due.DUE.format(candidates=due.CANDIDATES.format(limit=500), parameters_bytes=262144)
    assert whole_tables(await explained(node, query)) == set()


async def test_claiming_reads_no_whole_table(node: Node, many: Rows) -> None:
    parameters = {"job_types": ["noop"], "node": "a", "lease": 60.0, "instance_id": node.instance_id}
    query = claim.CLAIM.replace("{limit}", "8").replace("{only}", "NULL")
    assert whole_tables(await explained(node, query, parameters)) == set()


async def test_following_and_foreseeing_read_no_whole_table(node: Node, many: Rows) -> None:
    many.connection.execute(
        "INSERT INTO job_dependencies (job_id, depends_on) SELECT id, id - 1 FROM schedule_jobs WHERE id % 100 = 2")
    many.connection.execute("ANALYZE")
    stale = forecast.STALE.format(jobs=forecast.JOBS, batch=forecast.BATCH)
    for query in (follow.FOLLOW, follow.WAKE, stale):
        assert whole_tables(await explained(node, query)) == set()
