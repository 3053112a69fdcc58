"""A second connection to the execution's database, for short statements that must not wait for the handler's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg

from scheduler.handler import Context

Row = tuple[Any, ...]


class SideConnection:
    """Opened at the first statement, where and as whom the context's own connection is; opened again when lost."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._parameters: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    async def row(self, query: str, values: Mapping[str, Any]) -> Row | None:
        """Run one statement in a transaction of its own and return its first row.

        A statement that met a lost connection is run once more, so it must bear that.
        """
        try:
            return await self._row(query, values)
        except psycopg.OperationalError:
            if self._connection is not None and not self._connection.closed:
                raise
            return await self._row(query, values)

    async def _row(self, query: str, values: Mapping[str, Any]) -> Row | None:
        connection = await self._open()
        cursor = await connection.execute(query, values)
        return await cursor.fetchone() if cursor.description else None

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        async with self._opening:
            if not self._parameters:
                info = (await self._context.adb()).info
                self._parameters = {**info.get_parameters(), "password": info.password or None}
            if self._connection is None or self._connection.closed:
                # No prepared names: a pooler may give every transaction another session.
                self._connection = await psycopg.AsyncConnection.connect(
                    **self._parameters, autocommit=True, prepare_threshold=None
                )
            return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
