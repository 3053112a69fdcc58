"""An account that is held is an open event until it answers again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from handlers.markets.base import Account, AuthFailed, Closed, MarketError, RateLimited
from handlers.markets.each import each_account
from scheduler.handler import GiveUp, Skip
from tests.handlers.support import a_context

OPEN = """
SELECT subject, market_code, account, ko, en, details FROM erp.events
 WHERE kind = 'market.maintenance' AND cleared_at IS NULL
"""
UNTIL = datetime(2099, 3, 9, 3, 30, tzinfo=UTC)


async def visit(database: str, error: MarketError | None = None) -> None:
    """Let the account *second* meet that error, and the other one nothing."""

    async def collect(account: Account) -> dict[str, Any]:
        if error is not None and account.account == "second":
            raise error
        return {"orders": 3}

    async with a_context(database, ["naver"]) as (context, _):
        await each_account(context, collect)


@pytest.fixture(autouse=True)
def _two_accounts(connection: psycopg.Connection[Any]) -> None:
    for account in ("default", "second"):
        connection.execute(
            "INSERT INTO market_accounts (market_code, account, base_url) VALUES ('naver', %s, 'http://127.0.0.1:9')", (account,))


async def test_maintenance_is_an_event_with_its_end_until_the_account_is_collected_again(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    for _ in range(2):
        await visit(database, Closed("naver/second: HTTP 503", until=UNTIL))
    [(subject, market, account, ko, en, details)] = connection.execute(OPEN).fetchall()
    assert (subject, market, account) == ("naver/second", "naver", "second")
    assert ko == "naver/second: 점검 중 (2099-03-09 12:30까지, 한국 시간)"
    assert en == "naver/second: under maintenance until 2099-03-09 12:30 (Korean time)"
    assert details == {"until": "2099-03-09T03:30:00+00:00", "reason": "naver/second: HTTP 503"}

    await visit(database)
    assert connection.execute(OPEN).fetchall() == []


async def test_a_long_pause_is_told_and_a_short_one_is_not(database: str, connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(Exception, match="slow down"):
        await visit(database, RateLimited("naver/second: slow down", after=60))
    assert connection.execute(OPEN).fetchall() == []

    before = datetime.now(UTC).replace(microsecond=0)
    await visit(database, RateLimited("naver/second: quota", after=7200))
    [(*_, en, details)] = connection.execute(OPEN).fetchall()
    assert "paused by the limit of calls until " in en
    assert timedelta(0) <= datetime.fromisoformat(details["until"]) - before - timedelta(hours=2) <= timedelta(minutes=1)


async def test_a_failure_neither_tells_nor_clears(database: str, connection: psycopg.Connection[Any]) -> None:
    await visit(database, Closed("naver/second: HTTP 503"))
    with pytest.raises(GiveUp):
        await visit(database, AuthFailed("naver/second: key"))
    assert [row[4] for row in connection.execute(OPEN).fetchall()] == ["naver/second: under maintenance"]


async def test_the_event_is_there_when_everything_is_held(database: str, connection: psycopg.Connection[Any]) -> None:
    connection.execute("DELETE FROM market_accounts WHERE account = 'default'")
    with pytest.raises(Skip):
        await visit(database, Closed("naver/second: HTTP 503", until=UNTIL))
    assert len(connection.execute(OPEN).fetchall()) == 1
