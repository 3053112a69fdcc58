"""Set the prices that the rules of erp.price_rules say, within caps and with a way back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from handlers.markets import database_clock, open_market
from handlers.markets.base import Account, Clock
from handlers.markets.each import Figures, each_account
from handlers.stock import competitors, undo
from handlers.stock.caps import Refusal, check_feed, share
from handlers.stock.differences import Wanted
from handlers.stock.passes import Pass, accept, finish, left_over, refuse
from handlers.stock.prices import Policy, RulePrices
from handlers.stock.pricing import Competitor
from handlers.stock.results import look_at_refused_again, result_of
from scheduler.handler import Context, Field, handler


@handler("price_update", timeout="60m", retries=3)
async def update_prices(
    context: Context,
    dry_run: Annotated[bool, Field(description="only say what would be set")] = False,
    max_change_percent: Annotated[float, Field(gt=0, description=(
        "a price that would change more is left as it is; a rule's own max_change_percent goes before"))] = 20,
    max_changed_percent: Annotated[float, Field(ge=0, le=100, description=(
        "a shop is left as it is when more of its items would change"))] = 50,
    competitor: Annotated[Competitor, Field(description="go down with the lowest price of a competitor")] = "none",
    undercut_won: Annotated[int, Field(ge=0, description="how far to go below it, with competitor=undercut")] = 10,
    competitor_hours: Annotated[float, Field(gt=0, description="older prices of competitors do not count")] = 24,
    competitor_source: Annotated[str | None, Field(description="a registered source to ask before")] = None,
    check_all: Annotated[bool, Field(description="read every item at the shop, not only where the catalogue differs")] = False,
    undo: Annotated[str | None, Field(description="a run of erp.pushes: set back what it has set")] = None,
) -> dict[str, Any]:
    """Set the prices that the price rules say."""
    clock = await database_clock(context)
    if undo is not None:
        return await undo_run(context, clock, undo, dry_run)
    look_at_refused_again(context)
    policy = Policy(Decimal(str(max_change_percent)), max_changed_percent, competitor, undercut_won, competitor_hours)
    if competitor_source is not None:
        context.log.info("competitors.asked", source=competitor_source, prices=await competitors.ask(context, competitor_source))

    async def collect(account: Account) -> Figures:
        return await update_account(context, account, clock, policy, dry_run, check_all)

    return result_of("price", await each_account(context, collect), dry_run)


async def undo_run(context: Context, clock: Clock, run: str, dry_run: bool) -> dict[str, Any]:
    """Set back what a run has set; the rules stay as they are."""
    return await undo.undo_run(context, clock, "price", run, dry_run)


async def update_account(
    context: Context, account: Account, clock: Clock, policy: Policy, dry_run: bool, check_all: bool
) -> Figures:
    """Bring the prices of one account up to date. A refusal is part of its figures, not an error."""
    subject = RulePrices(context, account, policy)
    everything = await subject.load(None)
    wanted = candidates(everything, check_all, left_over(context, account))
    items = subject.figures["items"]
    figures: Figures = {
        "checked": len(everything), "without_rule": subject.figures["without_rule"],
        "without_cost": subject.figures["without_cost"],
        "changed_percent": float(share(sum(each.differs for each in everything), items)) if items else 0.0,
    }
    async with open_market(context, account, clock, "price") as market:
        work = Pass(context, account, market, subject, dry_run=dry_run)
        try:
            check_feed(items, items)
            subject.check_plan(everything)
            await work.go(wanted)
        except Refusal as refusal:
            await refuse(context, account, "price", refusal, dry_run)
            return {**figures, **work.report(), "refused": refusal.en}
    await accept(context, account, "price", dry_run)
    return {**figures, **finish(context, account, work)}


def candidates(everything: Sequence[Wanted], check_all: bool, left: list[str] | None) -> list[Wanted]:
    """Return what is worth asking the shop about: what differs by the catalogue."""
    if left is not None:
        return [each for each in everything if each.item.item_id in set(left)]
    return [each for each in everything if check_all or each.differs]
