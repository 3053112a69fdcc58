"""Around the application: safe addresses, the address as people type it, what is compressed."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from scheduler.address import address, check_address, open_socket, set_up_link
from scheduler.errors import ConfigError, Conflict
from scheduler.settings import Settings
from scheduler.web.app import make_app
from scheduler.web.place import Limited
from scheduler.web.server import compressed
from scheduler.words import set_language
from tests.web.conftest import TOKENS, make_tokens


@pytest.mark.parametrize(("given", "wanted"), [
    ({}, "http://localhost:3000/scheduler"),
    ({"web_host": "::1", "web_port": 81}, "http://localhost:81/scheduler"),
    ({"web_host": "10.0.0.5", "web_cert": "c", "web_key": "k"}, "https://10.0.0.5:3000/scheduler"),
    ({"web_host": "2001:db8::5", "web_cert": "c", "web_key": "k"}, "https://[2001:db8::5]:3000/scheduler"),
    ({"web_host": "0.0.0.0", "web_cert": "c", "web_key": "k", "web_hosts": "erp.example.com, b"},
     "https://erp.example.com:3000/scheduler"),
    ({"web_behind_proxy": True, "web_hosts": "erp.example.com"}, "https://erp.example.com/scheduler"),
])
def test_the_address_is_what_people_type(given: dict[str, Any], wanted: str) -> None:
    settings = Settings(**given)
    check_address(settings)
    assert address(settings) == wanted
    assert set_up_link(settings, "abc") == f"{wanted}/setup/abc"


@pytest.mark.parametrize("given", [
    {"web_host": "0.0.0.0"}, {"web_host": "::"}, {"web_host": "192.168.0.5"}, {"web_host": "erp.example.com"},
    {"web_host": "127.0.0.1.example.com"}, {"web_cert": "c"}, {"web_key": "k"},
])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_address_but_loopback_without_encryption(given: dict[str, Any], language: str) -> None:
    set_language(language)
    with pytest.raises(ConfigError, match="ERP_SCHEDULER_WEB_CERT"):
        check_address(Settings(**given))


def test_a_port_that_is_bound_but_not_yet_served_is_taken_already() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open_socket(Settings(web_port=port)), pytest.raises(Conflict, match=str(port)):
        open_socket(Settings(web_port=port))


def ask(dsn: str, folder: Path, path: str, **headers: str) -> httpx.Response:
    """Ask the application as it is served, without a server."""
    async def go() -> httpx.Response:
        app = make_app(Settings(database_url=dsn, state_dir=folder), dsn)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(compressed(app))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.get(path, headers={"Authorization": f"Bearer {TOKENS['viewer']}", **headers})

    return asyncio.run(go())


@pytest.mark.parametrize(("path", "kind"), [
    ("/scheduler/locks", "text/html"), ("/scheduler/static/app.css", "text/css"), ("/scheduler/static/app.js", "text/javascript"),
])
def test_what_is_long_is_compressed_for_those_who_can_read_it(
    database: str, connection: psycopg.Connection[Any], tmp_path: Path, path: str, kind: str
) -> None:
    make_tokens(connection)
    short = ask(database, tmp_path, path, **{"Accept": "text/html", "Accept-Encoding": "gzip"})
    assert short.status_code == 200 and short.headers["content-type"].startswith(kind)
    assert short.headers["content-encoding"] == "gzip" and "Accept-Encoding" in short.headers["vary"]
    whole = ask(database, tmp_path, path, **{"Accept": "text/html", "Accept-Encoding": "identity"})
    assert "content-encoding" not in whole.headers and whole.status_code == 200


def test_a_pooler_that_refuses_time_limits_is_asked_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(_cls: type[Any], /, conninfo: str = "", **_: Any) -> Any:
        asked.append(conninfo)
        if "statement_timeout" in conninfo:
            raise psycopg.OperationalError("FATAL: unsupported startup parameter: options")
        return "connected"

    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(refuse))
    assert str(Limited.connect("host=pooler options='-c statement_timeout=15s'")) == "connected"
    assert len(asked) == 2 and "statement_timeout" not in asked[1]
