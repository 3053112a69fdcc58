"""What every request works with: settings, connections, the language, who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.requests import Request

from scheduler.database.connection import read_json, with_defaults
from scheduler.errors import DatabaseUnavailable
from scheduler.queries.actors import name_actor
from scheduler.queries.words import speak
from scheduler.settings import Settings
from scheduler.words import language, say

if TYPE_CHECKING:
    from scheduler.web.hub import Hub
    from scheduler.web.people import Person

APPLICATION = "erp-scheduler web"
CONNECTIONS = 8
WAIT_SECONDS = 3.0
OPTIONS = "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s -c jit=off"


@dataclass
class Place:
    """The web process.

    hub  tells the open pages what has changed
    """

    settings: Settings
    pool: ConnectionPool[psycopg.Connection[Any]]
    hub: Hub

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection in autocommit mode. Raises DatabaseUnavailable."""
        try:
            with self.pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise DatabaseUnavailable(say("데이터베이스에 연결할 수 없습니다", "the database cannot be reached")) from error

    @contextmanager
    def changing(self, request: Request) -> Iterator[psycopg.Connection[Any]]:
        """Open a transaction that names who asks, whose refusals come in their language. Raises DatabaseUnavailable."""
        person: Person = request.state.person
        with self.reading() as connection, connection.transaction():
            speak(connection, language())
            name_actor(connection, person.name, person.via)
            yield connection


def make_pool(dsn: str) -> ConnectionPool[psycopg.Connection[Any]]:
    """Make the pool of the web process; it is opened by whoever serves, and fills itself when PostgreSQL is there."""

    def prepare(connection: psycopg.Connection[Any]) -> None:
        from psycopg.types.json import set_json_loads

        set_json_loads(read_json, connection)

    given = re.sub(r"\s+", " ", OPTIONS)
    return ConnectionPool(
        with_defaults(dsn, APPLICATION, options=given), min_size=1, max_size=CONNECTIONS, open=False, timeout=WAIT_SECONDS,
        kwargs={"autocommit": True, "prepare_threshold": None}, configure=prepare, check=ConnectionPool.check_connection,
        reconnect_timeout=5.0, name="web",
    )


def place_of(request: Request) -> Place:
    """Return the place that *request* came to."""
    place: Place = request.app.state.place
    return place
