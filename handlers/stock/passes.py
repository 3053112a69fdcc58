"""One pass over an account: a few items at a time are read at the shop, compared, and set where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg

from handlers.events import clear_event, raise_event
from handlers.markets.base import Account, Market, MarketDown
from handlers.markets.each import Figures, save, saved
from handlers.stock import pushes
from handlers.stock.caps import Refusal
from handlers.stock.differences import Judged, Subject, Verdict, Wanted
from handlers.stock.turns import Turn
from scheduler.handler import Context

CHUNK = 50
LINES_KEPT = 500
VERDICTS: dict[Verdict, str] = {"equal": "equal", "push": "differing", "wait": "waiting", "refuse": "too_far"}

CLEAR_REFUSED = """
UPDATE erp.events SET cleared_at = clock_timestamp()
 WHERE kind = %(kind)s AND subject = ANY (%(subjects)s) AND cleared_at IS NULL
"""


class Pass:
    """Makes items of one account equal to what they should show."""

    def __init__(
        self, context: Context, account: Account, market: Market, subject: Subject, *, dry_run: bool = False,
    ) -> None:
        self._context = context
        self._account = account
        self._market = market
        self._subject = subject
        self._dry_run = dry_run
        self._run = run_of(context)
        self._turn = Turn(context, account)
        self._lines: list[str] = []
        self.figures: Counter[str] = Counter()
        self.failed: dict[str, str] = {}

    async def go(self, wanted: Sequence[Wanted], message: str = "") -> None:
        """Work through *wanted*, in that order. Raises MarketError, or Refusal when what is found passes the caps."""
        done = 0
        for chunk in chunks(wanted):
            await self._in_turn(chunk)
            done += len(chunk)
            self._context.progress(done, len(wanted), f"{self._account.label} {message}".rstrip())

    def report(self) -> Figures:
        """Return the figures of the result; of a dry run also what would have been set."""
        return report(self.figures, self._lines if self._dry_run else None)

    async def _in_turn(self, chunk: Sequence[Wanted]) -> None:
        # Two jobs that set values at one shop take turns, so that the later one never sends what it read before the other.
        if self._dry_run:
            self._check(chunk, await self._look(chunk))
            return
        while True:
            async with self._turn.held():
                fresh = await self._subject.load([each.item.item_id for each in chunk])
                judged = await self._look(fresh)
                if await self._turn.renew():
                    self._check(fresh, judged)
                    await self._push(judged)
                    return
            self._context.log.warning("turn.lost", market=self._account.label)

    async def _look(self, fresh: Sequence[Wanted]) -> list[Judged]:
        """Read what the shop shows and compare it with what holds by now: the master may have moved since the pass began."""
        shown = await pushes.read(self._market, self._subject.kind, [each.item for each in fresh])
        return [
            Judged(each, shown[each.item.item_id], self._subject.judge(each, shown[each.item.item_id]))
            for each in fresh if each.item.item_id in shown
        ]

    def _check(self, fresh: Sequence[Wanted], judged: Sequence[Judged]) -> None:
        self._subject.guard(judged)
        self._count(fresh, judged)

    def _count(self, fresh: Sequence[Wanted], judged: Sequence[Judged]) -> None:
        self.figures += Counter(read=len(fresh), gone=len(fresh) - len(judged))
        self.figures.update(VERDICTS[each.verdict] for each in judged)
        for each in judged:
            if each.verdict == "push" and len(self._lines) < LINES_KEPT:
                line = each.line(self._account)
                self._lines.append(line)
                self._context.log.info(f"{self._subject.kind}.differs", difference=line, dry_run=self._dry_run)

    async def _push(self, judged: Sequence[Judged]) -> None:
        connection = await self._context.adb()
        execution_id = self._context.execution_id
        kind = self._subject.kind
        answered = await pushes.push(connection, self._market, self._account, kind, self._run, judged, execution_id)
        async with connection.transaction():
            await pushes.save_answers(connection, self._account, kind, answered, execution_id)
            await self._subject.note(answered)
            await self._tell(connection, answered)
        done = [each for each in answered if each.pushed]
        self.figures += Counter(pushed=len(done), sold_first=sum(each.wanted.sold for each in done))
        self._context.count(**{f"{kind}_pushed": len(done)})

    async def _tell(self, connection: psycopg.AsyncConnection[Any], answered: Sequence[Judged]) -> None:
        """Open and clear the events about single items, and remember what another attempt may do."""
        kind = f"{self._subject.kind}.refused"
        fine = []
        for each in answered:
            key = each.wanted.item.item_id
            if each.sent is not None and not each.sent.ok:
                self.figures["failed"] += 1
                self._context.log.warning("push.failed", item=key, market=self._account.label, answer=each.sent.message)
                if each.sent.again:
                    self.failed[key] = each.sent.message
                    continue
                await self._refused(connection, kind, each, each.sent.message)
            elif each.verdict == "refuse":
                await self._refused(connection, kind, each, f"the change is more than {each.wanted.limit:g} %")
            else:
                fine.append(f"{self._account.label}/{key}")
        await connection.execute(CLEAR_REFUSED, {"kind": kind, "subjects": fine})

    async def _refused(self, connection: psycopg.AsyncConnection[Any], kind: str, judged: Judged, why: str) -> None:
        line = judged.line(self._account)
        ko, en = ("재고를", "stock") if kind.startswith("stock") else ("가격을", "price")
        await raise_event(
            connection, kind, f"{self._account.label}/{judged.wanted.item.item_id}",
            ko=f"{ko} 바꾸지 않았습니다: {line} ({why})", en=f"the {en} was not changed: {line} ({why})",
            market_code=self._account.market_code,
            account=self._account.account, execution_id=self._context.execution_id,
            details={"sku": judged.wanted.item.sku, "former": judged.shown, "value": judged.wanted.value, "why": why},
        )


def chunks(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Cut *wanted* into chunks in its order, items of one product together: some markets set them all in one call."""
    products: dict[tuple[bool, str], list[Wanted]] = {}
    for each in wanted:
        products.setdefault((each.sold, each.item.product_id), []).append(each)
    chunk: list[Wanted] = []
    for items in products.values():
        if chunk and len(chunk) + len(items) > CHUNK:
            yield chunk
            chunk = []
        chunk = chunk + items
    if chunk:
        yield chunk


def report(counted: Counter[str], lines: list[str] | None) -> Figures:
    """Return the figures of an account; *lines* of a dry run say what would have been set."""
    names = ("read", "differing", "pushed", "failed", "waiting", "too_far", "gone", "sold_first")
    figures: Figures = {**{name: counted[name] for name in names}, "refused": None}
    return figures if lines is None else {**figures, "diff": lines}


def run_of(context: Context) -> UUID:
    """Return what marks all pushes of this planned time, the same for every attempt."""
    known = saved(context).get("run")
    if known is None:
        known = str(uuid4())
        save(context, run=known)
    return UUID(known)


def left_over(context: Context, account: Account) -> list[str] | None:
    """Return the items an earlier attempt could not set; None when it left nothing, or never came so far."""
    return (saved(context).get("failed") or {}).get(account.label)


def finish(context: Context, account: Account, done: Pass) -> Figures:
    """Return the figures of an account. Raises MarketDown when another attempt may do what failed."""
    others = {label: ids for label, ids in (saved(context).get("failed") or {}).items() if label != account.label}
    if not done.failed:
        save(context, failed=others)
        return done.report()
    save(context, failed={**others, account.label: sorted(done.failed)})
    first = next(iter(done.failed.values()))
    tried = len(done.failed) + done.figures["pushed"]
    raise MarketDown(f"{account.label}: {len(done.failed)} of {tried} pushes failed, the rest is done: {first}")


async def refuse(context: Context, account: Account, kind: str, refusal: Refusal, dry_run: bool) -> None:
    """Open the event about an account that is left as it is."""
    context.log.warning(f"{kind}.refused", market=account.label, reason=refusal.en)
    if not dry_run:
        await raise_event(
            await context.adb(), f"{kind}.refused", account.label, ko=f"{account.label}: {refusal.ko}",
            en=f"{account.label}: {refusal.en}", market_code=account.market_code, account=account.account,
            execution_id=context.execution_id,
        )


async def accept(context: Context, account: Account, kind: str, dry_run: bool) -> None:
    """Clear the event about an account that had been left as it is."""
    if not dry_run:
        await clear_event(await context.adb(), f"{kind}.refused", account.label)
