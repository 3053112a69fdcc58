"""The client that all markets share: a pace per account, a few retries of reads, and answers turned into MarketErrors."""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay

from handlers.markets.base import Account, AuthFailed, MarketDown, RateLimited, TooSlow

ATTEMPTS = 3
LONGEST_WAIT = 30.0
UNTOLD_PAUSE = 60.0
LONGEST_PAUSE = 6 * 3600.0
TIMEOUT = httpx.Timeout(20.0, connect=5.0)

Result = TypeVar("Result")
_next_call: dict[tuple[str, str], float] = {}
_held_until: dict[tuple[str, str], float] = {}


async def wait_turn(account: Account) -> None:
    """Wait until this account may be called again; the pace holds for the whole process.

    Raises  RateLimited when the market asked for a pause that is longer than we wait
    """
    key = (account.base_url, account.account)
    now, held = time.monotonic(), _held_until.get(key, 0.0)
    if held - now > LONGEST_WAIT:
        raise RateLimited(f"{account.label}: paused after too many calls", after=held - now)
    turn = max(now, held, _next_call.get(key, 0.0))
    _next_call[key] = turn + 1.0 / account.calls_per_second
    await asyncio.sleep(max(0.0, turn - time.monotonic()))


def hold(account: Account, seconds: float) -> None:
    """Keep every caller of this process away from the account, not only the one that was told."""
    key = (account.base_url, account.account)
    _held_until[key] = max(_held_until.get(key, 0.0), time.monotonic() + seconds)


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


class MarketHttp:
    """Calls one account of one market.

    sign       makes the headers of one attempt from method and wire target (``/path?query``)
    transport  replaces the network in tests
    """

    def __init__(
        self, account: Account, sign: Callable[[str, bytes], dict[str, str]],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.account = account
        self._sign = sign
        self._base = account.base_url.rstrip("/")
        trust_env = not is_loopback(httpx.URL(self._base).host)
        self._client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=trust_env, transport=transport)

    async def close(self) -> None:
        await self._client.aclose()

    async def read(self, target: str, judge: Callable[[httpx.Response], Result]) -> Result:
        """GET *target* and let *judge* turn the answer into a value or a MarketError.

        Outages and announced pauses are tried again, at most three times within half a minute.
        """
        tries = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(LONGEST_WAIT), wait=_wait, reraise=True,
            retry=retry_if_exception(_comes_in_time),
        )
        async for attempt in tries:
            with attempt:
                return judge(await self.send("GET", target))
        raise AssertionError("tenacity ends with a value or an error")

    async def send(self, method: str, target: str, body: Any = None) -> httpx.Response:
        """Send one signed attempt. Raises MarketDown without an answer, RateLimited for status 429."""
        await wait_turn(self.account)
        # The finished address is built first and signed as httpx will send it: byte for byte what the market checks.
        request = self._client.build_request(
            method, self._base + target, content=None if body is None else json.dumps(body, ensure_ascii=False)
        )
        request.headers.update(self._sign(method, request.url.raw_path))
        try:
            response = await self._client.send(request)
        except httpx.ReadTimeout as error:
            raise TooSlow(f"{self.account.label}: no answer within {TIMEOUT.read:g} s") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise MarketDown(f"{self.account.label}: no answer ({type(error).__name__}: {error})") from error
        if response.status_code == 429:
            told = pause_of(response)
            after = UNTOLD_PAUSE if told is None else told
            hold(self.account, after)
            raise RateLimited(f"{self.account.label}: too many calls (HTTP 429)", after=after)
        if response.status_code >= 500:
            raise MarketDown(f"{self.account.label}: HTTP {response.status_code}")
        if response.is_redirect:
            raise AuthFailed(f"{self.account.label}: redirected elsewhere; check base_url")
        return response


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
