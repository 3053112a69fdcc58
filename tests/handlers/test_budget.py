"""The calls of an account: a day's limit and its share for orders, pauses, changes of pace, and a database that goes away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from handlers.markets import budget as budget_module
from handlers.markets.base import Account, AuthFailed, RateLimited
from handlers.markets.budget import DatabaseBudget
from tests.handlers.support import Link, a_context
from tests.support.cluster import Cluster

ACCOUNT = Account("naver", "default", "http://127.0.0.1:9", {"client_secret": "secret://env/SECRET"})
KOREA = ZoneInfo("Asia/Seoul")


def open_account(connection: psycopg.Connection[Any], calls_per_second: float = 10000.0) -> None:
    connection.execute(
        "INSERT INTO market_accounts (market_code, base_url, credentials, calls_per_second) "
        """VALUES ('naver', 'http://127.0.0.1:9', '{"client_secret": "secret://env/SECRET"}', %s)""", (calls_per_second,))


@asynccontextmanager
async def a_budget(dsn: str, purpose: str = "orders") -> AsyncIterator[tuple[DatabaseBudget, Link]]:
    async with a_context(dsn, ["naver"]) as (context, link):
        opened = DatabaseBudget(context, ACCOUNT, purpose)
        try:
            yield opened, link
        finally:
            await opened.close()


async def call(budget: DatabaseBudget, times: int = 1) -> None:
    for _ in range(times):
        async with budget.call():
            pass


def the_row(connection: psycopg.Connection[Any], columns: str) -> Any:
    return connection.execute(f"SELECT {columns} FROM market_budgets").fetchone()


async def test_all_but_orders_leave_the_share_of_orders_alone(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database) as (orders, _), a_budget(database, "stock") as (stock, _):
        await call(orders)
        connection.execute("UPDATE market_budgets SET daily_limit = 10")

        await call(stock, 7)
        with pytest.raises(RateLimited, match=r"8 of 10 calls.*kept for orders"):
            await call(stock)
        await call(orders, 2)
        with pytest.raises(RateLimited, match="10 of 10 calls") as failure:
            await call(orders)

    now = datetime.now(KOREA)
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), KOREA)
    assert failure.value.after == pytest.approx((midnight - now).total_seconds(), abs=5)
    assert the_row(connection, "used, used_by_others") == (10, 7)


async def test_orders_may_use_what_the_others_left(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    connection.execute("INSERT INTO market_budgets (market_code, account, daily_limit) VALUES ('naver', 'default', 10)")
    async with a_budget(database) as (orders, _):
        await call(orders, 10)
        with pytest.raises(RateLimited):
            await call(orders)


async def test_the_day_begins_at_midnight_in_seoul(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    connection.execute(
        "INSERT INTO market_budgets (market_code, account, daily_limit, day, used, used_by_others) "
        "VALUES ('naver', 'default', 5, %s, 5, 3)", (datetime.now(KOREA).date() - timedelta(days=1),))
    async with a_budget(database, "stock") as (stock, _):
        await call(stock, 3)
        with pytest.raises(RateLimited):
            await call(stock)

    assert the_row(connection, "day, used, used_by_others") == (datetime.now(KOREA).date(), 3, 3)


async def test_a_short_pause_is_waited_for_and_a_long_one_said(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database) as (one, link), a_budget(database) as (other, _):
        await one.pause(0.6, "HTTP 429")
        started = time.monotonic()
        await call(other)
        assert 0.5 < time.monotonic() - started < 5

        await one.pause(600, "quota of the hour")
        await one.pause(1, "HTTP 429")
        with pytest.raises(RateLimited, match=r"paused until.*quota of the hour") as failure:
            await call(other)
        assert 590 < failure.value.after <= 600
        assert [fields["reason"] for _, message, fields in link.lines if message == "market.paused"] == [
            "HTTP 429", "quota of the hour", "HTTP 429"]

        connection.execute("UPDATE market_budgets SET paused_until = NULL")
        await call(other)


async def test_a_changed_pace_holds_at_once(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection, calls_per_second=0.05)
    async with a_budget(database) as (budget, _):
        await call(budget)
        rest = connection.execute("SELECT slot, extract(epoch FROM free_at - clock_timestamp()) FROM market_calls").fetchall()
        assert [slot for slot, _ in rest] == [1] and 19 < rest[0][1] <= 20

        waiting = asyncio.ensure_future(call(budget, 4))
        connection.execute("UPDATE market_accounts SET calls_per_second = 5")
        await asyncio.wait_for(waiting, 10)
        assert connection.execute("SELECT count(*) FROM market_calls").fetchone() == (5,)

        connection.execute("UPDATE market_accounts SET calls_per_second = 2")
        connection.execute("UPDATE market_calls SET free_at = clock_timestamp()")
        async with AsyncExitStack() as held:
            await held.enter_async_context(budget.call())
            await held.enter_async_context(budget.call())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call(budget), 0.7)
            assert connection.execute("SELECT array_agg(slot ORDER BY slot) FROM market_calls "
                                      "WHERE free_at > clock_timestamp() + interval '9 s'").fetchone() == ([1, 2],)


async def test_a_clock_that_was_set_back_stops_nobody(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection, calls_per_second=1)
    async with a_budget(database) as (budget, _):
        await call(budget)
        connection.execute("UPDATE market_calls SET free_at = clock_timestamp() + interval '1 h'")
        await asyncio.wait_for(call(budget), 5)


async def test_calls_of_one_process_get_their_turns_in_order(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection, calls_per_second=20)
    order: list[int] = []

    async def one(budget: DatabaseBudget, number: int) -> None:
        async with budget.call():
            order.append(number)

    async with a_budget(database) as (budget, _):
        await asyncio.gather(*(one(budget, number) for number in range(40)))

    assert order == list(range(40))


async def test_a_cancelled_call_gives_its_slot_back_and_lets_the_next_wait_on(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    open_account(connection, calls_per_second=1)
    async with a_budget(database) as (budget, _):
        inside = asyncio.Event()

        async def hold() -> None:
            async with budget.call():
                inside.set()
                await asyncio.Event().wait()

        holder = asyncio.ensure_future(hold())
        await asyncio.wait_for(inside.wait(), 10)
        waiter, last = asyncio.ensure_future(call(budget)), asyncio.ensure_future(call(budget))
        waiter.cancel()
        holder.cancel()
        await asyncio.wait_for(last, 10)
        await asyncio.gather(holder, waiter, return_exceptions=True)
        assert holder.cancelled() and waiter.cancelled()


async def test_an_account_that_was_deleted_is_named(database: str) -> None:
    async with a_budget(database) as (budget, _):
        with pytest.raises(AuthFailed, match="naver: market_accounts has no such account"):
            await call(budget)


async def test_a_database_away_at_the_end_of_a_call_breaks_nothing(
    cluster: Cluster, database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_module, "LEASE", 1.0)
    open_account(connection, calls_per_second=1)
    async with a_budget(database) as (budget, link):
        async with budget.call():
            cluster.stop()
        assert [message for _, message, _ in link.lines] == ["budget.not_noted"]
        await budget.pause(600, "nobody hears of it")
        cluster.start()
        await asyncio.wait_for(call(budget), 10)  # by its lease, over a connection of its own


async def test_a_lost_connection_is_opened_again(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    async with a_budget(database) as (budget, _):
        await call(budget)
        ended = connection.execute("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                                   "WHERE datname = current_database() AND pid <> pg_backend_pid()").fetchone()
        assert ended == (2,)
        await call(budget)

    assert the_row(connection, "used") == (2,)


async def test_a_turn_got_after_standing_still_is_not_used(
    database: str, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot may be another's by then."""
    open_account(connection, calls_per_second=1)
    async with a_budget(database) as (budget, _):
        asked, ask = [], budget._ask

        async def slow() -> Any:
            answer = await ask()
            asked.append(answer.verdict)
            if len(asked) == 1:
                await asyncio.sleep(0.3)
            return answer

        monkeypatch.setattr(budget, "_ask", slow)
        monkeypatch.setattr(budget_module, "LEASE", 0.4)
        await asyncio.wait_for(call(budget), 10)

    assert asked[0] == "turn" and asked[-1] == "turn" and len(asked) > 1


async def test_no_call_waits_for_the_disk_and_nothing_stays_set(database: str, connection: psycopg.Connection[Any]) -> None:
    open_account(connection)
    with connection.transaction():
        connection.execute("SELECT * FROM market_turn('naver', 'default', true, 60)")
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
    assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    assert datetime.now(UTC) < connection.execute("SELECT max(free_at) FROM market_calls").fetchone()[0]  # type: ignore[index]


def test_limits_are_explained_in_both_languages(connection: psycopg.Connection[Any]) -> None:
    unexplained = connection.execute(
        r"""
        SELECT attrelid::regclass::text, attname::text
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE relname ~ '^market_(budgets|calls|windows|tokens)$' AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
           AND (coalesce(col_description(attrelid, attnum), '') !~ E'[가-힣].*\\n.+'
                OR coalesce(obj_description(attrelid, 'pg_class'), '') !~ E'[가-힣].*\\n.+')
         UNION ALL
        SELECT proname::text, '' FROM pg_proc
         WHERE proname ~ '^market_(turn|pause|close|windows)'
           AND coalesce(obj_description(oid, 'pg_proc'), '') !~ E'[가-힣].*\\n.+'
        """
    ).fetchall()

    assert unexplained == []
