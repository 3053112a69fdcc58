"""Which job waits for which: edges as people set and read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from scheduler.queries.rows import Row, rows


@dataclass(frozen=True, slots=True)
class Edge:
    """What a job waits for.

    condition  ``since_last_run`` or ``ever``
    outcome    ``success`` or ``failure``
    """

    depends_on: int
    condition: str = "since_last_run"
    outcome: str = "success"


KEEP_ONLY = "DELETE FROM job_dependencies WHERE job_id = {job} AND depends_on NOT IN ({others})"
KEEP_NONE = "DELETE FROM job_dependencies WHERE job_id = {job}"
# An edge that is there already keeps what it has seen.
PUT = """INSERT INTO job_dependencies (job_id, depends_on, condition, outcome) VALUES {edges}
ON CONFLICT (job_id, depends_on) DO UPDATE SET condition = excluded.condition, outcome = excluded.outcome
 WHERE (job_dependencies.condition, job_dependencies.outcome) IS DISTINCT FROM (excluded.condition, excluded.outcome)"""


def edge_statements(job: int | str, edges: Sequence[Edge]) -> list[sql.Composed]:
    """Write the statements after which *job*, by id or by name, has exactly these edges: what is sent, what --sql prints."""
    subject: sql.Composable = sql.Literal(job)
    if isinstance(job, str):
        subject = sql.SQL("(SELECT id FROM schedule_jobs WHERE name = {})").format(sql.Literal(job))
    if not edges:
        return [sql.SQL(KEEP_NONE).format(job=subject)]
    others = sql.SQL(", ").join(sql.Literal(edge.depends_on) for edge in edges)
    values = sql.SQL(", ").join(
        sql.SQL("({}, {}, {}, {})").format(
            subject, sql.Literal(edge.depends_on), sql.Literal(edge.condition), sql.Literal(edge.outcome)
        ) for edge in edges
    )
    return [sql.SQL(KEEP_ONLY).format(job=subject, others=others), sql.SQL(PUT).format(edges=values)]


def set_edges(connection: psycopg.Connection[Any], job_id: int, edges: Sequence[Edge]) -> None:
    """Let a job wait for these and no others; the caller holds the transaction. PostgreSQL refuses circles."""
    for statement in edge_statements(job_id, edges):
        connection.execute(statement)


EDGES = """
SELECT edge.job_id, job.name AS job_name, edge.depends_on, former.name AS depends_on_name, edge.condition, edge.outcome,
       edge.seen_at, happened.came_at,
       coalesce(happened.came_at > edge.seen_at OR (edge.condition = 'ever' AND happened.came_at IS NOT NULL), false) AS met
  FROM job_dependencies AS edge
  JOIN schedule_jobs AS job ON job.id = edge.job_id
  JOIN schedule_jobs AS former ON former.id = edge.depends_on
 CROSS JOIN LATERAL (SELECT CASE edge.outcome WHEN 'success' THEN former.last_success_at ELSE former.last_failure_at END)
    AS happened (came_at)
 WHERE edge.job_id = ANY (%(ids)s) OR edge.depends_on = ANY (%(ids)s)
 ORDER BY edge.job_id, edge.depends_on
"""


def edges_about(connection: psycopg.Connection[Any], ids: Sequence[int]) -> list[Row]:
    """Return the edges that lead from or to these jobs, each with whether it is met and since when."""
    return rows(connection, EDGES, {"ids": list(ids)})


def edges_from(connection: psycopg.Connection[Any], ids: Sequence[int]) -> dict[int, list[Row]]:
    """Return what each of these jobs waits for; jobs that wait for nothing are left out."""
    found: dict[int, list[Row]] = {}
    for edge in edges_about(connection, ids):
        if edge["job_id"] in ids:
            found.setdefault(edge["job_id"], []).append(edge)
    return found


HELD = """
SELECT DISTINCT job_id
  FROM job_executions
 WHERE held_for IS NOT NULL AND status = 'queued' AND job_id = ANY (%(ids)s)
"""


def held_jobs(connection: psycopg.Connection[Any], ids: Sequence[int]) -> set[int]:
    """Return the jobs of which a planned time waits for other jobs at this moment."""
    return {int(each["job_id"]) for each in rows(connection, HELD, {"ids": list(ids)})}
