"""One execution over several markets: the failure of one does not undo the others, and a retry does only what is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.events import clear_event, raise_event
from handlers.markets import accounts
from handlers.markets.base import Account, Closed, MarketDown, MarketError, RateLimited
from handlers.markets.reading import KOREA
from scheduler.handler import Context, GiveUp, Retry, Skip

LONGEST_PAUSE = 1800.0
HELD = "market.maintenance"

Figures = dict[str, Any]


class MarketsFailed(MarketError):
    """Some markets could not be finished; its text names them and those that are done."""


def saved(context: Context) -> dict[str, Any]:
    """Return what an earlier attempt at this planned time left behind; empty for the first one."""
    return dict(context.checkpoint) if isinstance(context.checkpoint, dict) else {}


def save(context: Context, **parts: Any) -> None:
    """Change parts of the checkpoint and keep the rest."""
    context.save_checkpoint({**saved(context), **parts})


async def each_account(context: Context, collect: Callable[[Account], Awaitable[Figures]]) -> dict[str, Figures]:
    """Run *collect* for every account of the job's markets and return the figures of each.

    A job that names no market is for all enabled accounts. What is done is kept in the checkpoint. An account under
    maintenance, or paused for long, is held: its figures are ``{"held": reason, "until": moment}``, an event says so until it
    answers again, and the next planned execution does it.
    Raises  an error naming the failed markets: GiveUp when no retry can help, Retry when a market asked for a pause;
            Skip when every account is held
    """
    done: dict[str, Figures] = dict(saved(context).get("done") or {})
    held: dict[str, Closed | RateLimited] = {}
    failures: dict[str, Exception] = {}
    codes: list[str | None] = [*context.market_codes] or [None]
    for code in codes:
        for account in await _accounts(context, code, failures):
            if account.label in done:
                continue
            try:
                done[account.label] = await collect(account)
            except (MarketError, GiveUp) as error:
                if isinstance(error, Closed) or (isinstance(error, RateLimited) and error.after > LONGEST_PAUSE):
                    # A retry that waits for hours would keep the job's planned times from every other account.
                    held[account.label] = error
                    await _tell_held(context, account, error)
                    continue
                failures[account.label] = error
                context.log.warning("market.failed", market=account.label, error=str(error))
                continue
            context.log.info("market.collected", market=account.label, **done[account.label])
            save(context, done=done)
            await clear_event(await context.adb(), HELD, account.label)
    if failures:
        raise verdict(failures, done, context.attempt, held)
    if held and not done:
        raise Skip("held: " + "; ".join(_named(label, error) for label, error in held.items()))
    return {**done, **{label: {"held": str(error), "until": _iso(error)} for label, error in held.items()}}


async def _tell_held(context: Context, account: Account, error: Closed | RateLimited) -> None:
    """Log that nothing is done with the account for now, and open an event about it."""
    context.log.warning("market.held", market=account.label, reason=str(error), until=_iso(error))
    until = _until(error)
    moment = until.astimezone(KOREA).strftime("%Y-%m-%d %H:%M") if until else ""
    ko, en = ("점검 중", "under maintenance") if isinstance(error, Closed) else ("호출이 제한됨", "paused by the limit of calls")
    await raise_event(
        await context.adb(), HELD, account.label, market_code=account.market_code, account=account.account,
        ko=f"{account.label}: {ko}" + (f" ({moment}까지, 한국 시간)" if moment else ""),
        en=f"{account.label}: {en}" + (f" until {moment} (Korean time)" if moment else ""),
        execution_id=context.execution_id, details={"until": _iso(error), "reason": str(error)[:500]},
    )


def _until(error: Closed | RateLimited) -> datetime | None:
    return error.until if isinstance(error, Closed) else datetime.now(UTC) + timedelta(seconds=error.after)


def _iso(error: Closed | RateLimited) -> str | None:
    until = _until(error)
    return until.isoformat(timespec="seconds") if until else None


def _named(label: str, error: Exception) -> str:
    message = str(error)
    return message if message.startswith(label) else f"{label}: {message}"


async def _accounts(context: Context, code: str | None, failures: dict[str, Exception]) -> list[Account]:
    try:
        return await accounts(context, code)
    except GiveUp as error:
        failures[code or "markets"] = error
        context.log.warning("market.failed", market=code, error=str(error))
        return []


def verdict(
    failures: dict[str, Exception], done: dict[str, Figures], attempt: int, held: Collection[str] = ()
) -> Exception:
    """Turn the failures into the one error that says what the next attempt can hope for."""
    text = "failed: " + "; ".join(_named(label, error) for label, error in failures.items())
    text += f" (done: {', '.join(done) or 'none'}{'; held: ' + ', '.join(held) if held else ''})"
    if any(isinstance(error, MarketDown) for error in failures.values()):
        return MarketsFailed(text)
    pauses = [error.after for error in failures.values() if isinstance(error, RateLimited)]
    if pauses:
        return Retry(text, after=min(max(pauses) * 2 ** min(attempt - 1, 10), max([LONGEST_PAUSE, *pauses])))
    return GiveUp(text)
