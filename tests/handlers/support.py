"""A real Context over a link of our own, a budget without limits, and sandboxes whose clock the test sets."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from handlers.markets.base import Account, Token
from handlers.sandbox import shop as sandbox_shop
from handlers.sandbox.opening import open_sandbox
from handlers.sandbox.server import Sandbox, Server
from handlers.sandbox.state import Beginning
from scheduler.cli.demo_processes import PATHS
from scheduler.handler import Cancelled, Context, GiveUp

VENDOR = "A00012345"
SECRETS = {
    "secret://env/ACCESS": "test-access-key", "secret://env/SECRET": "test-secret-key",
    "secret://env/CLIENT_ID": "testClientIdOf22Letter", "secret://env/CLIENT_SECRET": "$2a$04$abcdefghijklmnopqrstuu",
    "secret://env/OPENAPIKEY": "0123456789abcdef0123456789abcdef",
}
CREDENTIALS = {
    "coupang": {"vendor_id": VENDOR, "access_key": "secret://env/ACCESS", "secret_key": "secret://env/SECRET"},
    "naver": {"client_id": "secret://env/CLIENT_ID", "client_secret": "secret://env/CLIENT_SECRET"},
    "11st": {"openapikey": "secret://env/OPENAPIKEY"},
}


class Link:
    """Keeps what a handler says; ends it when it has reported *ends_after* times."""

    def __init__(self, dsn: str, ends_after: int | None = None) -> None:
        self.dsn = dsn
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self.progress: list[dict[str, Any]] = []
        self.checkpoints: list[Any] = []
        self._ends_after = ends_after
        self._connection: psycopg.AsyncConnection[Any] | None = None

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self.lines.append((level, message, dict(fields)))

    def report(self, progress: Mapping[str, Any]) -> None:
        self.progress.append(dict(progress))

    def save_checkpoint(self, checkpoint: Any) -> None:
        self.checkpoints.append(json.loads(json.dumps(checkpoint)))

    def secret(self, reference: str) -> str:
        if reference not in SECRETS:
            raise GiveUp(f"{reference} cannot be resolved")
        return SECRETS[reference]

    def is_cancelled(self) -> bool:
        return self._ends_after is not None and len(self.progress) >= self._ends_after

    def http(self) -> httpx.AsyncClient:
        raise AssertionError("markets bring their own client")

    def db(self) -> psycopg.Connection[Any]:
        raise AssertionError("an async handler asks for adb")

    async def adb(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self.dsn, autocommit=True)
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


@asynccontextmanager
async def a_context(
    dsn: str, markets: list[str] | None = None, *, checkpoint: Any = None, attempt: int = 1, execution_id: int = 1,
    ends_after: int | None = None, seconds: float = 600.0,
) -> AsyncIterator[tuple[Context, Link]]:
    """Give a context whose link the test can look into."""
    link = Link(dsn, ends_after)
    context = Context(
        job="수집", job_id=1, job_type="test", execution_id=execution_id, attempt=attempt, scheduled_for=datetime.now(UTC),
        market_codes=["coupang"] if markets is None else markets,
        deadline=time.clock_gettime(time.CLOCK_BOOTTIME) + seconds, idempotency_key="1/test", link=link, checkpoint=checkpoint,
    )
    try:
        yield context, link
    finally:
        await link.close()


class FreeBudget:
    """A Budget without limits that remembers what it was told."""

    def __init__(self) -> None:
        self.pauses: list[tuple[float, str]] = []
        self.closings: list[tuple[datetime | None, str]] = []
        self.calls = 0
        self.fetched = 0
        self._token: tuple[str, float] | None = None
        self._fetching = asyncio.Lock()

    def call(self) -> AbstractAsyncContextManager[None]:
        self.calls += 1
        return nullcontext()

    async def pause(self, seconds: float, why: str) -> None:
        self.pauses.append((seconds, why))

    async def close_until(self, until: datetime | None, why: str) -> None:
        self.closings.append((until, why))

    async def token(self, fetch: Callable[[], Awaitable[Token]], stale: str | None = None) -> str:
        async with self._fetching:
            if self._token is None or self._token[0] == stale or self._token[1] <= time.monotonic():
                made = await fetch()
                self.fetched += 1
                self._token = (made.value, time.monotonic() + made.lives)
            return self._token[0]


class Shop:
    """A served sandbox. Its clock is the real one until the test lets it stand.

    market, shop  the sandbox and the neutral shop that lies behind it
    """

    def __init__(
        self, market_code: str = "coupang", *, per_minute: float = 2.0, history: timedelta = timedelta(minutes=60),
        seed: int = 7, late_seconds: float = 0.0, calls_per_second: int = 0, **more: Any,
    ) -> None:
        self._stands_at: datetime | None = None
        self.market_code = market_code
        beginning = Beginning(
            seed=seed, per_minute=per_minute, history=history, late_seconds=late_seconds, now=datetime.now(UTC), **more
        )
        keys = {name: SECRETS.get(value, value) for name, value in CREDENTIALS[market_code].items()}
        self.market = open_sandbox(market_code, beginning, clock=self._clock, keys=keys)
        self.shop: sandbox_shop.Shop = self.market.shop
        self.sandbox = Sandbox(self.market, calls_per_second)
        self.server = Server(self.sandbox)

    def _clock(self) -> datetime:
        return self._stands_at or datetime.now(UTC)

    def now(self) -> datetime:
        """Return the shop's time."""
        return self.shop.now()

    def stand(self, moment: datetime) -> datetime:
        """Stop the shop's clock at that moment."""
        self._stands_at = moment
        return moment

    @property
    def start(self) -> datetime:
        """When its first order was made."""
        return self.shop.start

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def base_url(self) -> str:
        """Where its market is, as market_accounts says it."""
        return self.url + PATHS[self.market_code]

    def fault(self, kind: str, count: int = 1, **more: Any) -> None:
        self.sandbox.faults.add({"kind": kind, "count": count, **more})

    def calls(self, ending: str) -> int:
        return sum(count for call, count in list(self.sandbox.requests.items()) if call.endswith(ending))

    def account(self, account: str = "default", calls_per_second: float = 10_000.0) -> Account:
        """Return the account that leads a client here."""
        return Account(self.market_code, account, self.base_url, CREDENTIALS[self.market_code], calls_per_second)

    def open_account(
        self, connection: psycopg.Connection[Any], market_code: str | None = None, account: str = "default",
        calls_per_second: float = 10_000.0,
    ) -> None:
        """Make the row that leads a client here, at a pace that does not hold a test up."""
        connection.execute(
            "INSERT INTO market_accounts (market_code, account, base_url, credentials, calls_per_second) "
            "VALUES (%s, %s, %s, %s, %s)",
            (market_code or self.market_code, account, self.base_url, json.dumps(CREDENTIALS[self.market_code]),
             calls_per_second),
        )


@contextmanager
def a_shop(market_code: str = "coupang", **more: Any) -> Iterator[Shop]:
    """Serve a sandbox for the length of a block: what Shop takes, and what Beginning takes besides."""
    shop = Shop(market_code, **more)
    serving = threading.Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield shop
    finally:
        shop.server.stop()
        serving.join(10)


def secret(reference: str) -> str:
    """Resolve a reference of the tests' accounts, as context.secret does."""
    return SECRETS[reference]


def order_lines(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT order_id, line_id, sku, quantity, cancelled_quantity, state FROM erp.order_lines ORDER BY order_id, line_id"
    ).fetchall()


def truth(shop: Shop) -> list[tuple[Any, ...]]:
    """Return what order_lines must be once everything is collected."""
    return sorted(
        (line["order_id"], line["line_id"], line["sku"], line["quantity"], line["cancelled_quantity"], line["state"])
        for line in shop.market.truth()
    )


__all__ = [
    "CREDENTIALS", "SECRETS", "VENDOR", "Cancelled", "FreeBudget", "Link", "Shop", "a_context", "a_shop", "order_lines",
    "secret", "truth",
]
