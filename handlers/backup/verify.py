"""The proof of a backup: it can be read to its end, it lists the tables, and a scratch database takes it back."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql

from handlers.backup.programs import Address, ProgramFailed, Tools, run_program
from handlers.backup.source import Counts, Table, count_rows

SCRATCH = re.compile(r"erp_verify_\d{1,19}_[0-9a-f]{8}")
QUIET = ("--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions", "--no-security-labels")
LISTED = re.compile(r"^\d+; \d+ \d+ (TABLE DATA|TABLE) (.*)$", re.MULTILINE)

OWN_DATABASE = """
SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text,
       coalesce(to_jsonb(pg_database) ->> 'datlocale', to_jsonb(pg_database) ->> 'daticulocale')
  FROM pg_database WHERE datname = current_database()
"""

OWN_SCRATCH = """
SELECT datname FROM pg_database
 WHERE datname = ANY (%(names)s) AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)
"""


class BackupCorrupt(Exception):
    """The new file is not a good backup; the older ones were left alone."""


def check_readable(tools: Tools, address: Address, fd: int, tables: list[Table], tick: Callable[[], None]) -> None:
    """Read the whole archive and look for every table in its list. Raises BackupCorrupt."""
    try:
        listing = _listing(tools, address, fd, tick)
        os.lseek(fd, 0, os.SEEK_SET)
        run_program([tools.restore, "--file=/dev/null"], address, stdin=fd, tick=tick)
    except ProgramFailed as error:
        raise BackupCorrupt(f"the new backup cannot be read; {error}") from None
    finally:
        os.lseek(fd, 0, os.SEEK_SET)
    listed = set(LISTED.findall(listing))
    missing = [table.quoted for table in tables if not _entries(table) <= listed]
    if missing:
        raise BackupCorrupt(f"the new backup lacks {len(missing)} tables, among them {', '.join(missing[:5])}")


def _entries(table: Table) -> set[tuple[str, str]]:
    line = f"{table.schema} {table.name} {table.owner}".replace("\n", " ").replace("\r", " ")
    return {("TABLE", line)} if table.kind == "p" else {("TABLE", line), ("TABLE DATA", line)}


def _listing(tools: Tools, address: Address, fd: int, tick: Callable[[], None], *options: str) -> str:
    os.lseek(fd, 0, os.SEEK_SET)
    with tempfile.TemporaryFile() as output:
        run_program([tools.restore, "--list", *options], address, stdin=fd, stdout=output.fileno(), tick=tick)
        output.seek(0)
        return output.read().decode("utf-8", "replace")


def scratch_name(execution_id: int) -> str:
    return f"erp_verify_{execution_id}_{secrets.token_hex(4)}"


@contextmanager
def scratch_database(address: Address, name: str) -> Iterator[None]:
    """Lend an empty database with the encoding and locale of ours; it is dropped whatever happens."""
    with address.connect() as connection:
        create = _create_statement(connection, name)
        try:
            connection.execute(create)
            yield
        finally:
            with suppress(psycopg.Error):  # an idle link may have died during the restore
                connection.close()
            drop_scratch(address, [name])


def _create_statement(connection: psycopg.Connection[Any], name: str) -> sql.Composed:
    row = connection.execute(OWN_DATABASE).fetchone()
    assert row is not None
    encoding, collate, ctype, provider, locale = row
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
        sql.Identifier(name), sql.Literal(encoding), sql.Literal(collate), sql.Literal(ctype)
    )
    if provider == "i":
        statement += sql.SQL(" LOCALE_PROVIDER icu ICU_LOCALE {}").format(sql.Literal(locale))
    elif provider == "b":
        statement += sql.SQL(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}").format(sql.Literal(locale))
    elif provider == "c":
        statement += sql.SQL(" LOCALE_PROVIDER libc")
    return statement


def drop_scratch(address: Address, names: list[str]) -> list[str]:
    """Drop those of the scratch databases that exist and are this role's own; return their names."""
    ours = [name for name in names if SCRATCH.fullmatch(name)]
    if not ours:
        return []
    with address.connect() as connection:
        found = [row[0] for row in connection.execute(OWN_SCRATCH, {"names": ours})]
        for name in found:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    return found


def restore_whole(tools: Tools, address: Address, scratch: str, fd: int, tick: Callable[[], None]) -> None:
    """Restore a whole backup into the empty scratch database. Raises BackupCorrupt at the first error."""
    _restore(tools, address, scratch, fd, tick)


def restore_tables(
    tools: Tools, address: Address, scratch: str, fd: int, tables: list[Table], tick: Callable[[], None]
) -> None:
    """Restore chosen tables, after laying out what they lean on: schemas, types, functions, the other tables empty.

    Foreign keys are left out, since the tables that they point to hold no rows here.
    """
    _lay_out(tools, address, scratch, tables, tick)
    _restore(tools, address, scratch, fd, tick, "--section=pre-data")
    _restore(tools, address, scratch, fd, tick, "--section=data")
    kept = [
        line for line in _listing(tools, address, fd, tick, "--section=post-data").splitlines()
        if not re.match(r"\d+; \d+ \d+ FK CONSTRAINT ", line)
    ]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".list") as chosen:
        chosen.write("\n".join(kept) + "\n")
        chosen.flush()
        _restore(tools, address, scratch, fd, tick, "--section=post-data", f"--use-list={chosen.name}")


def _lay_out(tools: Tools, address: Address, scratch: str, tables: list[Table], tick: Callable[[], None]) -> None:
    """Restore the definitions around the chosen tables; what fails here and is needed fails again below."""
    excluded = [f"--exclude-table={table.pattern}" for table in tables]
    with tempfile.TemporaryFile() as definitions:
        run_program(
            [tools.dump, "--format=custom", "--section=pre-data", "--no-password", *excluded, address.argument()],
            address, stdout=definitions.fileno(), tick=tick,
        )
        with suppress(ProgramFailed):
            definitions.seek(0)
            arguments = [tools.restore, "--no-password", *QUIET, address.argument(dbname=scratch)]
            run_program(arguments, address, stdin=definitions.fileno(), tick=tick)


def _restore(
    tools: Tools, address: Address, scratch: str, fd: int, tick: Callable[[], None], *options: str
) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    arguments = [tools.restore, "--exit-on-error", "--no-password", *QUIET, *options, address.argument(dbname=scratch)]
    try:
        run_program(arguments, address, stdin=fd, tick=tick)
    except ProgramFailed as error:
        raise BackupCorrupt(f"the new backup cannot be restored; {error}") from None


def compare_counts(address: Address, scratch: str, tables: list[Table], expected: Counts) -> None:
    """Count again in the restored database. Raises BackupCorrupt naming the tables that differ."""
    with address.connect(dbname=scratch) as connection:
        restored = count_rows(connection, tables)
    wrong = [
        f"{schema}.{name} {restored.get((schema, name))} instead of {count}"
        for (schema, name), count in expected.items()
        if restored.get((schema, name)) != count
    ]
    if wrong:
        raise BackupCorrupt(f"restored row counts differ: {', '.join(wrong[:5])}")
