"""Market code → client. Where a market is called, and as whom, stands in market_accounts and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module

from handlers.markets.base import Account, Clock, Market, MarketError
from scheduler.handler import Context, GiveUp

CLIENTS = {"coupang": "handlers.markets.coupang:Coupang"}

ACCOUNTS = """
SELECT market_code, account, base_url, credentials, calls_per_second
  FROM market_accounts
 WHERE enabled AND (%(code)s::text IS NULL OR market_code = %(code)s)
 ORDER BY market_code, account
"""
NOW = "SELECT clock_timestamp()"

EXAMPLES = {
    "coupang": (
        "https://api-gateway.coupang.com",
        '{"vendor_id": "A00012345", "access_key": "secret://env/COUPANG_ACCESS_KEY", '
        '"secret_key": "secret://env/COUPANG_SECRET_KEY"}',
    ),
}


async def accounts(context: Context, code: str | None = None) -> list[Account]:
    """Return the enabled accounts of a market, or of all markets.

    Raises  GiveUp with the statement to type when the market has no client or no enabled account
    """
    if code is not None and code not in CLIENTS:
        raise GiveUp(f"{code}: this release has no client for it; known markets: {', '.join(sorted(CLIENTS))}")
    connection = await context.adb()
    rows = await (await connection.execute(ACCOUNTS, {"code": code})).fetchall()
    if not rows:
        raise GiveUp(no_account(code))
    return [Account(*row) for row in rows]


def no_account(code: str | None) -> str:
    """Say that there is no account, with the SQL that makes one."""
    named = code or "coupang"
    base_url, credentials = EXAMPLES[named]
    return (
        f"{code or 'no market'}: market_accounts has no enabled account; type: INSERT INTO market_accounts "
        f"(market_code, base_url, credentials) VALUES ('{named}', '{base_url}', '{credentials}'); "
        f"or: UPDATE market_accounts SET enabled = true WHERE market_code = '{named}';"
    )


async def database_clock(context: Context) -> Clock:
    """Return a clock that goes with the database's, for stamps that several nodes compare."""
    connection = await context.adb()
    row = await (await connection.execute(NOW)).fetchone()
    assert row is not None
    started: datetime = row[0]
    ticks = time.monotonic()
    return lambda: started + timedelta(seconds=time.monotonic() - ticks)


def open_market(context: Context, account: Account, now: Clock) -> Market:
    """Return the client of an account, to be used in an ``async with``.

    Raises  MarketError or GiveUp when its credentials cannot be had
    """
    entry = CLIENTS.get(account.market_code)
    if entry is None:
        raise MarketError(f"{account.label}: this release has no client for it")
    module, _, name = entry.partition(":")
    client: Callable[[Account, Callable[[str], str], Clock], Market] = getattr(import_module(module), name)
    return client(account, context.secret, now)
