"""What the tests of the private PostgreSQL ask of a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import psycopg

from scheduler.database.embedded import Embedded

ROOT = os.geteuid() == 0


def value(server: Embedded, query: str) -> Any:
    with psycopg.connect(server.url(), autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def data_of(server: Embedded) -> Path:
    return Path(server.status()["data"])


def pid_of(server: Embedded) -> int:
    pid = server.status()["pid"]
    assert isinstance(pid, int)
    return pid
