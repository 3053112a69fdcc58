"""Four real processes over one account: the shop never sees more than its calls a second, whatever happens to them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.process import BaseProcess
from typing import Any

import httpx
import psycopg
import pytest

from handlers.markets import budget as budget_module
from handlers.markets.base import RateLimited
from tests.handlers.test_budget import a_budget, call, open_account

SPAWN = multiprocessing.get_context("spawn")
PROCESSES = 4
RATE = 5
SECONDS = 6.0


class Counter(ThreadingHTTPServer):
    """Notes when each request arrives; every ninth is answered late."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.arrivals: list[float] = []

    def arrived(self) -> None:
        self.arrivals.append(time.monotonic())
        if len(self.arrivals) % 9 == 0:
            time.sleep(0.5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Counter)
        self.server.arrived()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def counter() -> Iterator[Counter]:
    with Counter() as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        yield server
        server.shutdown()
        serving.join(10)


@contextmanager
def processes(target: Callable[..., None], *arguments: Any, count: int = 1) -> Iterator[list[BaseProcess]]:
    """Run *target* in processes of their own, ended with the block."""
    started: list[BaseProcess] = [SPAWN.Process(target=target, args=arguments, daemon=True) for _ in range(count)]
    for each in started:
        each.start()
    try:
        yield started
    finally:
        for each in started:
            each.kill()
            each.join(10)


def keep_calling(dsn: str, url: str, ready: Any, counts: Any) -> None:
    """Call with three calls waiting at a time, and say how many were made."""

    async def caller(client: httpx.AsyncClient, budget: budget_module.DatabaseBudget, until: float) -> int:
        made = 0
        while time.monotonic() < until:
            async with budget.call():
                await client.get(url)
            made += 1
        return made

    async def all_callers() -> int:
        async with a_budget(dsn) as (budget, _), httpx.AsyncClient(trust_env=False) as client:
            ready.wait(60)
            until = time.monotonic() + SECONDS
            return sum(await asyncio.gather(*(caller(client, budget, until) for _ in range(3))))

    counts.put(asyncio.run(all_callers()))


def test_four_processes_never_make_more_calls_in_any_second(
    database: str, connection: psycopg.Connection[Any], counter: Counter
) -> None:
    open_account(connection, RATE)
    ready, counts = SPAWN.Barrier(PROCESSES + 1), SPAWN.Queue()
    with processes(keep_calling, database, counter.url, ready, counts, count=PROCESSES) as started:
        ready.wait(60)
        stopped = started[0].pid
        assert stopped is not None
        threading.Event().wait(1.0)
        os.kill(stopped, signal.SIGSTOP)
        threading.Event().wait(1.2)
        os.kill(stopped, signal.SIGCONT)
        made = [counts.get(timeout=60) for _ in started]

    arrivals = sorted(counter.arrivals)
    assert [b - a for a, b in zip(arrivals, arrivals[RATE:], strict=False) if b - a < 1.0] == []
    assert len(arrivals) == sum(made) >= 0.6 * RATE * SECONDS
    assert min(made) >= 2
    assert connection.execute("SELECT used FROM market_budgets").fetchone() == (len(arrivals),)


def pause_it(dsn: str) -> None:
    async def pause() -> None:
        async with a_budget(dsn) as (budget, _):
            await budget.pause(600, "HTTP 429")

    asyncio.run(pause())


async def test_a_pause_is_seen_by_another_process(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database, "stock") as (budget, _):
        await call(budget)
        with processes(pause_it, database) as started:
            started[0].join(60)
            assert started[0].exitcode == 0
        with pytest.raises(RateLimited, match="HTTP 429"):
            await call(budget)


def hold_it(dsn: str, held: Any) -> None:
    async def hold() -> None:
        budget_module.LEASE = 2.0
        async with a_budget(dsn) as (budget, _), budget.call():
            held.set()
            await asyncio.Event().wait()

    asyncio.run(hold())


async def test_the_slot_of_a_killed_process_comes_back(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection, 1)
    held = SPAWN.Event()
    with processes(hold_it, database, held) as started:
        assert await asyncio.to_thread(held.wait, 60)
        free_at = connection.execute("SELECT free_at FROM market_calls").fetchone()
        started[0].kill()
        started[0].join(10)
        async with a_budget(database) as (budget, _):
            await asyncio.wait_for(call(budget), 20)

    assert free_at is not None
    row = connection.execute("SELECT clock_timestamp() >= %s, count(*) OVER () FROM market_calls", free_at).fetchone()
    assert row == (True, 1)
