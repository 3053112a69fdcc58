"""The web process: refuse what is not safe, then serve until told to stop."""

from __future__ import annotations

from collections.abc import Callable

from scheduler.address import address, check_address, open_socket
from scheduler.settings import Settings


def serve(settings: Settings, dsn: str, ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT.

    ready   called with the address once it answers
    Raises  ConfigError; Conflict when the port is taken
    """
    check_address(settings)
    with open_socket(settings) as opened:
        from scheduler.web.server import run

        run(settings, dsn, opened, lambda: ready(address(settings)))
    return 0
