"""Surroundings for the tests that start a real daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.live import Surroundings


@pytest.fixture
def surroundings(database: str) -> Iterator[Surroundings]:
    made = Surroundings(database)
    yield made
    made.remove()
