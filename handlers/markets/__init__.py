"""Market code → client. Where a market is called, and as whom, stands in market_accounts and nowhere else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib import import_module
from importlib.metadata import entry_points

from handlers.markets.base import Account, Budget, Clock, Market, MarketError
from handlers.markets.budget import DatabaseBudget
from scheduler.handler import Context, GiveUp

CLIENTS = {
    "11st": "handlers.markets.elevenst:ElevenSt",
    "coupang": "handlers.markets.coupang:Coupang",
    "naver": "handlers.markets.naver:Naver",
}
GROUP = "erp_scheduler.markets"
"""Entry points of packages that bring a client of their own: market code = module:class."""

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
    "naver": (
        "https://api.commerce.naver.com/external",
        '{"client_id": "secret://env/NAVER_CLIENT_ID", "client_secret": "secret://env/NAVER_CLIENT_SECRET"}',
    ),
    "11st": ("https://api.11st.co.kr/rest", '{"openapikey": "secret://env/ELEVENST_OPENAPIKEY"}'),
}


async def accounts(context: Context, code: str | None = None) -> list[Account]:
    """Return the enabled accounts of a market, or of all markets.

    Raises  GiveUp with the statement to type when the market has no client or no enabled account
    """
    if code is not None and find_client(code) is None:
        raise GiveUp(no_client(code))
    connection = await context.adb()
    rows = await (await connection.execute(ACCOUNTS, {"code": code})).fetchall()
    if not rows:
        raise GiveUp(no_account(code))
    return [Account(*row) for row in rows]


def no_account(code: str | None) -> str:
    """Say that there is no account, with the SQL that makes one."""
    named = code or "coupang"
    base_url, credentials = EXAMPLES.get(named, ("https://…", '{"api_key": "secret://env/NAME"}'))
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


@asynccontextmanager
async def open_market(context: Context, account: Account, now: Clock, purpose: str) -> AsyncIterator[Market]:
    """Give the client of an account for the length of a block.

    purpose  what its calls are for: ``orders`` may use the share of the day's calls that is kept for them
    Raises   MarketError or GiveUp when its credentials cannot be had
    """
    client = find_client(account.market_code)
    if client is None:
        raise MarketError(f"{account.label}: {no_client(account.market_code)}")
    budget = DatabaseBudget(context, account, purpose)
    try:
        async with client(account, context.secret, now, budget) as market:
            yield market
    finally:
        await budget.close()


def find_client(code: str) -> Callable[[Account, Callable[[str], str], Clock, Budget], Market] | None:
    """Return the client class of a market: one of ours, or what an installed package brings; None for an unknown code."""
    if code in CLIENTS:
        module, _, name = CLIENTS[code].partition(":")
        return getattr(import_module(module), name)  # type: ignore[no-any-return]
    found = entry_points(group=GROUP, name=code)
    return next(iter(found)).load() if found else None


def no_client(code: str) -> str:
    known = sorted({*CLIENTS, *(entry.name for entry in entry_points(group=GROUP))})
    return f"{code}: this release has no client for it; known markets: {', '.join(known)}"
