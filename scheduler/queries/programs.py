"""What programs ask: jobs declared by name, their edges, figures, and the words of their functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.pq import TransactionStatus

from scheduler.queries import jobs
from scheduler.queries.actors import name_actor
from scheduler.queries.rows import Row, row, rows
from scheduler.queries.words import speak

# A program's own jobs may come every second; rows typed by people have another floor.
BEGIN_AS_PROGRAM = "SELECT set_config('erp_scheduler.minimum_interval', '1 second', true)"


def begin(connection: psycopg.Connection[Any], actor: str, language: str) -> None:
    """Say, for the transaction that is open, which program makes the change, and in which language it is told no."""
    name_actor(connection, actor, "python")
    speak(connection, language)
    connection.execute(BEGIN_AS_PROGRAM)


LOCK_NAMED = "SELECT id, name, tags FROM schedule_jobs WHERE name = %(name)s FOR NO KEY UPDATE"


def declare(connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> int:
    """Make the job that *values* name, or bring the one of that name up to them; what they leave out stays.

    A job that is as declared already is not touched: its planned time and its interval's anchor stay.
    """
    found = row(connection, LOCK_NAMED, {"name": values["name"]})
    if found is None:
        try:
            with connection.transaction():
                return jobs.insert_job(connection, {name: value for name, value in values.items() if value is not None})
        except errors.UniqueViolation:  # somebody was faster who holds no name: an operator, or a program of a former version
            found = row(connection, LOCK_NAMED, {"name": values["name"]})
            if found is None or not set(values.get("tags") or ()) <= set(found["tags"] or ()):
                raise  # nobody has judged whether this one may be brought up to date
    number = int(found["id"])
    declared = {name: value for name, value in values.items() if name != "name"}
    statement = jobs.update_statement(declared, [number])
    differs = sql.SQL(" OR ").join(_differs(statement_of) for statement_of in declared.items())
    connection.execute(statement + sql.SQL(" AND (") + differs + sql.SQL(")"))
    return number


def _differs(column: tuple[str, Any]) -> sql.Composable:
    name, value = column
    literal = jobs.update_statement({name: value}, [0]).as_string().partition(" = ")[2].removesuffix(" WHERE id = 0")
    if name in ("interval", "misfire_grace"):  # as texts: PostgreSQL takes a month and 30 days for equal
        return sql.SQL("{}::text IS DISTINCT FROM ({}::interval)::text").format(sql.Identifier(name), sql.SQL(literal))
    return sql.SQL("{} IS DISTINCT FROM {}").format(sql.Identifier(name), sql.SQL(literal))


DROP_EDGES = """
DELETE FROM job_dependencies WHERE job_id = %(job_id)s AND condition = ANY (%(conditions)s) AND depends_on <> ALL (%(kept)s)
"""
ADD_EDGES = """
INSERT INTO job_dependencies (job_id, depends_on, condition)
SELECT %(job_id)s, depends_on, %(condition)s FROM unnest(%(others)s::bigint[]) AS depends_on
ON CONFLICT (job_id, depends_on) DO UPDATE
   SET condition = excluded.condition, outcome = 'success'
 WHERE (job_dependencies.condition, job_dependencies.outcome) IS DISTINCT FROM (excluded.condition, 'success')
"""


def declare_edges(connection: psycopg.Connection[Any], job_id: int, edges: Mapping[str, Iterable[int]]) -> None:
    """Make a job wait for exactly these others. edges: ids by condition; a condition that is not named stays."""
    kept = [number for others in edges.values() for number in others]
    connection.execute(DROP_EDGES, {"job_id": job_id, "conditions": list(edges), "kept": kept})
    for condition, others in edges.items():
        connection.execute(ADD_EDGES, {"job_id": job_id, "condition": condition, "others": list(others)})


HOLD_NAME = "SELECT pg_advisory_xact_lock(hashtextextended('schedule_jobs/' || %(name)s, 0))"
NAMED = "SELECT id FROM schedule_jobs WHERE name = %(name)s"


def id_of(connection: psycopg.Connection[Any], name: str) -> int | None:
    """Return the id of the job with exactly this name, None without one.

    Inside a transaction the name is held to its end, also one that no job has yet: another program that is about to declare
    it waits, so that what is decided by the answer is still right when it is written.
    """
    if connection.info.transaction_status == TransactionStatus.INTRANS:
        connection.execute(HOLD_NAME, {"name": name})  # by itself: the statement after it sees what the one before us made
    found = row(connection, NAMED, {"name": name})
    return None if found is None else int(found["id"])


STATS = """
SELECT job.id AS job_id, job.name,
       count(done.id) FILTER (WHERE done.status IN ('success', 'failed', 'timed_out', 'lost'))::integer AS total,
       count(done.id) FILTER (WHERE done.status = 'success')::integer AS successful,
       count(done.id) FILTER (WHERE done.status IN ('failed', 'timed_out', 'lost'))::integer AS failed,
       count(done.id) FILTER (WHERE done.status = 'skipped')::integer AS skipped,
       max(done.started_at) AS last_at,
       (avg(done.duration_ms) FILTER (WHERE done.status = 'success') / 1000)::float8 AS average_seconds
  FROM schedule_jobs AS job
  LEFT JOIN job_executions AS done
    ON done.job_id = job.id AND done.finished_at IS NOT NULL
   AND (%(days)s::float8 IS NULL OR done.finished_at >= now() - make_interval(secs => %(days)s * 86400))
 WHERE %(ids)s::bigint[] IS NULL OR job.id = ANY (%(ids)s)
 GROUP BY job.id
 ORDER BY job.id
"""


def stats(connection: psycopg.Connection[Any], ids: list[int] | None, days: float | None) -> list[Row]:
    """Return the figures of jobs over the last *days*; None looks at all that is kept."""
    return rows(connection, STATS, {"ids": ids, "days": days})


NEWEST = """
SELECT id
  FROM job_executions
 WHERE job_id = %(job_id)s AND status <> 'skipped'
 ORDER BY scheduled_for DESC, attempt DESC
 LIMIT 1
"""


def newest_of(connection: psycopg.Connection[Any], job_id: int) -> int | None:
    """Return the newest execution of a job that was not skipped, also one that waits; None without one."""
    found = row(connection, NEWEST, {"job_id": job_id})
    return None if found is None else int(found["id"])


WORDS = """
SELECT said.execution_id, said.line, said.stream, said.message
  FROM job_executions AS execution
  JOIN execution_logs AS said ON said.execution_id = execution.id
 WHERE execution.job_type = ANY (%(job_types)s)
   AND execution.started_at >= %(since)s
   AND (execution.status = 'running' OR execution.finished_at >= clock_timestamp() - interval '1 minute')
   AND said.stream IN ('stdout', 'stderr')
   AND said.line > coalesce((%(seen)s::jsonb ->> execution.id::text)::integer, 0)
 ORDER BY said.logged_at, said.execution_id, said.line
"""


def words(
    connection: psycopg.Connection[Any], job_types: list[str], since: Any, seen: Mapping[int, int]
) -> list[Row]:
    """Return what functions of these types printed since then. seen: the last line already shown, by execution."""
    from psycopg.types.json import Json

    return rows(connection, WORDS, {
        "job_types": job_types, "since": since, "seen": Json({str(number): line for number, line in seen.items()}),
    })


LIVING = """
SELECT name AS node, instance_id, state, job_types, workers, seen_at
  FROM scheduler_nodes
 WHERE state <> 'stopped' AND seen_at >= now() - make_interval(secs => lease_seconds)
 ORDER BY name
"""


def living_nodes(connection: psycopg.Connection[Any]) -> list[Row]:
    """Return the daemons that live, with the job types each one knows."""
    return rows(connection, LIVING)
