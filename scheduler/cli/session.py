"""What a command works with: the settings, the database's address, an open connection."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scheduler.cli.grammar import chosen
from scheduler.words import language, say

if TYPE_CHECKING:
    import psycopg

    from scheduler.settings import Settings

APPLICATION = "erp-scheduler cli"
VIA = "cli"


def read_settings(**overrides: Any) -> Settings:
    """Read the settings with what the global flags said. Raises ConfigError."""
    from scheduler.settings import load_settings

    flags = chosen()
    return load_settings(flags.config, database_url=flags.dsn, lang=flags.lang, **overrides)


def database_address(settings: Settings) -> str:
    """Return the address of the database, without starting anything.

    Raises  DatabaseUnavailable when there is only an embedded one and it is not running
    """
    if settings.database_url:
        return readable(settings.database_url)
    from scheduler.database.embedded import Embedded
    from scheduler.errors import DatabaseUnavailable

    embedded = Embedded(settings.state_dir)
    if not embedded.is_running():
        raise DatabaseUnavailable(
            say("내장 데이터베이스가 꺼져 있고 DATABASE_URL도 없습니다",
                "the embedded database is not running and DATABASE_URL is not set")
            + "\nerp-scheduler db start"
        )
    return embedded.url()


def readable(dsn: str) -> str:
    """Return *dsn* if PostgreSQL can read it. Raises ConfigError that does not repeat it: it may hold a password."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from scheduler.errors import ConfigError

    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise ConfigError(
            say("데이터베이스 주소를 읽을 수 없습니다", "the address of the database cannot be read")
            + "\nDATABASE_URL=postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        ) from None
    return dsn


@contextmanager
def database() -> Iterator[psycopg.Connection[Any]]:
    """Open the database for one command, in the language of the person who asks. Raises DatabaseUnavailable."""
    with open_connection(database_address(read_settings())) as connection:
        yield connection


def open_connection(dsn: str) -> psycopg.Connection[Any]:
    """Connect as the command line. Raises DatabaseUnavailable with the next command to try."""
    from scheduler.database.connection import connect
    from scheduler.errors import DatabaseUnavailable

    try:
        return connect(dsn, APPLICATION)
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(
            say("데이터베이스에 연결할 수 없습니다", "the database cannot be reached")
            + f": {_first_line(error)}\nerp-scheduler doctor"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


@contextmanager
def change(connection: psycopg.Connection[Any], *, keep: bool = True) -> Iterator[None]:
    """Open a transaction whose refusals come in the language of the person who asks, and which names that person.

    keep  False for a trial: whatever happened in it is undone at its end
    """
    from scheduler.queries.actors import name_actor
    from scheduler.queries.words import speak

    with connection.transaction(force_rollback=not keep):
        speak(connection, language())
        name_actor(connection, who(), VIA)
        yield


def who() -> str:
    """Return the name of the operating system's user who types, also behind sudo."""
    import getpass

    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):         # a container may run under a number that has no name
        name = f"uid {os.getuid()}"
    return name.encode(errors="replace").decode()
