"""The database as it stood at one moment: its tables, what we may read, and how many rows each held."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from scheduler.handler import GiveUp

Counts = dict[tuple[str, str], int]

TABLES = """
SELECT class.oid, space.nspname, class.relname, pg_get_userbyid(class.relowner), class.relkind,
       class.relispartition, pg_table_is_visible(class.oid),
       format('%I.%I', space.nspname, class.relname), pg_table_size(class.oid),
       has_schema_privilege(space.oid, 'USAGE') AND has_table_privilege(class.oid, 'SELECT')
  FROM pg_class AS class
  JOIN pg_namespace AS space ON space.oid = class.relnamespace
 WHERE class.relkind IN ('r', 'p')
   AND class.relpersistence <> 't'
   AND space.nspname <> 'information_schema'
   AND space.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_depend AS part       -- an extension brings its tables itself
                    WHERE part.classid = 'pg_class'::regclass AND part.objid = class.oid AND part.deptype = 'e')
 ORDER BY space.nspname, class.relname
"""

PARTITIONS = "SELECT relid::oid FROM pg_partition_tree(%(oid)s)"

MAY_CREATE_DATABASE = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


@dataclass(frozen=True, slots=True)
class Table:
    oid: int
    schema: str
    name: str
    owner: str
    kind: str
    is_partition: bool
    is_visible: bool
    quoted: str
    size: int
    is_readable: bool

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def pattern(self) -> str:
        """Return the name as pg_dump takes it: between quotes nothing is a wildcard."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.name))


@dataclass(frozen=True, slots=True)
class Source:
    """An open snapshot and the tables that the backup has to hold."""

    connection: psycopg.Connection[Any]
    snapshot: str
    tables: list[Table]
    is_whole: bool

    @property
    def database(self) -> str:
        return self.connection.info.dbname

    @property
    def encoding(self) -> str:
        return self.connection.info.parameter_status("server_encoding") or "UTF8"

    @property
    def server_version(self) -> str:
        return (self.connection.info.parameter_status("server_version") or "").partition(" ")[0]

    @property
    def series(self) -> tuple[str, ...]:
        """Return what is backed up, in the manifest's form."""
        names = () if self.is_whole else sorted(table.qualified for table in self.tables)
        return (self.database, "whole" if self.is_whole else "tables", *names)

    @property
    def size(self) -> int:
        return sum(table.size for table in self.tables)


def server_major(connection: psycopg.Connection[Any]) -> int:
    return connection.info.server_version // 10000


@contextmanager
def snapshot(connection: psycopg.Connection[Any], wanted: Sequence[str] | None) -> Iterator[Source]:
    """Hold one snapshot that pg_dump and our own counts share.

    wanted  names of tables, None for the whole database
    Raises  GiveUp for an unknown table or one we may not read
    """
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
            connection.execute(  # the last one came with PostgreSQL 17
                "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = %s", [name]
            )
        connection.execute("SET LOCAL row_security = off")
        known = [Table(*row) for row in connection.execute(TABLES)]
        tables = known if wanted is None else choose(connection, known, wanted)
        require_readable(connection, tables)
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield Source(connection, row[0], tables, wanted is None)
    finally:
        with suppress(psycopg.Error):  # a link that died during a long dump takes nothing from the dump
            connection.execute("ROLLBACK")


def choose(connection: psycopg.Connection[Any], known: list[Table], wanted: Sequence[str]) -> list[Table]:
    """Find the tables that were named, with the partitions of each. Raises GiveUp naming the nearest one."""
    chosen: dict[int, Table] = {}
    by_oid = {table.oid: table for table in known}
    for name in wanted:
        table = _find(known, name)
        oids = [row[0] for row in connection.execute(PARTITIONS, {"oid": table.oid})] if table.kind == "p" else []
        for oid in (table.oid, *oids):
            if oid in by_oid:
                chosen[oid] = by_oid[oid]
    return sorted(chosen.values(), key=lambda table: (table.schema, table.name))


def _find(known: list[Table], name: str) -> Table:
    exact = [table for table in known if name in (table.qualified, table.quoted)]
    plain = [table for table in known if table.name == name]
    for found in (exact, [table for table in plain if table.is_visible], plain):
        if len(found) == 1:
            return found[0]
    if plain or exact:
        several = ", ".join(table.quoted for table in exact or plain)
        raise GiveUp(f"table {name!r} is not clear; write one of {several}")
    spellings = {spelling: table for table in known for spelling in (table.name, table.qualified)}
    near = difflib.get_close_matches(name[:200], spellings, n=1, cutoff=0.4)
    hint = f"did you mean {spellings[near[0]].qualified!r}?" if near else f"the database has {len(known)} tables"
    raise GiveUp(f"unknown table {name[:200]!r}; {hint} (patterns are not allowed)")


def require_readable(connection: psycopg.Connection[Any], tables: list[Table]) -> None:
    """Raise GiveUp unless every table may be read: a backup that leaves tables out is none."""
    closed = [table.quoted for table in tables if not table.is_readable]
    if closed:
        shown = ", ".join(closed[:5]) + (f" and {len(closed) - 5} more" if len(closed) > 5 else "")
        user = connection.info.user
        raise GiveUp(f"role {user!r} may not read {shown}; GRANT SELECT on them, or pg_read_all_data to the role")


def require_may_create(connection: psycopg.Connection[Any]) -> None:
    """Raise GiveUp unless a scratch database may be made."""
    row = connection.execute(MAY_CREATE_DATABASE).fetchone()
    if row is None or not row[0]:
        user = connection.info.user
        raise GiveUp(f"verify_restore needs a scratch database: ALTER ROLE {user} CREATEDB, or verify_restore = false")


def count_rows(
    connection: psycopg.Connection[Any], tables: list[Table], tick: Callable[[], None] = lambda: None
) -> Counts:
    """Count the rows that each table itself holds."""
    counts: Counts = {}
    for table in tables:
        tick()
        if table.kind == "p":  # its rows are its partitions'
            continue
        query = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(table.schema, table.name))
        row = connection.execute(query).fetchone()
        counts[table.schema, table.name] = row[0] if row else 0
    return counts
