"""The server around the application: what is compressed, when it is ready, and how it ends."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from scheduler.settings import Settings
from scheduler.web.app import make_app
from scheduler.web.connections import Connection, room
from scheduler.web.hub import Hub

GRACE_SECONDS = 3
COMPRESSED_FROM_BYTES = 600
COMPRESSION = 6


def run(settings: Settings, dsn: str, opened: socket.socket, ready: Callable[[], None]) -> None:
    """Serve on *opened* until SIGTERM or SIGINT."""
    app = make_app(settings, dsn)
    Connection.most = room()
    config = config_of(settings, app)
    server = Server(config, app.state.place.hub, ready)
    # uvicorn raises the signal once more when it has ended in order; these keep that from being an error.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.stop)
    server.run(sockets=[opened])


def config_of(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """Return how *app* is served."""
    return uvicorn.Config(
        compressed(app), log_config=None, access_log=False, server_header=False, date_header=True, lifespan="on", http=Connection,
        timeout_graceful_shutdown=GRACE_SECONDS, proxy_headers=settings.web_behind_proxy,
        forwarded_allow_ips=settings.web_proxies if settings.web_behind_proxy else None,
        ssl_certfile=settings.web_cert, ssl_keyfile=settings.web_key, h11_max_incomplete_event_size=32 * 1024,
    )


def compressed(app: ASGIApp) -> ASGIApp:
    """Compress what is worth it; never the stream of hints, which would wait in the compressor."""
    return GZipMiddleware(app, COMPRESSED_FROM_BYTES, COMPRESSION)


class Server(uvicorn.Server):
    """A server that says when it answers, and ends the streams of the open pages before it waits for requests."""

    def __init__(self, config: uvicorn.Config, hub: Hub, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.hub = hub
        self.ready = ready

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal that comes before or after uvicorn's own watch."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.hub.close()
        await super().shutdown(sockets)
