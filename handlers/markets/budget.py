"""The budget of an account in PostgreSQL: whatever process or node calls, the shop sees one caller that keeps the limits."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from handlers.markets.base import Account, AuthFailed, Closed, RateLimited, Token
from handlers.markets.http import credential
from handlers.markets.side_connection import SideConnection
from handlers.markets.token_box import TokenBox
from scheduler.handler import Context

LEASE = 60.0
"""How long a slot stays taken by a process that died during its call."""
LONGEST_WAIT = 30.0
LOOK_AGAIN = 2.0
"""How long a change of the limits, typed as SQL, may stay unseen by those who wait."""
USUAL_MAINTENANCE = 1800.0
JITTER = 0.03
KOREA = ZoneInfo("Asia/Seoul")

TURN = """
SELECT verdict, slot, lease_ends, wait::float8, until, reason
  FROM market_turn(%(market_code)s, %(account)s, %(for_orders)s, %(lease)s)
"""
TURN_BACK = "SELECT market_turn_back(%(market_code)s, %(account)s, %(slot)s, %(lease_ends)s)"
PAUSE = "SELECT market_pause(%(market_code)s, %(account)s, %(seconds)s, %(why)s)"
CLOSE = "SELECT market_close(%(market_code)s, %(account)s, %(told)s, %(usual)s, %(why)s)"


class Answer(NamedTuple):
    """What market_turn says: turn, wait, paused, spent, closed or unknown."""

    verdict: str
    slot: int | None
    lease_ends: datetime | None
    wait: float | None
    until: datetime | None
    reason: str | None


class DatabaseBudget:
    """The Budget of one account; see handlers.markets.base.

    purpose  what the calls are for; all but ``orders`` leave the share of the day alone that is kept for orders
    seal     the secret that the stored token is encrypted with; None: the account's secret credentials
    """

    def __init__(self, context: Context, account: Account, purpose: str = "orders", seal: str | None = None) -> None:
        self._context = context
        self._account = account
        self._purpose = purpose
        self._seal = seal
        self._names = {"market_code": account.market_code, "account": account.account}
        self._connection = SideConnection(context)
        self._tokens = TokenBox(self._connection, account, self._secrets)
        self._queue = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection; a turn that is still held comes back when its lease lapses."""
        await self._tokens.close()
        await self._connection.close()

    # -- turns

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while one request is on its way.

        Raises  RateLimited when the account is paused for long, or its day's calls are used up; Closed during maintenance
        """
        turn = await self._turn()
        try:
            yield
        finally:
            await self._give_back(turn)

    async def _turn(self) -> Answer:
        # One caller of this process asks at a time, in the order they came: so processes compete as equals,
        # however many calls each of them has waiting.
        async with self._queue:
            while True:
                asked = time.clock_gettime(time.CLOCK_BOOTTIME)
                answer = await self._ask()
                if answer.verdict == "turn":
                    if time.clock_gettime(time.CLOCK_BOOTTIME) - asked < LEASE / 2:
                        return answer
                    await self._give_back(answer)  # the process stood still meanwhile: the slot may be another's by now
                else:
                    await asyncio.sleep(self._wait(answer) + random.uniform(0, JITTER))

    async def _ask(self) -> Answer:
        values = {**self._names, "for_orders": self._purpose == "orders", "lease": LEASE}
        row = await self._connection.row(TURN, values)
        assert row is not None
        return Answer(*row)

    def _wait(self, answer: Answer) -> float:
        """Return how long to wait before asking again. Raises what keeps the account's calls back for longer."""
        label, why = self._account.label, f" ({answer.reason})" if answer.reason else ""
        if answer.verdict == "unknown":
            raise AuthFailed(f"{label}: market_accounts has no such account any more")
        if answer.verdict == "closed":
            raise Closed(f"{label}: maintenance until {shown(answer.until)}{why}", until=answer.until)
        wait = max(0.0, answer.wait or 0.0)
        if answer.verdict == "spent":
            kept = "" if self._purpose == "orders" else "; the rest is kept for orders"
            raise RateLimited(f"{label}: the day's calls are used up{why}{kept}", after=wait)
        if wait > LONGEST_WAIT and answer.verdict == "paused":
            raise RateLimited(f"{label}: paused until {shown(answer.until)}{why}", after=wait)
        return min(wait, LOOK_AGAIN)

    async def _give_back(self, turn: Answer) -> None:
        await self._note(TURN_BACK, slot=turn.slot, lease_ends=turn.lease_ends)

    async def _note(self, query: str, **values: object) -> bool:
        """Write down what the account's other callers should know; the call that was made counts, also without it."""
        try:
            await self._connection.row(query, {**self._names, **values})
        except psycopg.Error as error:
            self._context.log.warning("budget.not_noted", market=self._account.label, error=str(error).strip())
            return False
        return True

    # -- pauses and maintenance

    async def pause(self, seconds: float, why: str) -> None:
        """Keep everybody away from the account for that long; a longer pause that is already noted stays."""
        if await self._note(PAUSE, seconds=float(seconds), why=why[:500]):
            self._context.log.warning("market.paused", market=self._account.label, seconds=round(seconds, 1), reason=why[:500])

    async def close_until(self, until: datetime | None, why: str) -> None:
        """Note that the market is under maintenance; None: until a usual while from now."""
        if await self._note(CLOSE, told=until, usual=USUAL_MAINTENANCE, why=why[:500]):
            self._context.log.warning("market.maintenance", market=self._account.label, reason=why[:500])

    # -- the token

    async def token(self, fetch: Callable[[], Awaitable[Token]], stale: str | None = None) -> str:
        """Return the account's access token, fetched by one process for all of them."""
        return await self._tokens.token(fetch, stale)

    def _secrets(self) -> str:
        if self._seal is not None:
            return self._seal
        names = sorted(name for name, value in self._account.credentials.items() if value.startswith("secret://"))
        if not names:
            raise AuthFailed(f"{self._account.label}: credentials of market_accounts hold no secret")
        return "\n".join(f"{name}={credential(self._account, name, self._context.secret)}" for name in names)


def shown(moment: datetime | None) -> str:
    """Show a moment as a clock in Korea does."""
    return moment.astimezone(KOREA).isoformat(timespec="minutes") if moment else "unknown"
