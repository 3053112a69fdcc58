"""Say when time was not collected and stays so: an open event for each account, cleared once the time has been read."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.erp import ledger
from handlers.events import clear_event, raise_event
from handlers.markets.base import Account
from scheduler.handler import Context

KIND = "orders.gap"
LONGEST_FILL = timedelta(days=31)
"""Holes further back are not read any more: markets do not give older orders in full."""


async def watch_gaps(context: Context, account: Account, now: datetime, patience: timedelta) -> None:
    """Raise the account's event when a hole is older than *patience*; clear it when there is none."""
    connection = await context.adb()
    old = [gap for gap in await ledger.gaps(connection, account, now - LONGEST_FILL) if gap.end < now - patience]
    if not old:
        await clear_event(connection, KIND, account.label)
        return
    first, last = old[0].start.isoformat(timespec="minutes"), old[-1].end.isoformat(timespec="minutes")
    await raise_event(
        connection, KIND, account.label,
        ko=f"{account.label}: 주문을 수집하지 못한 시간이 {len(old)}곳 있습니다 ({first} ~ {last})",
        en=f"{account.label}: {len(old)} spans of time without collected orders ({first} to {last})",
        market_code=account.market_code, account=account.account, execution_id=context.execution_id,
        details={"gaps": [[gap.start.isoformat(), gap.end.isoformat()] for gap in old[:100]]},
    )
    context.log.warning("orders.gap", market=account.label, gaps=len(old), first=first)
