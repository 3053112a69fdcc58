"""Several writes to one account: the refusal of one does not keep the others back, and each item has its own answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from handlers.markets.base import AuthFailed, BadRequest, Closed, MarketDown, RateLimited, Sent
from handlers.markets.http import gather

AT_ONCE = 4

Stop = AuthFailed | RateLimited | Closed
"""What keeps the whole account from being written to."""


@dataclass(frozen=True, slots=True)
class Work:
    """One call and the keys it is about."""

    keys: Sequence[str]
    do: Callable[[], Awaitable[list[Sent]]]


async def each(works: Sequence[Work]) -> list[Sent]:
    """Do all of it and return one answer for each key, in order.

    Once the account as a whole is stopped, the rest is not sent; another attempt meets the reason itself.
    Raises  AuthFailed, RateLimited or Closed when not one of the calls got past that
    """
    stops: list[Stop] = []
    answers = await gather([partial(_one, work, stops) for work in works], at_once=AT_ONCE)
    if stops and all(answer is None for answer in answers):
        raise stops[0]
    return [
        sent for work, answer in zip(works, answers, strict=True)
        for sent in (answer if answer is not None else _all(work, f"not sent: {stops[0]}", again=True))
    ]


async def _one(work: Work, stops: list[Stop]) -> list[Sent] | None:
    """Return the answers of one call; None when the account is stopped."""
    if stops:
        return None
    try:
        return await work.do()
    except BadRequest as error:
        return _all(work, str(error), again=False)
    except MarketDown as error:
        return _all(work, str(error), again=True)
    except (AuthFailed, RateLimited, Closed) as error:
        stops.append(error)
        return None


def _all(work: Work, message: str, again: bool) -> list[Sent]:
    return [Sent(key, False, message, again=again) for key in work.keys]
