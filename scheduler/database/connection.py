"""How every part of the service reaches PostgreSQL: the options that make a dead link show itself, and the errors.

No session state is relied on (no prepared names, no session locks), so a pooler in transaction mode is safe.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_loads

from scheduler.errors import DatabaseUnavailable
from scheduler.model import Unreadable

DAEMON = "erp-scheduler daemon"
"""Sessions whose application_name starts so are a daemon's: the triggers trust them and stay silent."""

DEFAULTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20000,
    "target_session_attrs": "read-write",
}

# jit: the planner takes the claim for costly, and compiling it at every call takes ten times as long as running it.
# enable_seqscan: the daemon asks for a few rows by key; without statistics a small table with many dead rows is read whole.
LIMITS = ("-c lock_timeout=2s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s"
          " -c jit=off -c enable_seqscan=off")

# A connection that has met one of these is of no further use: the server is going away, or is not the primary.
DROP_CONNECTION = ("57P01", "57P02", "57P03", "25006")
SHOWN_JSON = 200


def with_defaults(dsn: str, application_name: str, **options: Any) -> str:
    """Return *dsn* with our time limits, where it does not say otherwise itself."""
    given = conninfo_to_dict(dsn)
    chosen: dict[str, Any] = {**DEFAULTS, **given, **options, "application_name": application_name}
    return make_conninfo(**chosen)


def masked(dsn: str) -> str:
    """Return *dsn* without its password, fit to be shown."""
    given: dict[str, Any] = dict(conninfo_to_dict(dsn))
    if given.get("password"):
        given["password"] = "***"
    return make_conninfo(**given)


def connect(dsn: str, application_name: str = "erp-scheduler") -> psycopg.Connection[Any]:
    """Open a plain connection in autocommit mode for a door or a script.

    Raises  DatabaseUnavailable with PostgreSQL's own words
    """
    try:
        connection = psycopg.connect(with_defaults(dsn, application_name), autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    set_json_loads(read_json, connection)
    return connection


async def connect_async(dsn: str, application_name: str) -> psycopg.AsyncConnection[Any]:
    """Open an asynchronous connection in autocommit mode. Raises DatabaseUnavailable."""
    try:
        connection = await psycopg.AsyncConnection.connect(
            with_defaults(dsn, application_name), autocommit=True, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    set_json_loads(read_json, connection)
    return connection


async def connect_daemon(dsn: str, loop: str) -> psycopg.AsyncConnection[Any]:
    """Open a connection for one of the daemon's loops, with the server's own time limits on every statement.

    A pooler may refuse limits given at the start; then the client's limits have to do.
    """
    given = conninfo_to_dict(dsn).get("options")
    limited = make_conninfo(dsn, options=f"{LIMITS} {given or ''}".strip())
    try:
        return await connect_async(limited, f"{DAEMON} {loop}")
    except DatabaseUnavailable as error:
        if "startup parameter" not in str(error):
            raise
        return await connect_async(dsn, f"{DAEMON} {loop}")


def compact(query: str) -> str:
    """Return *query* without comments and indentation: psycopg remembers how to send texts of up to 4096 characters."""
    return " ".join(" ".join(line.partition("--")[0] for line in query.splitlines()).split())


def read_json(data: str | bytes) -> Any:
    """Return what *data* says, or its beginning as Unreadable: one row's JSON must not cost a whole batch of rows."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return Unreadable(str(data[:SHOWN_JSON], "utf-8", "replace") if isinstance(data, bytes) else data[:SHOWN_JSON])


def is_contention(error: BaseException) -> bool:
    """Say whether *error* means that somebody else holds a row this moment: nobody's fault, to be tried again."""
    return isinstance(error, (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure))


def is_outage(error: BaseException) -> bool:
    """Say whether *error* means that the connection, not the statement, is at fault."""
    if isinstance(error, (DatabaseUnavailable, TimeoutError, OSError)):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate or ""
    return (
        state.startswith(("08", "53"))
        or state in DROP_CONNECTION
        or (isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and not state)
    )
