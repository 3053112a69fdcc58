"""Private PostgreSQLs in short folders: one that is new for a test, and one that lives through a file of tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.database.embedded import Embedded


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a short folder that other users can pass through, as a service folder is."""
    made = Path(tempfile.mkdtemp(prefix="erp-e-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def fresh(folder: Path) -> Iterator[Embedded]:
    """Give a private PostgreSQL that was never started."""
    server = Embedded(folder / "state")
    server.state_dir.mkdir(mode=0o711)
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def veteran() -> Iterator[Embedded]:
    """Give the private PostgreSQL that the tests of one file start, kill and stop one after the other."""
    made = Path(tempfile.mkdtemp(prefix="erp-e-", dir="/tmp"))
    made.chmod(0o711)
    server = Embedded(made)
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def private(veteran: Embedded) -> Iterator[Embedded]:
    """Give a private PostgreSQL that has lived through other tests; it is stopped now."""
    veteran.stop("immediate")
    yield veteran
    veteran.stop("immediate")
