"""One call to Coupang: its signature, its pages, and what its refusals mean. No field of an order or a product here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from urllib.parse import quote

import httpx

from handlers.markets.base import Account, AuthFailed, BadRequest, Budget, Clock, MarketDown, RateLimited
from handlers.markets.coupang_pushes import Refused
from handlers.markets.http import MarketHttp, credential, read_json
from handlers.markets.reading import Json

PAGES_LIMIT = 100_000
EDGE_PAUSE = 300.0
GOOD = {"200", "SUCCESS"}


class _Expired(AuthFailed):
    """The signature came too late; a second one may be in time."""


def sign(access_key: str, secret_key: str, method: str, path: str, query: str, moment: datetime) -> str:
    """Make the Authorization header of one attempt.

    path, query  exactly as they go on the wire; the query without its question mark
    """
    date = moment.astimezone(UTC).strftime("%y%m%dT%H%M%SZ")
    message = f"{date}{method.upper()}{path}{query}"
    signature = hmac.new(secret_key.encode(), message.encode(), hashlib.sha256).hexdigest()
    return f"CEA algorithm=HmacSHA256, access-key={access_key}, signed-date={date}, signature={signature}"


class Calls:
    """Calls one shop at Coupang, each attempt with a signature of its own."""

    def __init__(
        self, account: Account, secret: Callable[[str], str], now: Clock, budget: Budget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.account = account
        self.vendor = credential(account, "vendor_id", secret)
        self._now = now
        self._budget = budget
        self._access_key = credential(account, "access_key", secret)
        self._secret_key = credential(account, "secret_key", secret)
        self._http = MarketHttp(account, budget, self._headers, transport=transport)

    async def close(self) -> None:
        await self._http.close()

    def _headers(self, method: str, wire_target: bytes) -> dict[str, str]:
        path, _, query = wire_target.decode("ascii").partition("?")
        return {
            "Authorization": sign(self._access_key, self._secret_key, method, path, query, datetime.now(UTC)),
            "Content-Type": "application/json;charset=UTF-8",
            "X-Requested-By": self.vendor,
        }

    async def pages(self, target: str) -> AsyncIterator[tuple[list[Json], datetime]]:
        """Follow nextToken until it is empty, giving rows and the moment they were asked for."""
        token = ""
        for _ in range(PAGES_LIMIT):
            read_at = self._now()
            answer = await self.read(target + (f"&nextToken={quote(token, safe='')}" if token else ""))
            yield answer.get("data") or [], read_at
            former, token = token, str(answer.get("nextToken") or "")
            if not token:
                return
            if token == former:
                break
        raise MarketDown(f"{self.account.label}: the pages of a list never end")

    async def read(self, target: str, method: str = "GET", content: bytes | None = None) -> Json:
        """Call *target* and return the answer; an expired signature is made anew once."""
        try:
            return await self._http.read(target, self._judge, method, content)
        except _Expired:
            return await self._http.read(target, self._judge, method, content)

    async def write(self, target: str, content: bytes) -> Json:
        """Put once: after MarketDown nobody knows whether it took effect. An expired signature had none."""
        try:
            return await self._judge(await self._http.send("PUT", target, content))
        except _Expired:
            return await self._judge(await self._http.send("PUT", target, content))

    async def _judge(self, response: httpx.Response) -> Json:
        """Return the content of a good answer, or raise what the documents say it means."""
        label = self.account.label
        if response.status_code == 403 and "json" not in response.headers.get("content-type", ""):
            await self._budget.pause(EDGE_PAUSE, "blocked at the edge")
            raise RateLimited(f"{label}: blocked at the edge (HTTP 403 page)", after=EDGE_PAUSE)
        if response.status_code == 404 and "json" not in response.headers.get("content-type", ""):
            raise BadRequest(f"{label}: HTTP 404; check base_url")
        content = read_json(self.account, response)
        message = str(content.get("message") or "")[:300]
        if response.status_code in (401, 403):
            if "expired" in message.lower():
                raise _Expired(f"{label}: {message} Check the clock of this machine")
            raise AuthFailed(f"{label}: HTTP {response.status_code}: {message}")
        if response.status_code != 200 or str(content.get("code")) not in GOOD:
            raise Refused(f"{label}: HTTP {response.status_code}: {message}")
        return content
