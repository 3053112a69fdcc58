"""Say when time was not collected and stays so: an open event for each account, cleared once the time has been read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from handlers.erp import ledger
from handlers.events import clear_event, raise_event
from handlers.markets.base import Account, Window
from scheduler.handler import Context

KIND = "orders.gap"
LONGEST_FILL = timedelta(days=31)
"""Holes further back are not read any more: markets do not give older orders in full."""

LISTED = 100


async def watch_gaps(
    context: Context, account: Account, now: datetime, patience: timedelta, failed: Mapping[Window, str] | None = None
) -> None:
    """Raise the account's event when a hole is older than *patience*; clear it when its whole ledger has none.

    failed  windows in holes that could not be read just now, and why
    """
    connection = await context.adb()
    old = [gap for gap in await ledger.gaps(connection, account) if gap.end < now - patience]
    if not old:
        await clear_event(connection, KIND, account.label)
        return
    first, last = (moment.isoformat(timespec="minutes") for moment in (old[0].start, old[-1].end))
    ko, en = by_hand(context.job, [gap for gap in old if gap.start < now - LONGEST_FILL])
    await raise_event(
        connection, KIND, account.label,
        ko=f"{account.label}: 주문을 수집하지 못한 시간이 {len(old)}곳 있습니다 ({first} ~ {last}){ko}",
        en=f"{account.label}: {len(old)} spans of time without collected orders ({first} to {last}){en}",
        market_code=account.market_code, account=account.account, execution_id=context.execution_id,
        details={
            "gaps": [[gap.start.isoformat(), gap.end.isoformat()] for gap in old[:LISTED]],
            "failed": [
                [gap.start.isoformat(), gap.end.isoformat(), why[:300]] for gap, why in list((failed or {}).items())[:LISTED]
            ],
        },
    )
    context.log.warning("orders.gap", market=account.label, gaps=len(old), first=first)


def by_hand(job: str, gaps: list[Window]) -> tuple[str, str]:
    """Say in Korean and English how to fill holes that no collection reads any more; empty texts when there are none."""
    if not gaps:
        return "", ""
    days = LONGEST_FILL.days
    first, last = (moment.isoformat(timespec="minutes") for moment in (gaps[0].start, gaps[-1].end))
    command = f"erp-scheduler jobs run '{job}' -p from={first} -p to={last}"
    return (f". {days}일이 지난 시간은 저절로 채워지지 않습니다. 직접 수집: {command}",
            f". What is older than {days} days is not filled by itself; to collect it: {command}")
