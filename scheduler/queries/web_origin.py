"""Where an execution runs and which request made it: the process of its daemon, the trace id of the audit line."""

from __future__ import annotations

from typing import Any

import psycopg

from scheduler.queries.rows import Row, row

PROCESS = "SELECT pid, host FROM scheduler_nodes WHERE instance_id = %(instance)s"
# By the index on the object: what was done to the job, to the execution, and to the one that it tries again.
MADE_BY = """
SELECT trace_id FROM audit_log
 WHERE object = ANY (%(objects)s) AND at BETWEEN %(made)s - interval '10 minutes' AND %(made)s + interval '10 minutes'
   AND ((object = %(itself)s AND action = 'execution.make') OR after ->> 'execution_id' = %(number)s)
 ORDER BY id LIMIT 1
"""
BY_PEOPLE = ("manual", "retry", "backfill", "catchup")


def origin(connection: psycopg.Connection[Any], execution: Row) -> Row:
    """Return pid and host of the daemon, and the trace id of the request; None for what nobody knows or nobody asked."""
    found: Row = {"pid": None, "host": None, "trace_id": None}
    if execution["instance_id"] is not None:
        found |= row(connection, PROCESS, {"instance": execution["instance_id"]}) or {}
    if execution["trigger"] in BY_PEOPLE:
        itself = f"execution:{execution['id']}"
        objects = [itself, f"job:{execution['job_id']}", f"execution:{execution['retry_of']}"]
        found |= row(connection, MADE_BY, {"objects": objects, "made": execution["created_at"], "itself": itself,
                                           "number": str(execution["id"])}) or {}
    return found
