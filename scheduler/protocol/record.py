"""T4, record: what ended on this node is written once. The token decides; a late or fenced result changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from scheduler.database.connection import is_contention, is_outage
from scheduler.model import ExecutionStatus, Outcome
from scheduler.protocol.close import Verdict, close_executions, complete_jobs

DROP_LOCKS = """
DELETE FROM schedule_locks
 WHERE (job_id, slot) IN (SELECT job_id, slot FROM schedule_locks WHERE token = ANY (%(tokens)s) FOR UPDATE SKIP LOCKED)
   AND token = ANY (%(tokens)s)
"""


async def record(connection: psycopg.AsyncConnection[Any], outcomes: Sequence[Outcome]) -> list[Verdict]:
    """Write how these executions ended, in one commit, and queue their retries with it.

    Returns  a verdict for each; ``busy`` ones are to be given again, ``refused`` ones were no longer ours
    Raises   psycopg.Error only when the connection is at fault; an outcome that PostgreSQL cannot store is
             written as failed instead
    """
    verdicts = await _close(connection, outcomes)
    refused = {verdict.execution_id for verdict in verdicts if verdict.status == "refused"}
    if refused:
        await _drop_locks(connection, [o.token for o in outcomes if o.execution_id in refused])
    if any(verdict.ends for verdict in verdicts):
        await complete_jobs(connection)
    return verdicts


async def _close(connection: psycopg.AsyncConnection[Any], outcomes: Sequence[Outcome]) -> list[Verdict]:
    try:
        return await close_executions(connection, outcomes)
    except psycopg.Error as error:
        if is_outage(error):
            raise
        if len(outcomes) > 1:
            return [verdict for outcome in outcomes for verdict in await _close(connection, [outcome])]
        if is_contention(error):
            return [Verdict(outcomes[0].execution_id, "busy", wait=None, ends=False, duration_ms=None)]
        return await close_executions(connection, [unstorable(outcomes[0], error)])


def unstorable(outcome: Outcome, error: psycopg.Error) -> Outcome:
    """Return the outcome to write when PostgreSQL refuses the real one."""
    reason = f"the result could not be stored: {type(error).__name__}"
    return replace(
        outcome, status=ExecutionStatus.FAILED, result=None, error_class="result", error_message=reason, retry=False,
        skip_reason=None,
    )


async def _drop_locks(connection: psycopg.AsyncConnection[Any], tokens: list[UUID]) -> None:
    await connection.execute(DROP_LOCKS, {"tokens": tokens})
