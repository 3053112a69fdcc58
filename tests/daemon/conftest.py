"""Real daemons on a fresh database, ended and checked for remains after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.daemons import Daemon, Rows


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


@pytest.fixture
def make_daemon(database: str, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    made: list[Daemon] = []

    def make(node: str = "a", **settings: Any) -> Daemon:
        daemon = Daemon(database, tmp_path, node, **settings)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        daemon.remove()
