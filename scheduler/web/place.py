"""What every request works with: settings, connections, the language, who asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.requests import Request

from scheduler.database.connection import read_json, with_defaults
from scheduler.errors import DatabaseUnavailable
from scheduler.queries.actors import name_actor
from scheduler.queries.words import speak
from scheduler.settings import Settings
from scheduler.web import sending
from scheduler.words import language, say

if TYPE_CHECKING:
    from scheduler.web.hub import Hub
    from scheduler.web.people import Person

APPLICATION = "erp-scheduler web"
CONNECTIONS = 8
# Whoever changes something may have to wait for others. The connections that are left look up who asks, and show pages.
WRITERS = 5
# Each that waits holds one of the 40 threads of the server, so only so many may.
WAITING_WRITERS = 20
WAIT_SECONDS = 3.0
SHUT_SECONDS = 1.0
# Less than WAIT_SECONDS: those who wait for a lock give their connections back before others have given up.
OPTIONS = "-c statement_timeout=15s -c lock_timeout=2s -c idle_in_transaction_session_timeout=30s -c jit=off"


@dataclass
class Place:
    """The web process.

    hub         tells the open pages what has changed
    shut_until  after one request has waited for a connection in vain the next ones are refused at once for a moment
    is_shut     as it is for somebody who is only remembered: nothing is read or changed, whether PostgreSQL is there or not
    """

    settings: Settings
    pool: ConnectionPool[psycopg.Connection[Any]]
    hub: Hub
    shut_until: float = 0.0
    is_shut: bool = False
    seats: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(WRITERS + WAITING_WRITERS))
    writers: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(WRITERS))

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection in autocommit mode. Raises DatabaseUnavailable."""
        if self.is_shut or time.monotonic() < self.shut_until:
            raise DatabaseUnavailable(_unreachable())
        try:
            with self.pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            self.shut_until = time.monotonic() + SHUT_SECONDS
            raise DatabaseUnavailable(_unreachable()) from error

    @contextmanager
    def changing(self, request: Request) -> Iterator[psycopg.Connection[Any]]:
        """Open a transaction that names who asks, whose refusals come in their language. Raises DatabaseUnavailable.

        A form that was sent before leaves it at once with the former answer: SentAgain.
        """
        person: Person = request.state.person
        with self._writing(), self.reading() as connection:
            with connection.transaction():
                speak(connection, language())
                name_actor(connection, person.name, person.via)
                sending.take(connection, request)
                yield connection
            request.state.has_committed = True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep connections free for those who only look. Raises DatabaseUnavailable when too many change something."""
        if not self.seats.acquire(blocking=False):
            raise DatabaseUnavailable(_busy())
        try:
            if not self.writers.acquire(timeout=WAIT_SECONDS):
                raise DatabaseUnavailable(_busy())
            try:
                yield
            finally:
                self.writers.release()
        finally:
            self.seats.release()


def _unreachable() -> str:
    return say("데이터베이스에 연결할 수 없습니다", "the database cannot be reached")


def _busy() -> str:
    return say("바꾸는 요청이 너무 많이 밀려 있습니다. 잠시 뒤 다시 하세요",
               "too many changes wait for each other; try again in a moment")


class Limited(psycopg.Connection[Any]):
    """A connection with time limits of the server's own, or without them where a pooler refuses to be told any."""

    @classmethod
    def connect(cls, conninfo: str = "", **given: Any) -> Self:
        try:
            return super().connect(conninfo, **given)
        except psycopg.OperationalError as error:
            if "startup parameter" not in str(error):
                raise
            return super().connect(make_conninfo(conninfo, options=""), **given)


def make_pool(dsn: str) -> ConnectionPool[psycopg.Connection[Any]]:
    """Make the pool of the web process; it is opened by whoever serves, and fills itself when PostgreSQL is there."""
    options = f"{OPTIONS} {conninfo_to_dict(dsn).get('options') or ''}".strip()
    return ConnectionPool(
        with_defaults(dsn, APPLICATION, options=options), connection_class=Limited, min_size=1, max_size=CONNECTIONS,
        open=False, timeout=WAIT_SECONDS, kwargs={"autocommit": True, "prepare_threshold": None},
        configure=lambda connection: set_json_loads(read_json, connection), check=ConnectionPool.check_connection,
        reconnect_timeout=5.0, name="web",
    )


def place_of(request: Request) -> Place:
    """Return the place that *request* came to; it is shut for somebody whose rights could not be looked up."""
    place: Place = request.app.state.place
    person: Person | None = getattr(request.state, "person", None)
    return replace(place, is_shut=True) if person is not None and person.recalled else place
