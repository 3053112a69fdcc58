"""A shop's database as pages see it after some weeks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

SHOP = (Path(__file__).parent / "shop.sql").read_bytes()


def stock_shop(connection: psycopg.Connection[Any]) -> None:
    """Fill an empty database with every kind of job, every end, every trouble."""
    connection.execute(SHOP)
