"""How far a run of a workflow is."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.model import ENDED
from scheduler.queries.rows import Row
from scheduler.queries.workflows import order_of, progress, steps_of
from scheduler.rules.workflows import NOT_RUN, steps_ahead

NOTHING: Row = {"execution_id": None, "status": None, "duration_ms": None, "result": None, "error_message": None,
                "skip_reason": None, "attempt": None}


def look(connection: psycopg.Connection[Any], name: str, above: int) -> tuple[list[Row], bool]:
    """Return how far each step of a run is, in order, and whether all is over.

    above  executions of this run have higher ids
    """
    steps = order_of(steps_of(connection, name))
    rows = progress(connection, name, above)
    ended = {step: row["status"] for step, row in rows.items() if row["status"] in ENDED}
    # A job that was paused or set aside meanwhile never comes.
    ended |= {step: NOT_RUN for step, row in rows.items() if row["status"] is None and row["job_status"] in ("paused", "invalid")}
    ahead = steps_ahead(steps, ended)
    found = []
    for step in steps:
        row = dict(rows.get(step.name, NOTHING))
        row["status"] = ended.get(step.name) or row["status"] or ahead[step.name]
        found.append({"step": step.name, **{key: value for key, value in row.items() if key not in ("step", "job_status")}})
    return found, all(state == NOT_RUN for state in ahead.values())
