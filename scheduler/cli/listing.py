"""Lists of the command line: what is read together with the moment it holds for, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scheduler.cli.grammar import chosen
from scheduler.cli.output import Column, print_json, print_table
from scheduler.cli.session import database

if TYPE_CHECKING:
    from psycopg import Connection

Rows = Sequence[Mapping[str, Any]]


def read_with_now(read: Callable[[Connection[Any]], Rows]) -> tuple[Rows, datetime]:
    """Return what *read* finds, and the database's present moment."""
    from scheduler.queries.jobs import database_now

    with database() as connection:
        return read(connection), database_now(connection)


def print_list(found: Rows, columns: Sequence[Column], *, empty: str) -> None:
    """Print rows as people read them, or all that is known of them as JSON where that was asked for."""
    if chosen().json:
        print_json(found)
    else:
        print_table(found, columns, empty=empty)
