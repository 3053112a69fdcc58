"""Two that set values at one shop take turns, and one that died keeps nobody out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from handlers.inventory_sync import synchronise
from tests.handlers import stock_support
from tests.handlers.stock_support import count, one, open_shop, run
from tests.handlers.support import Cancelled, a_context

Connection = psycopg.Connection[Any]
shops = stock_support.shops
pytestmark = pytest.mark.usefixtures("shops")
LIMIT = 60.0
ASKED = "SELECT EXISTS (SELECT FROM erp.push_turns WHERE asked)"
HOLD = """
import asyncio, sys, time
from handlers.markets.base import Account
from handlers.stock.turns import Turn
from tests.handlers.support import a_context

async def main() -> None:
    async with a_context(sys.argv[1], execution_id=77) as (context, _):
        async with Turn(context, Account("coupang", "default", "", {}, 1.0)).held():
            print("held", flush=True)
            time.sleep(600)

asyncio.run(main())
"""


async def sync(database: str, execution_id: int) -> dict[str, Any]:
    async with a_context(database, execution_id=execution_id) as (context, _):
        return await synchronise(context)


def wait_until(connection: Connection, statement: str) -> None:
    limit = time.monotonic() + LIMIT
    while not one(connection, statement):
        assert time.monotonic() < limit, statement
        time.sleep(0.01)


def hold(connection: Connection, seconds: float) -> None:
    """Hold the turn as another pass would."""
    connection.execute(
        "INSERT INTO erp.push_turns (market_code, account, holder, execution_id, until) "
        "VALUES ('coupang', 'default', %s, 77, clock_timestamp() + make_interval(secs => %s)) "
        "ON CONFLICT (market_code, account) DO UPDATE SET holder = excluded.holder, until = excluded.until", (uuid4(), seconds))


def an_execution(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO job_executions (id, job_name, job_type, status) VALUES (77, 'j', 'inventory_sync', 'running')")


@contextmanager
def a_holder(database: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that takes the turn and keeps it."""
    with subprocess.Popen([sys.executable, "-c", HOLD, database], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


async def test_two_passes_at_once_set_each_item_once_and_let_each_other_in(database: str, connection: Connection) -> None:
    stock = {f"SKU-{each:04}": 10 for each in range(1, 161)}
    shop = open_shop(connection, stock=stock)
    count(connection, **dict.fromkeys(stock, 7))
    second = threading.Thread(target=lambda: asyncio.run(sync(database, 2)))
    passes: list[bool] = []

    def meet(verb: str, items: list[str]) -> None:
        passes.append(threading.current_thread() is second)
        if passes == [False, False]:
            second.start()
            wait_until(connection, ASKED)

    shop.before = meet
    result = await sync(database, 1)
    await asyncio.to_thread(second.join, LIMIT)

    assert len(shop.pushed) == 160 and set(shop.stock.values()) == {7} and 0 < result["stock"] <= 160
    assert one(connection, "SELECT count(*), count(DISTINCT item_id) FROM erp.pushes") == (160, 160)
    assert passes.index(True) < max(place for place, is_second in enumerate(passes) if not is_second)
    assert one(connection, "SELECT count(*) FROM erp.push_turns") == 0


async def test_a_killed_holder_keeps_nobody_out_once_its_execution_has_ended(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    count(connection, A=16)
    an_execution(connection)
    with a_holder(database) as process:
        waiting = asyncio.create_task(sync(database, 1))
        await asyncio.to_thread(wait_until, connection, ASKED)
        process.kill()
        process.wait(LIMIT)
        assert shop.reads == [] and not waiting.done()
        connection.execute("UPDATE job_executions SET status = 'lost' WHERE id = 77")
        result = await asyncio.wait_for(waiting, LIMIT)

    assert shop.pushed == [("c-A", 16)] and result["stock"] == 1
    assert one(connection, "SELECT count(*) FROM erp.push_turns") == 0


async def test_a_turn_that_nobody_gives_back_lapses(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    count(connection, A=16)
    hold(connection, 0.5)
    await asyncio.wait_for(sync(database, 1), LIMIT)
    assert shop.pushed == [("c-A", 16)]


async def test_what_was_read_before_another_took_the_turn_is_not_sent(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    count(connection, A=16)

    def lose(verb: str, items: list[str]) -> None:
        if verb == "read" and not shop.reads:
            hold(connection, 0.3)
            count(connection, A=5)

    shop.before = lose
    result, _ = await run(synchronise, database)

    assert len(shop.reads) == 2 and shop.pushed == [("c-A", 5)]
    assert (result["markets"]["coupang"]["read"], result["stock"]) == (1, 1)


async def test_nobody_waits_within_a_transaction_and_a_cancel_ends_the_waiting(database: str, connection: Connection) -> None:
    shop = open_shop(connection, stock={"A": 17})
    count(connection, A=16)
    hold(connection, 600)
    async with a_context(database) as (context, link):
        waiting = asyncio.create_task(synchronise(context))
        await asyncio.to_thread(wait_until, connection, ASKED)
        assert one(connection, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                   "AND starts_with(state, 'idle in')") == 0
        assert one(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        link.is_cancelled = lambda: True  # type: ignore[method-assign]
        with pytest.raises(Cancelled):
            await asyncio.wait_for(waiting, LIMIT)
    assert shop.reads == [] and one(connection, "SELECT execution_id FROM erp.push_turns") == 77


async def test_a_dry_run_needs_no_turn(database: str, connection: Connection) -> None:
    open_shop(connection, stock={"A": 17})
    count(connection, A=16)
    hold(connection, 600)
    result, _ = await run(synchronise, database, dry_run=True)
    assert result["stock"] == 1
