"""What every part of the Python door works with: settings, the database's address, one connection taken in turns."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from scheduler.cli.session import who
from scheduler.client.functions import Functions
from scheduler.database.connection import connect
from scheduler.database.embedded import Embedded
from scheduler.database.migrate import TABLE_EXISTS, migrate
from scheduler.errors import ConfigError, Conflict, DatabaseUnavailable, ScheduleError
from scheduler.queries import programs
from scheduler.running.kernel import EXECUTION_VARIABLE, INSTANCE_VARIABLE
from scheduler.settings import load_settings
from scheduler.words import language, say

APPLICATION = "erp-scheduler python"


class Core:
    """One program's line to the database. Any thread may use it; they take turns."""

    def __init__(self, dsn: str | None, state_dir: Path | None, given: dict[str, Any]) -> None:
        self.settings = load_settings(database_url=dsn, state_dir=state_dir, **given)
        self.state_dir_is_told = state_dir is not None or bool(os.environ.get("ERP_SCHEDULER_STATE_DIR"))
        self.given = given
        self.functions = Functions()
        self._lock = threading.RLock()
        self._connection: psycopg.Connection[Any] | None = None
        self._dsn: str | None = None

    def address(self) -> str:
        """Return the database's address; without one given, the embedded database is started."""
        refuse_while_imported()
        with self._lock:
            if self._dsn is None:
                self._dsn = self.settings.database_url or Embedded(self.settings.state_dir).start()
            return self._dsn

    @contextmanager
    def open(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the connection. Raises DatabaseUnavailable; what the database refuses comes in its own words."""
        with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            try:
                yield self._connection
            except psycopg.errors.UniqueViolation as error:
                raise Conflict(_refusal(error)) from error
            except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
                raise ScheduleError(_refusal(error)) from error
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                raise DatabaseUnavailable(str(error).strip()) from error

    @contextmanager
    def change(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the connection inside a transaction that is a program's."""
        with self.open() as connection, connection.transaction():
            programs.begin(connection, who(), language())
            yield connection

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connect(self.address(), APPLICATION)
        found = connection.execute(TABLE_EXISTS).fetchone()
        if self.settings.database_url is None or found is None or not found[0]:
            migrate(connection)
        return connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def refuse_while_imported() -> None:
    """Stop a program that would start itself again and again: its daemon imports it to find its functions."""
    if INSTANCE_VARIABLE in os.environ and EXECUTION_VARIABLE not in os.environ:
        raise ConfigError(say(
            "프로그램이 다시 불려 올 때에도 스케줄러를 사용합니다. 그 부분을 if __name__ == \"__main__\": 아래로 옮기세요",
            "the program uses the scheduler while it is only imported for its functions; "
            "put that part below `if __name__ == \"__main__\":`",
        ))


def _refusal(error: psycopg.Error) -> str:
    said = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)
    return "\n".join(part for part in said if part) or str(error)
