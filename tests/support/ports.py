"""A port of this machine for one test."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def port() -> int:
    """Give a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
