"""What handlers write on the way is stored by token, and waits for nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import psycopg

from scheduler.protocol.journal import add_lines, note_progress
from tests.protocol.conftest import Node
from tests.support.daemons import Rows

NOW = datetime(2026, 3, 9, tzinfo=UTC)


async def test_lines_are_stored_once(node: Node, rows: Rows) -> None:
    execution = rows.run_now(rows.add_job("one"))
    line = (execution, 1, NOW, "INFO", "log", "수집 시작", {"market": "coupang"})
    stray = (execution + 99, 1, NOW, "INFO", "log", "of nobody", None)
    assert await add_lines(node.connection, [line, stray]) == {(execution, 1)}
    assert await add_lines(node.connection, [line]) == set()
    assert rows.all("SELECT message, fields FROM execution_logs") == [("수집 시작", {"market": "coupang"})]


async def test_an_execution_that_somebody_holds_is_left_out_not_waited_for(node: Node, rows: Rows, database: str) -> None:
    held, free = rows.run_now(rows.add_job("held")), rows.run_now(rows.add_job("free"))
    lines = [(number, 1, NOW, "INFO", "log", "x", None) for number in (held, free)]
    with psycopg.connect(database) as operator:
        operator.execute("DELETE FROM job_executions WHERE id = %s", (held,))
        assert await add_lines(node.connection, lines) == {(free, 1)}
        operator.rollback()
    assert await add_lines(node.connection, lines) == {(held, 1)}


async def test_progress_and_checkpoint_are_kept_by_token_only(node: Node, rows: Rows) -> None:
    rows.run_now(rows.add_job("one"))
    (taken,) = await node.claim()
    await note_progress(node.connection, [taken.id], {taken.token: {"done": 1}}, {taken.token: {"page": 2}})
    await note_progress(node.connection, [taken.id], {uuid4(): {"done": 9}}, {})
    assert rows.one("SELECT progress, checkpoint FROM job_executions") == ({"done": 1}, {"page": 2})
