"""A real Context over a link of our own, and a sandbox whose clock the test sets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from handlers.sandbox.coupang import Coupang
from handlers.sandbox.server import Sandbox, Server
from handlers.sandbox.state import State
from scheduler.handler import Cancelled, Context, GiveUp

SECRETS = {"secret://env/ACCESS": "test-access-key", "secret://env/SECRET": "test-secret-key"}
VENDOR = "A00012345"


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


class Shop:
    """A served sandbox. Its clock is the real one until the test lets it stand."""

    def __init__(self, per_minute: float = 2.0, history: timedelta = timedelta(minutes=60), seed: int = 7) -> None:
        self._stands_at: datetime | None = None
        state = State(None, seed, per_minute, datetime.now(UTC), history)
        state.content["keys"] = {
            "access_key": SECRETS["secret://env/ACCESS"], "secret_key": SECRETS["secret://env/SECRET"], "vendor_id": VENDOR,
        }
        self.market = Coupang(state, self.now)
        self.sandbox = Sandbox(self.market)
        self.server = Server(self.sandbox)

    def now(self) -> datetime:
        return self._stands_at or datetime.now(UTC)

    def stand(self, moment: datetime) -> datetime:
        """Stop the shop's clock at that moment."""
        self._stands_at = moment
        return moment

    @property
    def start(self) -> datetime:
        """When its first order was made."""
        return self.market.state.start

    @property
    def url(self) -> str:
        return self.server.url

    def fault(self, kind: str, count: int = 1, **more: Any) -> None:
        self.sandbox.faults.add({"kind": kind, "count": count, **more})

    def calls(self, ending: str) -> int:
        return sum(count for call, count in self.sandbox.requests.items() if call.endswith(ending))

    def open_account(self, connection: psycopg.Connection[Any], market_code: str = "coupang", account: str = "default") -> None:
        """Make the row that leads a client here, at a pace that does not hold a test up."""
        connection.execute(
            "INSERT INTO market_accounts (market_code, account, base_url, credentials, calls_per_second) "
            "VALUES (%s, %s, %s, %s, 10000)",
            (market_code, account, self.url, json.dumps({
                "vendor_id": VENDOR, "access_key": "secret://env/ACCESS", "secret_key": "secret://env/SECRET"})),
        )


@contextmanager
def a_shop(**more: Any) -> Iterator[Shop]:
    """Serve a sandbox for the length of a block."""
    shop = Shop(**more)
    serving = threading.Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield shop
    finally:
        shop.server.stop()
        serving.join(10)


def order_lines(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT order_id, line_id, sku, quantity, cancelled_quantity, state FROM erp.order_lines ORDER BY order_id, line_id"
    ).fetchall()


def truth(shop: Shop) -> list[tuple[Any, ...]]:
    return sorted(
        (line["order_id"], line["line_id"], line["sku"], line["quantity"], line["cancelled_quantity"], line["state"])
        for line in shop.market.truth()
    )


__all__ = ["SECRETS", "VENDOR", "Cancelled", "Link", "Shop", "a_context", "a_shop", "order_lines", "truth"]
