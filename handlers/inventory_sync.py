"""Make the stock that each shop shows equal to the master quantities: sold items first, within caps, with a way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from psycopg import Rollback

from handlers.markets import database_clock, open_market
from handlers.markets.base import Account, Clock
from handlers.markets.each import Figures, each_account
from handlers.sold import ask_again
from handlers.stock import master, undo
from handlers.stock.caps import Refusal, check_feed
from handlers.stock.differences import Wanted
from handlers.stock.passes import Pass, accept, finish, left_over, refuse, report
from handlers.stock.results import look_at_refused_again, result_of
from scheduler.handler import Context, Field, handler


@dataclass(frozen=True, slots=True)
class Wish:
    """What the job asks for."""

    buffer: int
    low_at: int
    max_zero_percent: float
    max_changed_percent: float | None
    dry_run: bool
    only_sold: bool
    adopt: bool
    check_all: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made equal at an account, as the tables know it.

    refusal  why the account is left as it is
    """

    subject: master.MasterStock
    everything: list[Wanted]
    figures: Figures
    refusal: Refusal | None


Looked = tuple[Account, Collection[str]]
"""An account that was worked through, and the items that were tried and are not as they should be."""


@handler("inventory_sync", timeout="60m", retries=3)
async def synchronise(
    context: Context,
    buffer: Annotated[int, Field(ge=0, description="quantity kept back from the shops where erp.stock.buffer is NULL")] = 0,
    low_at: Annotated[int, Field(ge=0, description="quantity that counts as low where erp.stock.low_at is NULL")] = 5,
    max_zero_percent: Annotated[float, Field(ge=0, le=100, description=(
        "a shop is left as it is when more of its items that have stock would go to 0"))] = 30,
    max_changed_percent: Annotated[float | None, Field(ge=0, le=100, description=(
        "a shop is left as it is when more of its items would change; null: no such limit"))] = None,
    dry_run: Annotated[bool, Field(description="only say what would be set")] = False,
    only_sold: Annotated[bool, Field(description="only what was sold since it was last made equal")] = False,
    adopt: Annotated[bool, Field(description="take over skus that erp.stock does not know, with the lowest stock shown")] = True,
    check_all: Annotated[bool, Field(description="read every item at the shop, not only where the catalogue differs")] = False,
    undo: Annotated[str | None, Field(description="a run of erp.pushes: set back what it has set")] = None,
) -> dict[str, Any]:
    """Make the stock of each shop equal to the master quantities."""
    clock = await database_clock(context)
    wish = Wish(buffer, low_at, max_zero_percent, max_changed_percent, dry_run, only_sold, adopt, check_all)
    if undo is not None:
        return await undo_run(context, clock, undo, wish)
    look_at_refused_again(context)
    looked: list[Looked] = []

    async def collect(account: Account) -> Figures:
        return await sync_account(context, account, clock, wish, looked)

    try:
        return result_of("stock", await each_account(context, collect), dry_run)
    finally:
        await ask_again(context, looked)


async def undo_run(context: Context, clock: Clock, run: str, wish: Wish) -> dict[str, Any]:
    """Set back what a run has set, and the master to what the shops had before it."""
    if not wish.dry_run:
        await undo.set_master_back(await context.adb(), undo.run_named(run), wish.buffer)
    return await undo.undo_run(context, clock, "stock", run, wish.dry_run)


async def sync_account(context: Context, account: Account, clock: Clock, wish: Wish, looked: list[Looked]) -> Figures:
    """Bring one account up to date. A refusal is part of its figures, not an error.

    looked  gets the account once it was worked through: what is sold meanwhile is asked for at the end
    """
    plan = await plan_account(context, account, clock, wish)
    if plan.refusal is not None:
        await refuse(context, account, "stock", plan.refusal, wish.dry_run)
        return {**plan.figures, **report(Counter(), [] if wish.dry_run else None), "refused": plan.refusal.en}
    left = left_over(context, account)
    async with open_market(context, account, clock, "stock") as market:
        work = Pass(context, account, market, plan.subject, dry_run=wish.dry_run)
        try:
            await work.go(candidates(plan.everything, wish.check_all, left))
        except Refusal as refusal:
            await refuse(context, account, "stock", refusal, wish.dry_run)
            return {**plan.figures, **work.report(), "refused": refusal.en}
    if not wish.only_sold:
        await accept(context, account, "stock", wish.dry_run)
    if not wish.dry_run:
        await note_account(context, account, wish)
    if not wish.dry_run and left is None:  # what an earlier attempt left is tried alone, and says nothing about the rest
        looked.append((account, plan.subject.unsettled))
    return {**plan.figures, **finish(context, account, work)}


async def plan_account(context: Context, account: Account, clock: Clock, wish: Wish) -> Plan:
    """Take over what is unknown and hold what follows against the caps; a refused account and a dry run leave nothing behind."""
    connection = await context.adb()
    refusal: Refusal | None = None
    async with connection.transaction(force_rollback=wish.dry_run) as transaction:
        adopted = await master.adopt(connection, account) if wish.adopt and not wish.only_sold else 0
        counted = await master.overview(connection, account)
        caps = master.Caps(counted, wish.max_zero_percent, wish.max_changed_percent)
        subject = master.MasterStock(context, account, clock, wish.buffer, wish.only_sold, caps)
        everything = await subject.load(None)
        try:
            if not wish.only_sold:
                check_feed(counted.items, counted.known)
            caps.check_plan(everything)
        except Refusal as found:
            refusal = found
            raise Rollback(transaction) from None
    kept = adopted if refusal is None or wish.dry_run else 0
    figures = {"checked": len(everything), "adopted": kept, "without_master": counted.items - counted.known}
    return Plan(subject, everything, figures, refusal)


async def note_account(context: Context, account: Account, wish: Wish) -> None:
    """Remember what needs nothing, and tell what is sold out or nearly so."""
    connection = await context.adb()
    await master.note_equal(connection, account, wish.buffer)
    await master.tell_levels(connection, account, wish.buffer, wish.low_at, context.execution_id)


def candidates(everything: Sequence[Wanted], check_all: bool, left: list[str] | None) -> list[Wanted]:
    """Return what is worth asking the shop about: what differs by the catalogue, and what was sold."""
    if left is not None:
        return [each for each in everything if each.item.item_id in set(left)]
    return [each for each in everything if check_all or each.sold or each.differs]
