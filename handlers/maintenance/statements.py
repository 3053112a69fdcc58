"""What handlers that run somebody's SQL share: a limit of time on the server, and which errors no repetition heals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from scheduler.handler import Context, GiveUp

LIMIT = "SELECT set_config('statement_timeout', %(milliseconds)s, true)"
TRIES_AGAIN = ("40", "53", "55", "57", "58", "08")
"""Classes of errors that pass: conflicts, no room, locks, a server that goes away."""


@contextmanager
def hopeless_errors() -> Iterator[None]:
    """Turn errors of the statement itself into GiveUp; what may pass is raised as it is."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state and not state.startswith(TRIES_AGAIN):
            raise GiveUp(f"PostgreSQL refuses it: {(str(error).splitlines() or [state])[0]} ({state})") from None
        raise


@contextmanager
def limited(context: Context) -> Iterator[psycopg.Connection[Any]]:
    """Open a transaction in which the server ends a statement a second before the execution's own end."""
    connection = context.db()
    with connection.transaction():
        milliseconds = max(1000, int((context.seconds_left - 1) * 1000))
        connection.execute(LIMIT, {"milliseconds": str(milliseconds)})
        yield connection
