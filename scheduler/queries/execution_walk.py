"""The way through the history that a list of executions takes: newest first, by an index, never further than a moment's look.

A filter that hardly anything matches would read a year. So a list looks at so many executions and no more, and then says
where it stopped; who wants to know what lies further back goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from scheduler.queries.rows import row

LOOKED = 50_000
LAST_ID = 2**63 - 1
# All others are few, and each has an index of its own (job_executions_queue, _lease, _unhappy): only success is everywhere.
# They do not lie side by side, so that a look at them costs ten times as much.
EVERYWHERE = "success"
LOOKED_AT_FEW = 5_000

# The columns are named by whoever asks.
STEP = "SELECT {{columns}} FROM job_executions WHERE id < %(before)s{conditions} ORDER BY id DESC"
# Planned for all that is looked at, not for the fifty that are shown: else the planner reads the whole history for a job
# that has hardly any, in the hope to meet them soon.
OF_JOB = "WITH walked AS MATERIALIZED ({steps} LIMIT %(looked)s) SELECT {{columns}} FROM walked ORDER BY id DESC"
BY_END = """
SELECT {{columns}} FROM job_executions
 WHERE finished_at IS NOT NULL AND (%(before)s::bigint IS NULL OR (finished_at, id) < (%(before_at)s::timestamptz, %(before)s))
       {conditions}
 ORDER BY finished_at DESC, id DESC
"""

IS_SHORT = "SELECT count(*) < %(short)s AS short FROM (SELECT FROM job_executions WHERE {span} LIMIT %(short)s) AS ended"


def by_id(statuses: Sequence[str] | None, is_of_job: bool) -> str:
    """Return a statement that walks from the newest id down, to be formatted with ``columns``.

    Its parameters are those of `walk_values`, ``before`` and, of one job only, ``job_id``.
    """
    conditions = " AND job_id = %(job_id)s" if is_of_job else ""
    own = [f" AND status = %(walked_{number})s" for number in range(len(statuses or ()))] if _are_few(statuses) else [""]
    each = [STEP.format(conditions=status + conditions) for status in own]
    steps = each[0] if len(each) == 1 else " UNION ALL ".join(f"({step} LIMIT %(looked)s)" for step in each) + " ORDER BY id DESC"
    return OF_JOB.format(steps=steps) if is_of_job else steps


def by_end(conditions: Sequence[str]) -> str:
    """Return a statement that walks from the latest end back, to be formatted with ``columns``.

    conditions  what bounds the walk: a job, a time
    """
    return BY_END.format(conditions="".join(f" AND {each}" for each in conditions))


def by_id_within(conditions: Sequence[str]) -> str:
    """Return a statement that reads a span which is short by `is_short`, from the newest id down; it has ``columns``.

    What was made first may end last, so that a walk by the id cannot begin and stop where a time does.

    conditions  the bounds of the span, on finished_at
    """
    return STEP.format(conditions="".join(f" AND {each}" for each in conditions))


def is_short(connection: psycopg.Connection[Any], conditions: Sequence[str], values: Mapping[str, Any], most: int) -> bool:
    """Say whether fewer than *most* ended within a span, of whatever job, so that all of it can be looked at."""
    found = row(connection, IS_SHORT.format(span=" AND ".join(conditions)), {**values, "short": most})
    return found is not None and bool(found["short"])


def walk_values(statuses: Sequence[str] | None, most: int) -> dict[str, Any]:
    """Return the parameters that a walk over these statuses needs; at *most* so many are looked at."""
    values = {f"walked_{number}": each for number, each in enumerate(statuses or ())}
    return {**values, "looked": min(most, LOOKED_AT_FEW) if _are_few(statuses) else most}


def _are_few(statuses: Sequence[str] | None) -> bool:
    return bool(statuses) and EVERYWHERE not in (statuses or ())
