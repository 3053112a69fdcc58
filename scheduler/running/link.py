"""The handler's line to the world: what Context promises, spoken over the control line of its process."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from scheduler.handler import GiveUp
from scheduler.running.answers import dump, harmless

if TYPE_CHECKING:
    import httpx
    import psycopg


class ChildLink:
    """The handler's line to the world; see scheduler.handler.Link."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.reader = control.makefile("rb")
        self.cancelled = False
        self.sending = False
        self.interrupted_late = False
        self.interrupt: Callable[[], None] | None = None
        self.database_url = ""
        self.application_name = ""
        self._sync: psycopg.Connection[Any] | None = None
        self._async: psycopg.AsyncConnection[Any] | None = None
        self._http: httpx.AsyncClient | None = None

    def send(self, verb: str, body: Any) -> None:
        """Write one line. A cancel that arrives in the middle waits until the line is whole."""
        line = f"{verb} {dump(body)}\n".encode("ascii")
        self.sending = True
        try:
            self.control.sendall(line)
        finally:
            self.sending = False
        if self.interrupted_late:
            self.interrupted_late = False
            if self.interrupt is not None:
                self.interrupt()

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self.send("log", {"level": level, "message": str(message), "fields": harmless(fields)})

    def report(self, progress: Mapping[str, Any]) -> None:
        self.send("report", harmless(progress))

    def save_checkpoint(self, checkpoint: Any) -> None:
        self.send("checkpoint", checkpoint)

    def secret(self, reference: str) -> str:
        self.send("secret", reference)
        answer = json.loads(self.reader.readline() or b'{"error": "the daemon is gone"}')
        if "error" in answer:
            raise GiveUp(answer["error"])
        return str(answer["value"])

    def is_cancelled(self) -> bool:
        return self.cancelled

    def http(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            self._http = httpx.AsyncClient(timeout=30, transport=httpx.AsyncHTTPTransport(retries=2))
        return self._http

    def db(self) -> psycopg.Connection[Any]:
        if self._sync is None or self._sync.closed:
            from scheduler.database.connection import connect

            self._sync = connect(self.database_url, self.application_name)
            self._sync.execute("SET client_connection_check_interval = 1000")
        return self._sync

    async def adb(self) -> psycopg.AsyncConnection[Any]:
        if self._async is None or self._async.closed:
            from scheduler.database.connection import connect_async

            self._async = await connect_async(self.database_url, self.application_name)
            await self._async.execute("SET client_connection_check_interval = 1000")
        return self._async

    def begin(self, message: Mapping[str, Any]) -> None:
        self.cancelled = self.interrupted_late = False
        self.database_url = message["database_url"]
        self.application_name = f"erp-exec-{message['execution_id']}"

    def finish(self) -> None:
        """Close what the execution opened and did not close itself."""
        if self._sync is not None:
            with contextlib.suppress(Exception):
                self._sync.close()
            self._sync = None

    async def afinish(self) -> None:
        for opened in (self._http, self._async):
            if opened is not None:
                with contextlib.suppress(Exception):
                    await (opened.aclose() if hasattr(opened, "aclose") else opened.close())
        self._http = self._async = None
