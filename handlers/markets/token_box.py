"""One access token an account, fetched by one process for all of them and kept sealed in market_tokens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cached_property

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from handlers.markets.base import Account, Token
from handlers.markets.side_connection import SideConnection

FETCH_LEASE = 30.0
LOOK_AGAIN = 0.2
RENEW_BEFORE = 1800.0
STILL_GOOD = 60.0
NONCE = 12

READ = """
SELECT sealed, extract(epoch FROM ends_at - clock_timestamp())::float8, extract(epoch FROM ends_at - fetched_at)::float8,
       fetched_at
  FROM market_tokens
 WHERE market_code = %(market_code)s AND account = %(account)s AND sealed IS NOT NULL
"""
# Only who still sees the token that it wants to replace may fetch: another may just have replaced it.
BEGIN_FETCH = """
INSERT INTO market_tokens AS known (market_code, account, fetching_until)
VALUES (%(market_code)s, %(account)s, clock_timestamp() + make_interval(secs => %(lease)s))
    ON CONFLICT (market_code, account) DO UPDATE SET fetching_until = excluded.fetching_until
 WHERE (known.fetching_until IS NULL OR known.fetching_until <= clock_timestamp())
   AND known.fetched_at IS NOT DISTINCT FROM %(seen)s::timestamptz
RETURNING fetching_until
"""
STORE = """
UPDATE market_tokens
   SET sealed = %(sealed)s, fetched_at = clock_timestamp(), fetching_until = NULL,
       ends_at = clock_timestamp() + make_interval(secs => %(lives)s)
 WHERE market_code = %(market_code)s AND account = %(account)s AND fetching_until = %(lease_ends)s
"""
END_FETCH = """
UPDATE market_tokens SET fetching_until = NULL
 WHERE market_code = %(market_code)s AND account = %(account)s AND fetching_until = %(lease_ends)s
"""

Fetch = Callable[[], Awaitable[Token]]


def ticks() -> float:
    """Return seconds that go on while the machine sleeps, as a token's life does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class TokenBox:
    """The token of one account, for the calls of one process.

    seal  gives the secret from which the key is made; asked for once, at the first use
    """

    def __init__(self, connection: SideConnection, account: Account, seal: Callable[[], str]) -> None:
        self._connection = connection
        self._seal = seal
        self._account = account
        self._names = {"market_code": account.market_code, "account": account.account}
        self._label = f"{account.market_code}/{account.account}".encode()
        self._kept: str | None = None
        self._renew_at = 0.0
        self._asking: asyncio.Task[str] | None = None

    async def token(self, fetch: Fetch, stale: str | None = None) -> str:
        """Return the token; all calls of this process that wait for one share its fetching, and its error."""
        if self._kept is not None and self._kept != stale and ticks() < self._renew_at:
            return self._kept
        if self._asking is not None:
            found = await asyncio.shield(self._asking)
            if found != stale:
                return found
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask(fetch, stale))
            self._asking.add_done_callback(self._asked)
        return await asyncio.shield(self._asking)

    def _asked(self, asking: asyncio.Task[str]) -> None:
        self._asking = None
        if not asking.cancelled():
            asking.exception()  # those who waited got it; when all were cancelled, nobody is left to tell

    async def close(self) -> None:
        """End a fetching that nobody waits for any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self, fetch: Fetch, stale: str | None) -> str:
        while True:
            row = await self._connection.row(READ, self._names)
            sealed, left, life, seen = row if row is not None else (None, 0.0, 0.0, None)
            found = self._opened(sealed)
            if found == stale:
                found = None
            margin = min(RENEW_BEFORE, life / 4)
            if found is not None and left > margin:
                return self._keep(found, left - margin)
            values = {**self._names, "lease": FETCH_LEASE, "seen": seen}
            leased = await self._connection.row(BEGIN_FETCH, values)
            if leased is not None:
                return await self._fetch(fetch, leased[0])
            if found is not None and left > STILL_GOOD:
                return found  # another process renews it meanwhile
            await asyncio.sleep(LOOK_AGAIN)

    def _keep(self, value: str, seconds: float) -> str:
        self._kept, self._renew_at = value, ticks() + seconds
        return value

    async def _fetch(self, fetch: Fetch, lease_ends: datetime) -> str:
        lease = {**self._names, "lease_ends": lease_ends}
        try:
            cipher, started = self._cipher, ticks()  # the key first: a token that cannot be kept is not asked for
            token = await fetch()
            lives = token.lives - (ticks() - started)
            await self._connection.row(STORE, {**lease, "sealed": self._sealed(cipher, token.value), "lives": lives})
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                await self._connection.row(END_FETCH, lease)
            raise
        return self._keep(token.value, lives - min(RENEW_BEFORE, lives / 4))

    # -- the seal

    @cached_property
    def _cipher(self) -> AESGCM:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"erp-scheduler: market_tokens")
        return AESGCM(derived.derive(self._seal().encode()))

    def _sealed(self, cipher: AESGCM, value: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + cipher.encrypt(nonce, value.encode(), self._label)

    def _opened(self, sealed: bytes | None) -> str | None:
        """Return the token; None when there is none, or it was sealed with secrets that have changed since."""
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._label).decode()
        except (InvalidTag, ValueError):
            return None
