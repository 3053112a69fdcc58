"""What people type, and which broken promise it excuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from hypothesis.stateful import RuleBasedStateMachine
from psycopg import sql

from tests.protocol.machine_checks import Excuses
from tests.protocol.machine_values import Columns
from tests.protocol.machine_world import World

LONGEST_MESSAGE = 1000
NTH_JOB = "SELECT id FROM schedule_jobs ORDER BY id OFFSET %s %% greatest((SELECT count(*) FROM schedule_jobs), 1) LIMIT 1"
NTH_EXECUTION = """
SELECT id, job_id FROM job_executions WHERE status = ANY (%s) ORDER BY id DESC
OFFSET %s %% greatest((SELECT count(*) FROM job_executions WHERE status = ANY (%s)), 1) LIMIT 1
"""
NTH_LOCK = """
SELECT job_id, slot FROM schedule_locks ORDER BY job_id, slot
OFFSET %s %% greatest((SELECT count(*) FROM schedule_locks), 1) LIMIT 1
"""


class ByHand(RuleBasedStateMachine):
    """A sequence's plain SQL."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.excuses: Excuses = set()

    def _job(self, nth: int) -> int | None:
        row = self.world.people.execute(NTH_JOB, (nth,)).fetchone()
        return row[0] if row else None

    def _execution(self, nth: int, status: str) -> tuple[int | None, int | None]:
        row = self.world.people.execute(NTH_EXECUTION, ([status], nth, [status])).fetchone()
        return row or (None, None)

    def _lock(self, nth: int) -> dict[str, Any]:
        row = self.world.people.execute(NTH_LOCK, (nth,)).fetchone()
        return dict(zip(("job_id", "slot"), row or (None, None), strict=True))

    def _edit_job(self, nth: int, columns: Columns) -> None:
        job = self._job(nth)
        if self._update("schedule_jobs", columns, {"id": job}):
            self._excuse(job, columns)

    def _excuse(self, job: int | None, columns: Columns) -> None:
        """Note which promise a hand edit breaks by itself, for this job.

        I4   the fence was set back
        I8   the number of an attempt, or of failures, was written by hand
        why  the status ``invalid``, or the reason for it, was written by hand
        I12  a planned execution was written by hand, or several waited as the policy then allowed
        """
        breaks: dict[str, Callable[[str, Any], bool]] = {
            "I4": lambda name, _: name == "fence",
            "I8": lambda name, _: name in ("attempt", "failed_attempts"),
            "why": lambda name, value: name == "last_error" or (name, value) == ("status", "invalid"),
            "I12": lambda name, value: name in ("misfire_policy", "overlap_policy") or (name, value) == ("trigger", "schedule"),
        }
        self.excuses |= {(promise, job) for promise, is_broken in breaks.items() for each in columns.items() if is_broken(*each)}

    def _insert(self, table: str, columns: Columns) -> bool:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        )
        return self._edit(statement, list(columns.values()))

    def _update(self, table: str, columns: Columns, key: Columns) -> bool:
        given = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns)
        where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in key)
        return self._edit(
            sql.SQL("UPDATE {} SET {} WHERE {}").format(sql.Identifier(table), given, where), [*columns.values(), *key.values()]
        )

    def _edit(self, statement: Any, values: list[Any]) -> bool:
        """Send what a person typed; say whether it was taken.

        A refusal must be for one of the row's own faults, in words of a length to be read.
        """
        try:
            self.world.people.execute(statement, values)
            self.world.accepted += 1
            return True
        except psycopg.Error as error:
            state, said = error.sqlstate or "", error.diag.message_primary or ""
            assert state.startswith(("22", "23")), f"{state}: {said}"
            assert said and (state.startswith("22") or len(said) <= LONGEST_MESSAGE), f"unreadable: {said[:2000]}"
            self.world.refused += 1
            return False
