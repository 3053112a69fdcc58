"""Sandboxes and daemons that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.markets.shops import Shops
from tests.support.daemons import Daemon, Rows

Open = Callable[..., Shops]
Make = Callable[..., Daemon]


@pytest.fixture
def open_shops(tmp_path: Path) -> Iterator[Open]:
    """Open the sandboxes of all markets with the options given."""
    opened: list[Shops] = []

    def make(**more: Any) -> Shops:
        opened.append(Shops(tmp_path, **more))
        return opened[-1]

    yield make
    for shops in opened:
        shops.close()


@pytest.fixture
def make_daemon(database: str, tmp_path: Path) -> Iterator[Make]:
    """Make a daemon on the test's database; it reads secrets from the sandboxes' key files."""
    made: list[Daemon] = []

    def make(node: str = "a", **settings: Any) -> Daemon:
        made.append(Daemon(database, tmp_path, node, report_dir=tmp_path / "reports", **settings))
        return made[-1]

    yield make
    for daemon in made:
        daemon.remove()


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)
