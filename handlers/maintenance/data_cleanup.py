"""Delete old rows: only from the tables that the job names, by the age of one column, in portions."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from handlers.maintenance.statements import hopeless_errors, limited
from scheduler.handler import Context, Field, GiveUp, handler

NAME = r"^[^.\x00]{1,63}(\.[^.\x00]{1,63})?$"
# What the scheduler keeps has settings of its own (retention); a calendar or a job is never merely old.
OWN = ("calendar", "execution_logs", "job_", "market_", "schedule", "schema_migrations", "workflow")
"""How the names of the scheduler's own tables begin, in the schema where schedule_jobs is."""

FIND = """
SELECT space.nspname, relation.relname, own.atttypid::regtype::text,
       space.oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('schedule_jobs'))
  FROM pg_class AS relation
  JOIN pg_namespace AS space ON space.oid = relation.relnamespace
  LEFT JOIN pg_attribute AS own ON own.attrelid = relation.oid AND own.attname = %(column)s AND NOT own.attisdropped
 WHERE relation.oid = to_regclass(%(table)s) AND relation.relkind IN ('r', 'p')
"""
DATED = ("timestamp with time zone", "timestamp without time zone", "date")
COUNT = "SELECT count(*) FROM {table} WHERE {column} < now() - make_interval(days => %(days)s)"
# tableoid: in a partitioned table two partitions may use the same ctid.
DELETE = """
DELETE FROM {table}
 WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {table} WHERE {column} < now() - make_interval(days => %(days)s)
                             LIMIT %(portion)s FOR UPDATE SKIP LOCKED)
"""


class Cleanup(BaseModel):
    """What is deleted from one table."""

    model_config = ConfigDict(extra="forbid")
    table: Annotated[str, Field(pattern=NAME, description="with or without its schema")]
    column: Annotated[str, Field(min_length=1, max_length=63, description="when the row was made")]
    older_than_days: Annotated[int, Field(ge=1, le=36_500)]


@handler("data_cleanup", timeout="1h", retries=2)
def clean_up(
    context: Context,
    tables: Annotated[list[Cleanup], Field(min_length=1, max_length=100)],
    dry_run: Annotated[bool, Field(description="count only")] = False,
    portion: Annotated[int, Field(ge=1, le=100_000, description="rows a transaction")] = 5000,
) -> dict[str, Any]:
    """Delete rows older than so many days from the tables that the parameters name."""
    found: dict[str, int] = {}
    with hopeless_errors():
        # All names are looked at before the first row goes.
        targets = [(each, target(context.db(), each)) for each in tables]
        for each, names in targets:
            key = f"{each.table}.{each.column}"
            rows = old_rows if dry_run else partial(delete, portion=portion)
            found[key] = found.get(key, 0) + rows(context, names, each.older_than_days)
            context.log.info("cleanup.table", table=each.table, rows=found[key], dry_run=dry_run)
    total = sum(found.values())
    return {"rows" if dry_run else "deleted": total, "tables": found, "dry_run": dry_run}


def target(connection: psycopg.Connection[Any], wanted: Cleanup) -> dict[str, sql.Composable]:
    """Return table and column as quoted names. Raises GiveUp when there is no such table, or it is none to be cleaned."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in wanted.table.split("."))
    row = connection.execute(FIND, {"table": quoted, "column": wanted.column}).fetchone()
    if row is None:
        raise GiveUp(f"there is no table {wanted.table!r}")
    space, name, kind, beside_ours = row
    if space in ("pg_catalog", "information_schema", "pg_toast") or (beside_ours and name.startswith(OWN)):
        raise GiveUp(f"{wanted.table!r} is the database's or the scheduler's own table and is not cleaned by a job")
    if kind not in DATED:
        raise GiveUp(f"{wanted.table!r} has no column {wanted.column!r} that is a date or a timestamp")
    return {"table": sql.Identifier(space, name), "column": sql.Identifier(wanted.column)}


def old_rows(context: Context, names: dict[str, sql.Composable], days: int) -> int:
    with limited(context) as connection:
        row = connection.execute(sql.SQL(COUNT).format(**names), {"days": days}).fetchone()
    return int(row[0]) if row else 0


def delete(context: Context, names: dict[str, sql.Composable], days: int, portion: int) -> int:
    """Delete portion by portion, each its own transaction: what is gone stays gone when the execution is ended."""
    statement = sql.SQL(DELETE).format(**names)
    deleted = 0
    while True:
        with limited(context) as connection:
            count = connection.execute(statement, {"days": days, "portion": portion}).rowcount
        deleted += count
        context.count(deleted=count)
        if count < portion:
            return deleted
