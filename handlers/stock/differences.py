"""What an item at a shop should show, what it does show, and what follows from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from handlers.markets.base import Account, Item, Sent

Kind = Literal["stock", "price"]
Verdict = Literal["equal", "push", "wait", "refuse"]

LATE = timedelta(minutes=10)
"""How late an order may still appear in a market's lists."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one item at a shop should show.

    believed     what the catalogue says it shows; None when unknown
    sold         it was sold since the shop was last made equal
    revision     the state of the master that value comes from
    left         what we left at the shop at this very revision; None when the master has changed since
    lower_since  when the shop was first seen to show less than we had left there
    limit        the largest change of a price, percent
    """

    item: Item
    value: int
    believed: int | None = None
    sold: bool = False
    revision: int = 0
    left: int | None = None
    lower_since: datetime | None = None
    limit: Decimal | None = None

    @property
    def differs(self) -> bool:
        return self.believed != self.value


@dataclass(frozen=True, slots=True)
class Judged:
    """An item with what its shop shows now, and what became of it.

    push_id  its row in erp.pushes
    """

    wanted: Wanted
    shown: int
    verdict: Verdict
    push_id: int | None = None
    sent: Sent | None = None

    @property
    def pushed(self) -> bool:
        return self.sent is not None and self.sent.ok

    def line(self, account: Account) -> str:
        """Say the difference as people read it: ``SKU-0001 coupang 17 → 16``."""
        item = self.wanted.item
        return f"{item.sku or item.item_id} {account.label} {self.shown} → {self.wanted.value}"


class Subject(Protocol):
    """What is to be made equal: stock, prices, or the values before a run that is undone."""

    kind: Kind

    async def load(self, item_ids: Sequence[str] | None) -> list[Wanted]:
        """Return what items should show by now, the most urgent first; None: all of the account."""
        ...

    def judge(self, wanted: Wanted, shown: int) -> Verdict:
        """Say what to do about an item."""
        ...

    def guard(self, judged: Sequence[Judged]) -> None:
        """Hold all that is about to be set against the caps. Raises Refusal."""
        ...

    async def note(self, judged: Sequence[Judged]) -> None:
        """Keep what the next pass needs; called within the transaction that saves the answers."""
        ...


def judge_stock(wanted: Wanted, shown: int, collected_until: datetime | None, now: datetime) -> Verdict:
    """Compare a quantity with what the shop shows.

    collected_until  before this moment all orders of the account are known; None when its orders are not collected
    A shop that shows less than we left there has sold some of it: raising it again before those orders are collected would
    sell the same goods twice. A master above what was left there was counted anew, and counts.
    """
    if shown == wanted.value:
        return "equal"
    if wanted.left is not None and shown < wanted.value <= wanted.left and collected_until is not None:
        since = wanted.lower_since or now
        return "push" if collected_until >= since + LATE else "wait"
    return "push"


def judge_price(wanted: Wanted, shown: int) -> Verdict:
    """Compare a price with what the shop shows; a change beyond the limit is refused."""
    if shown == wanted.value:
        return "equal"
    if shown > 0 and wanted.limit is not None and abs(wanted.value - shown) * 100 > wanted.limit * shown:
        return "refuse"
    return "push"
