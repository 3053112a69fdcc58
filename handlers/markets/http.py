"""The client that all markets share: turns from the budget, a few retries of reads, answers turned into MarketErrors."""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay

from handlers.markets.base import (
    Account,
    AuthFailed,
    BadRequest,
    Budget,
    Clock,
    MarketDown,
    MarketError,
    RateLimited,
    TooSlow,
)

ATTEMPTS = 3
LONGEST_WAIT = 30.0
UNTOLD_PAUSE = 60.0
LONGEST_PAUSE = 6 * 3600.0
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
LONGEST_CALL = 45.0

Result = TypeVar("Result")


def pause_of(response: httpx.Response) -> float | None:
    """Read Retry-After, in seconds or as a date; None when there is none that can be read."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return min(max(0.0, float(text)), LONGEST_PAUSE)
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    told = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(0.0, told), LONGEST_PAUSE)


def is_loopback(host: str) -> bool:
    """Say whether *host* is this machine, which no proxy of the company can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited):
        return error.after
    return float(0.5 * 2 ** (state.attempt_number - 1))


def _comes_in_time(error: BaseException) -> bool:
    return isinstance(error, MarketDown) or (isinstance(error, RateLimited) and error.after <= LONGEST_WAIT)


class Closes(Protocol):
    async def close(self) -> None: ...


class Client:
    """What the clients of all markets have: an account, the database's clock, and an end.

    calls  what the market is called through, closed when the block is left
    """

    def __init__(self, account: Account, now: Clock, calls: Closes) -> None:
        self.account = account
        self._now = now
        self._closes = calls

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closes.close()


class MarketHttp:
    """Calls one account of one market.

    budget        gives turns; a pause the market asks for is told to it
    headers       makes the headers of one attempt from method and wire target (``/path?query``), when its turn has come
    ready         awaited before a turn is asked for: sees to it that there is a token
    pause         reads from an answer with status 429 how long to stay away; None when it does not say
    judges_5xx    the market's own errors come with status 500, so *judge* looks at them instead of MarketDown
    transport     replaces the network in tests
    """

    def __init__(
        self, account: Account, budget: Budget, headers: Callable[[str, bytes], dict[str, str]], *,
        ready: Callable[[], Awaitable[None]] | None = None, pause: Callable[[httpx.Response], float | None] = pause_of,
        judges_5xx: bool = False, transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.account = account
        self.budget = budget
        self._headers = headers
        self._ready = ready
        self._pause = pause
        self._judges_5xx = judges_5xx
        self._base = account.base_url.rstrip("/")
        trust_env = not is_loopback(httpx.URL(self._base).host)
        self._client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=trust_env, transport=transport)

    async def close(self) -> None:
        await self._client.aclose()

    async def read(
        self, target: str, judge: Callable[[httpx.Response], Awaitable[Result]], method: str = "GET",
        content: bytes | None = None,
    ) -> Result:
        """Ask for *target* and let *judge* turn the answer into a value or a MarketError.

        method, content  for reads that are a POST
        Outages and announced pauses are tried again, at most three times within half a minute.
        """
        tries = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(LONGEST_WAIT), wait=_wait, reraise=True,
            retry=retry_if_exception(_comes_in_time),
        )
        async for attempt in tries:
            with attempt:
                return await judge(await self.send(method, target, content))
        raise AssertionError("tenacity ends with a value or an error")

    async def send(
        self, method: str, target: str, content: bytes | None = None, plain: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send one attempt. Raises MarketDown without an answer, RateLimited for status 429.

        plain  send these headers instead of the account's: asking for a token
        """
        if self._ready is not None and plain is None:
            await self._ready()
        # The finished address is built first and signed as httpx will send it: byte for byte what the market checks.
        request = self._client.build_request(method, self._base + target, content=content)
        async with self.budget.call():
            request.headers.update(self._headers(method, request.url.raw_path) if plain is None else plain)
            response = await self._exchange(request)
        if response.status_code == 429:
            told = self._pause(response)
            after = UNTOLD_PAUSE if told is None else told
            await self.budget.pause(after, "HTTP 429")
            raise RateLimited(f"{self.account.label}: too many calls (HTTP 429)", after=after)
        if response.status_code >= 500 and not self._judges_5xx:
            raise MarketDown(f"{self.account.label}: HTTP {response.status_code}")
        if response.is_redirect:
            said = " ".join(response.text[:200].split())
            raise AuthFailed(f"{self.account.label}: redirected elsewhere (HTTP {response.status_code} {said}); check base_url")
        return response

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(LONGEST_CALL):  # an answer that drips would outlive the turn's lease
                return await self._client.send(request)
        except (httpx.ReadTimeout, TimeoutError) as error:
            raise TooSlow(f"{self.account.label}: no answer within {TIMEOUT.read:g} s") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise MarketDown(f"{self.account.label}: no answer ({type(error).__name__}: {error})") from error


def credential(account: Account, name: str, secret: Callable[[str], str]) -> str:
    """Return a credential of the account, resolved when it is a reference. Raises AuthFailed when there is none."""
    value = account.credentials.get(name)
    if not value:
        raise AuthFailed(f"{account.label}: credentials of market_accounts lack {name}")
    return secret(value) if value.startswith("secret://") else value


@contextmanager
def readable(account: Account) -> Iterator[None]:
    """Turn a field that is missing or of another kind into a MarketError, so that only this market fails."""
    try:
        yield
    except MarketError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise BadRequest(f"{account.label}: an answer cannot be read ({type(error).__name__}: {error})") from error


def read_json(account: Account, response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises MarketDown when it is none: a gateway's page, or a cut-off body."""
    try:
        content = response.json()
    except ValueError as error:
        raise MarketDown(f"{account.label}: HTTP {response.status_code} without readable JSON") from error
    if not isinstance(content, dict):
        raise MarketDown(f"{account.label}: HTTP {response.status_code} with JSON that is not an object")
    return content


async def gather(makers: Iterable[Callable[[], Awaitable[Result]]], at_once: int = 5) -> list[Result]:
    """Await what the makers make, a few at once, results in order; the first error cancels the rest."""
    gate = asyncio.Semaphore(at_once)

    async def one(maker: Callable[[], Awaitable[Result]]) -> Result:
        async with gate:
            return await maker()

    tasks = [asyncio.ensure_future(one(maker)) for maker in makers]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for started in tasks:
            started.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
