"""One token for all processes of an account, fetched once, and in no table in plain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from handlers.markets import token_box
from handlers.markets.base import AuthFailed, MarketDown, Token
from handlers.markets.budget import DatabaseBudget
from tests.handlers.support import SECRETS, a_context
from tests.handlers.test_budget import ACCOUNT, a_budget, open_account
from tests.handlers.test_budget_processes import SPAWN, processes

LIVES = 10800.0


class Fetcher:
    """Makes tokens, and counts them; waits for *go* when it is given."""

    def __init__(self, go: asyncio.Event | None = None, lives: float = LIVES) -> None:
        self.made = 0
        self.begun = asyncio.Event()
        self._go = go
        self._lives = lives

    async def __call__(self) -> Token:
        self.made += 1
        made = self.made
        self.begun.set()
        if self._go is not None:
            await self._go.wait()
        return Token(f"plain-access-token-{made}", self._lives)


class Office(BaseHTTPRequestHandler):
    """Issues a token for each POST, slowly."""

    def do_POST(self) -> None:
        issued: list[str] = self.server.issued  # type: ignore[attr-defined]
        issued.append(f"plain-access-token-{len(issued) + 1}")
        body = issued[-1].encode()
        threading.Event().wait(0.5)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def office() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Office) as server:
        server.issued = []  # type: ignore[attr-defined]
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        yield server
        server.shutdown()
        serving.join(10)


def ask_office(dsn: str, url: str, ready: Any, got: Any) -> None:
    async def ask() -> list[str]:
        async with a_budget(dsn) as (budget, _), httpx.AsyncClient(trust_env=False) as client:

            async def fetch() -> Token:
                return Token((await client.post(url)).text, LIVES)

            ready.wait(60)
            first = await asyncio.gather(*(budget.token(fetch) for _ in range(3)))
            await asyncio.to_thread(ready.wait, 60)
            return first + await asyncio.gather(*(budget.token(fetch, stale=first[0]) for _ in range(3)))

    got.put(asyncio.run(ask()))


def test_four_processes_fetch_one_token_and_one_more_when_it_was_refused(
    database: str, connection: psycopg.Connection[Any], office: ThreadingHTTPServer
) -> None:
    open_account(connection)
    ready, got = SPAWN.Barrier(4), SPAWN.Queue()
    with processes(ask_office, database, f"http://127.0.0.1:{office.server_address[1]}/", ready, got, count=4) as started:
        tokens = [got.get(timeout=60) for _ in started]

    assert tokens == [["plain-access-token-1"] * 3 + ["plain-access-token-2"] * 3] * 4
    assert len(office.issued) == 2  # type: ignore[attr-defined]


async def test_a_token_is_kept_and_stands_in_no_table_in_plain(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    fetch = Fetcher()
    async with a_budget(database) as (budget, link):
        token = await budget.token(fetch)
        assert await budget.token(fetch) == token
    async with a_budget(database) as (budget, _):
        assert await budget.token(fetch) == token

    assert fetch.made == 1 and token == "plain-access-token-1"
    assert link.lines == []
    found = connection.execute("SELECT length(sealed), ends_at - fetched_at > interval '10790 s' FROM market_tokens").fetchone()
    assert found is not None and found[0] > len(token) and found[1]
    secrets = [token, *SECRETS.values()]
    for text in [*secrets, *(text.encode().hex() for text in secrets)]:
        assert tables_with(connection, text) == []
    assert tables_with(connection, "naver") != []


def tables_with(connection: psycopg.Connection[Any], text: str) -> list[str]:
    """Return the tables of the database in which some column shows *text*."""
    tables = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
        "AND table_schema NOT IN ('pg_catalog', 'information_schema')").fetchall()
    assert ("public", "market_tokens") in tables
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS known WHERE strpos(known::text, %s) > 0)")
    return [name for schema, name in tables
            if connection.execute(query.format(sql.Identifier(schema, name)), (text,)).fetchone() == (True,)]


async def test_an_error_reaches_all_who_wait_and_frees_the_way(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    tried = 0

    async def fail() -> Token:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0.05)
        raise MarketDown("naver: HTTP 502")

    async with a_budget(database) as (one, _), a_budget(database) as (other, _):
        failures = await asyncio.gather(*(one.token(fail) for _ in range(5)), return_exceptions=True)
        assert [str(failure) for failure in failures] == ["naver: HTTP 502"] * 5 and tried == 1
        assert await asyncio.wait_for(other.token(Fetcher()), 5) == "plain-access-token-1"


async def test_a_token_near_its_end_is_renewed_while_the_others_use_it(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    open_account(connection)
    async with a_budget(database) as (budget, _):
        await budget.token(Fetcher())
    connection.execute("UPDATE market_tokens SET ends_at = clock_timestamp() + interval '29 min', "
                       "fetched_at = clock_timestamp() - interval '151 min'")

    go = asyncio.Event()
    renew, others = Fetcher(go), Fetcher()
    renew.made = 1
    async with a_budget(database) as (one, _), a_budget(database) as (other, _):
        renewing = asyncio.ensure_future(one.token(renew))
        await asyncio.wait_for(renew.begun.wait(), 10)
        assert await asyncio.wait_for(other.token(others), 5) == "plain-access-token-1"
        go.set()
        assert await renewing == "plain-access-token-2" == await other.token(others)
    assert others.made == 0


async def test_a_short_lived_token_is_not_fetched_for_every_call(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    fetch = Fetcher(lives=600.0)
    for _ in range(3):
        async with a_budget(database) as (budget, _):
            await budget.token(fetch)
    assert fetch.made == 1


async def test_new_secrets_make_the_stored_token_worthless(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_context(database, ["naver"]) as (context, _):
        for seal, made in (("old secret", 1), ("old secret", 1), ("new secret", 2)):
            budget, fetch = DatabaseBudget(context, ACCOUNT, seal=seal), Fetcher()
            fetch.made = made - 1
            assert await budget.token(fetch) == f"plain-access-token-{made}"
            await budget.close()


async def test_without_a_secret_nothing_is_fetched_or_stored(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    fetch = Fetcher()
    async with a_context(database, ["naver"]) as (context, _):
        budget = DatabaseBudget(context, replace(ACCOUNT, credentials={"client_id": "abc"}))
        with pytest.raises(AuthFailed, match="hold no secret"):
            await budget.token(fetch)
        await budget.close()
    assert fetch.made == 0
    assert connection.execute("SELECT count(sealed), count(fetching_until) FROM market_tokens").fetchone() == (0, 0)


async def test_a_cancelled_wait_keeps_the_fetching_for_the_others(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    open_account(connection)
    go = asyncio.Event()
    fetch = Fetcher(go)
    async with a_budget(database) as (budget, _):
        first, second = asyncio.ensure_future(budget.token(fetch)), asyncio.ensure_future(budget.token(fetch))
        await asyncio.wait_for(fetch.begun.wait(), 10)
        first.cancel()
        go.set()
        assert await asyncio.wait_for(second, 5) == "plain-access-token-1"
    assert first.cancelled() and fetch.made == 1


async def test_closing_ends_a_fetching_and_frees_the_way(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database) as (budget, _):
        fetch = Fetcher(asyncio.Event())
        waiting = asyncio.ensure_future(budget.token(fetch))
        await asyncio.wait_for(fetch.begun.wait(), 10)
        waiting.cancel()
    async with a_budget(database) as (budget, _):
        assert await asyncio.wait_for(budget.token(Fetcher()), 5) == "plain-access-token-1"


def fetch_for_ever(dsn: str, begun: Any) -> None:
    token_box.FETCH_LEASE = 1.0

    async def fetch() -> Token:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def ask(make: Callable[[], Awaitable[Token]]) -> None:
        async with a_budget(dsn) as (budget, _):
            await budget.token(make)

    asyncio.run(ask(fetch))


async def test_another_fetches_when_a_process_was_killed_at_it(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    begun = SPAWN.Event()
    with processes(fetch_for_ever, database, begun) as started:
        assert await asyncio.to_thread(begun.wait, 60)
        started[0].kill()
        async with a_budget(database) as (budget, _):
            assert await asyncio.wait_for(budget.token(Fetcher()), 10) == "plain-access-token-1"
