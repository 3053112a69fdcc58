"""How long a connection may take over a request, and how many there may be: half of one must not hold the place of others."""

from __future__ import annotations

import asyncio
import resource

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE_REQUEST_SECONDS = 20.0
MOST_FILES = 16384
KEPT_FILES = 128


def room() -> int:
    """Return how many connections may be open, with the limit of open files raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(KEPT_FILES, (MOST_FILES if soft == resource.RLIM_INFINITY else soft) - KEPT_FILES)


class Connection(H11Protocol):
    """A connection that is ended when a request it has begun is not whole in time, and at once when there are too many."""

    most = MOST_FILES - KEPT_FILES
    patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_waiting()
        elif self.patience is None:
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_request(self) -> None:
        self.patience = self.loop.call_later(WHOLE_REQUEST_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None
