"""Rows as dictionaries: how every query of this folder reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]


def rows(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Send *statement* and return its rows."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def row(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any] | None = None) -> Row | None:
    """Send *statement* and return its first row, None when there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchone()
