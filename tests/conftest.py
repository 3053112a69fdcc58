"""A throw-away PostgreSQL for the whole run and a fresh database for each test that asks; nothing outside is touched.

ERP_TEST_PG_BIN or ERP_TEST_PG_MAJOR (15, 18) chooses the server.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.database.migrate import migrate
from scheduler.words import set_language
from tests.support.cluster import Cluster

TEMPLATE = "template_erp"
_home: Path | None = None


def pytest_configure() -> None:
    """Cut this run off from the machine's own settings, state folder and database before anything is imported."""
    global _home
    # A time limit from outside ends us by SIGTERM: end as by Ctrl-C, so that fixtures stop what they have started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell starts what runs in its background deaf to Ctrl-C, and every program that a test starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in list(os.environ):
        if name.startswith(("ERP_SCHEDULER_", "PG", "LC_")) or name in ("DATABASE_URL", "DATABASE_URL_FILE", "COLUMNS"):
            del os.environ[name]
    os.environ["LANG"] = "C.UTF-8"
    _home = Path(tempfile.mkdtemp(prefix="erp-home-"))
    os.environ["XDG_STATE_HOME"] = str(_home / "state")
    os.environ["XDG_CONFIG_HOME"] = str(_home / "config")
    os.environ["XDG_CACHE_HOME"] = str(_home / "cache")


def pytest_unconfigure() -> None:
    if _home is not None:
        shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    """Forget the language that a test has fixed."""
    yield
    set_language(None)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give the session's PostgreSQL server, started; a test that stops it must start it again."""
    server = Cluster()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """Give the name of a database with all migrations applied, to be copied and never connected to."""
    with cluster.admin() as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with psycopg.connect(cluster.dsn(TEMPLATE), autocommit=True) as connection:
        migrate(connection)
    return TEMPLATE


@pytest.fixture
def database(cluster: Cluster, template: str) -> Iterator[str]:
    """Give the DSN of a fresh, migrated database, dropped afterwards with whoever is still connected."""
    cluster.start()
    name = cluster.create(template)
    yield cluster.dsn(name)
    cluster.start()
    cluster.drop(name)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Give an autocommit connection to the test's database."""
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened
