"""Turns at a shop: two jobs that set values there never work on it at the same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import psycopg

from handlers.markets.base import Account
from scheduler.handler import Context

LEASE = 900.0
"""How long a turn lasts that is not renewed, seconds: longer than a chunk takes at a shop that answers slowly."""
LOOK_AGAIN = (0.05, 0.2)
"""Shortest and longest pause of those who wait, seconds."""
LET_IN = 0.4
"""How long whoever has just given a turn back keeps away when another waits: a long pass lets a short one in."""

# Whoever died holding it is known by the execution, which has ended by then; one that no execution tells of lapses.
TAKE = """
INSERT INTO erp.push_turns AS turn (market_code, account, holder, execution_id, until)
VALUES (%(market_code)s, %(account)s, %(holder)s, %(execution_id)s, clock_timestamp() + make_interval(secs => %(lease)s))
    ON CONFLICT (market_code, account) DO UPDATE
   SET holder = excluded.holder, execution_id = excluded.execution_id, until = excluded.until, asked = false
 WHERE turn.until < clock_timestamp() OR turn.holder = excluded.holder
    OR EXISTS (SELECT FROM job_executions AS former WHERE former.id = turn.execution_id AND former.status <> 'running')
RETURNING holder
"""
ASK = """
UPDATE erp.push_turns SET asked = true
 WHERE market_code = %(market_code)s AND account = %(account)s AND holder <> %(holder)s AND NOT asked
"""
RENEW = """
UPDATE erp.push_turns SET until = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE market_code = %(market_code)s AND account = %(account)s AND holder = %(holder)s AND until >= clock_timestamp()
RETURNING holder
"""
GIVE_BACK = """
DELETE FROM erp.push_turns
 WHERE market_code = %(market_code)s AND account = %(account)s AND holder = %(holder)s
RETURNING asked
"""


class Turn:
    """One pass's place among those that set values at an account. No transaction is open while it is waited for or held."""

    def __init__(self, context: Context, account: Account) -> None:
        self._context = context
        self._values = {"market_code": account.market_code, "account": account.account, "holder": uuid4(),
                        "execution_id": context.execution_id, "lease": LEASE}
        self._asked_for = False

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait for the turn and hold it for the length of a block."""
        await self._take()
        try:
            yield
        finally:
            with suppress(psycopg.Error):  # it lapses, or goes with the execution
                given = await self._row(GIVE_BACK)
                self._asked_for = given is not None and given[0]

    async def renew(self) -> bool:
        """Say whether the turn is still held, and hold it on."""
        return await self._row(RENEW) is not None

    async def _take(self) -> None:
        if self._asked_for:
            await asyncio.sleep(LET_IN)
        while await self._row(TAKE) is None:
            await (await self._context.adb()).execute(ASK, self._values)
            self._context.check_cancelled()
            await asyncio.sleep(random.uniform(*LOOK_AGAIN))

    async def _row(self, statement: str) -> tuple[Any, ...] | None:
        return await (await (await self._context.adb()).execute(statement, self._values)).fetchone()
