"""What is asked of the server itself, before there is a schema."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

CREATE = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")


def create_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Create the database *name* in UTF-8."""
    connection.execute(CREATE.format(sql.Identifier(name)))


ROUND_TRIP = "SELECT 1"


def round_trip(connection: psycopg.Connection[Any]) -> None:
    """Ask the server something that costs nothing."""
    connection.execute(ROUND_TRIP)
