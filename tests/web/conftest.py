"""A web process on a port of its own, over a database of its own, and programs of each role that ask it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn

from scheduler.settings import Settings
from scheduler.web.app import make_app
from scheduler.web.people import digest
from scheduler.web.server import config_of
from tests.support.daemons import LIMIT, Rows

ROLES = ("viewer", "operator", "admin")
TOKENS = {role: f"erps_{role}" for role in ROLES}
HTML = {"Accept": "text/html"}


class Web:
    """A served application.

    ask  by role, a client that sends its token; ``none`` sends nothing
    """

    def __init__(self, dsn: str, folder: Path, **settings: Any) -> None:
        self.dsn = dsn
        self.settings = Settings(database_url=dsn, state_dir=folder, **settings)
        self.app = make_app(self.settings, dsn)
        config = config_of(self.settings, self.app)
        config.port, config.timeout_graceful_shutdown = 0, 1
        self.server = uvicorn.Server(config)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(config)), daemon=True)
        self._thread.start()
        assert self._ready.wait(LIMIT)
        self.url = f"http://127.0.0.1:{self.port}"
        self.ask = {role: self._client(TOKENS.get(role)) for role in (*ROLES, "none")}

    async def _serve(self, config: uvicorn.Config) -> None:
        opened = config.bind_socket()
        self.port = opened.getsockname()[1]
        serving = asyncio.create_task(self.server.serve(sockets=[opened]))
        while not self.server.started and not serving.done():
            await asyncio.sleep(0.01)
        self._ready.set()
        await serving

    def _client(self, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=LIMIT)

    def page(self, path: str, role: str = "admin", language: str = "ko", **given: Any) -> httpx.Response:
        """Ask for a page as a browser would, in a language."""
        return self.ask[role].get(path, headers={**HTML, "Accept-Language": language}, **given)

    def close(self) -> None:
        for client in self.ask.values():
            client.close()
        self.server.should_exit = True
        self._thread.join(LIMIT)


def make_tokens(connection: psycopg.Connection[Any]) -> None:
    """Write a token of each role, known by its name."""
    for role, token in TOKENS.items():
        connection.execute("INSERT INTO web_tokens (name, role, hash, prefix, made_by) VALUES (%s, %s, %s, %s, 'test')",
                           (role, role, digest(token), token[:8]))


@pytest.fixture
def rows(connection: psycopg.Connection[Any]) -> Rows:
    return Rows(connection)


@pytest.fixture
def web(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> Iterator[Web]:
    make_tokens(connection)
    made = Web(database, tmp_path)
    yield made
    made.close()
