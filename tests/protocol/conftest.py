"""The steps of the protocol against a real PostgreSQL, without any daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from scheduler.database.connection import connect_daemon
from scheduler.model import Execution
from scheduler.protocol.claim import claim
from tests.support.daemons import Rows

TYPES = ["noop", "echo"]


class Node:
    """One node's view: a connection of the daemon's kind and the steps it takes."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], name: str) -> None:
        self.connection = connection
        self.name = name
        self.instance_id: UUID = uuid4()

    async def claim(self, free_slots: int = 8, lease_seconds: float = 60.0, types: list[str] = TYPES) -> list[Execution]:
        return await claim(self.connection, self.name, self.instance_id, types, free_slots, lease_seconds)


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


@pytest.fixture
async def node(database: str) -> AsyncIterator[Node]:
    connection = await connect_daemon(database, "test a")
    yield Node(connection, "a")
    await connection.close()


@pytest.fixture
async def other(database: str) -> AsyncIterator[Node]:
    connection = await connect_daemon(database, "test b")
    yield Node(connection, "b")
    await connection.close()
