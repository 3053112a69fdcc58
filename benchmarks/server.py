"""The PostgreSQL to measure on: a throw-away cluster with default settings, so with fsync; one database a start."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from scheduler.database.migrate import migrate
from tests.support import cluster

EMPTY = "empty"
# What differs from PostgreSQL's defaults: reached by its socket alone, and a clock that everybody reads the same.
SETTINGS = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC"}
COUNTED = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "on"}


class Server(cluster.Cluster):
    """A cluster that really writes to the disk.

    statements  load pg_stat_statements, to see which statement costs what
    """

    def __init__(self, statements: bool = False) -> None:
        self.statements = statements
        self._numbers = itertools.count(1)
        super().__init__(place=cluster.DISK)

    def open(self) -> None:
        """Start, and make the empty database from which all others are copied."""
        self.start()
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {EMPTY}")
        with psycopg.connect(self.dsn(EMPTY), autocommit=True) as connection:
            migrate(connection)
            if self.statements:
                connection.execute("CREATE EXTENSION pg_stat_statements")

    @contextmanager
    def database(self, template: str = EMPTY) -> Iterator[str]:
        """Give the name of a fresh copy of *template*, dropped afterwards; the disk is quiet when it is given."""
        name = f"bench_{next(self._numbers)}"
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with self.admin() as connection:
            connection.execute(copied.format(sql.Identifier(name), sql.Identifier(template)))
            connection.execute("CHECKPOINT")
        try:
            yield name
        finally:
            self.drop(name)

    def _launch(self) -> subprocess.Popen[bytes]:
        arguments = [str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.socket), "-p", str(self.port)]
        for name, value in {**SETTINGS, **(COUNTED if self.statements else {})}.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                arguments, cwd=self.folder, env=cluster._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=cluster._die_with_parent, **self._identity(),
            )

    def facts(self) -> dict[str, Any]:
        """Say what was measured on."""
        wanted = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        with self.admin() as connection:
            return {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in wanted}  # type: ignore[index]
