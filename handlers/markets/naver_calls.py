"""One call to Naver's gateway: its token, its limits, and what its refusals mean. No field of an order or a product here."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

import httpx

from handlers.markets import http
from handlers.markets.base import (
    Account,
    AuthFailed,
    BadRequest,
    Budget,
    Closed,
    MarketDown,
    RateLimited,
    Token,
)
from handlers.markets.http import MarketHttp, credential, read_json, readable
from handlers.markets.naver_sign import FORM, TOKEN_PATH, checked, token_form

HOUR = 3600.0
WRITE_ATTEMPTS = 3
LONGEST_WAIT = 5.0
PERIODS = {"SECONDS": 1.0, "HOURS": HOUR}
REFUSALS = {"BAD_REQUEST", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND", "INTERNAL_SERVER_ERROR"}
WRITES = ("PUT", "PATCH")
GOOD = {"0", "200"}
REFUSAL_FIELDS = {"code", "message", "timestamp", "traceId", "invalidInputs", "status", "error", "path"}
STATUSES = {
    "GW.AUTHN": 401, "UNAUTHORIZED": 401, "GW.AUTHZ": 403, "GW.IP_NOT_ALLOWED": 403, "FORBIDDEN": 403, "NOT_FOUND": 404,
    "INTERNAL_SERVER_ERROR": 500,
}
"""What the code of a refusal means that comes with status 200."""

Json = dict[str, Any]


class NotThere(BadRequest):
    """Naver does not have, or no longer has, what was asked for."""


class _Expired(AuthFailed):
    """The token that the call carried is no longer good; a new one may be."""

    def __init__(self, message: str, stale: str) -> None:
        super().__init__(message)
        self.stale = stale


def content_of(response: httpx.Response) -> Json:
    """Return the JSON object of a refusal; empty when it is something else."""
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def pause_of(response: httpx.Response) -> float | None:
    """Say how long a 429 asks us to stay away: Naver sends no Retry-After, but its rate or the period of its quota."""
    headers = response.headers
    code = content_of(response).get("code")
    if code == "GW.QUOTA_LIMIT" or (code is None and headers.get("gncp-gw-quota-remaining") == "0"):
        told = PERIODS.get(headers.get("gncp-gw-quota-period", "").upper())
        return told if told is None else told + random.uniform(0, 0.25)
    try:
        rate = float(headers.get("gncp-gw-ratelimit-replenish-rate", "0"))
    except ValueError:
        rate = 0.0
    # Many callers were refused in the same moment: jitter keeps them from coming back in the same moment.
    return min(1 / rate, HOUR) + random.uniform(0, 0.25) if rate > 0 else http.pause_of(response)


def describe(response: httpx.Response) -> str:
    """Say what a refusal says, with the trace number that Naver's support asks for."""
    content = content_of(response)
    parts = [f"HTTP {response.status_code}", str(content.get("code") or ""), str(content.get("message") or "")[:300]]
    wrong = [row for row in content.get("invalidInputs") or [] if isinstance(row, dict)]
    parts += [f"{row.get('name')}: {row.get('message')}"[:200] for row in wrong[:3]]
    trace = response.headers.get("gncp-gw-trace-id") or content.get("traceId")
    return " ".join(part for part in parts if part) + (f" (trace {trace})" if trace else "")


def refuses(content: Json, is_write: bool) -> bool:
    """Say whether an answer with status 200 is a refusal all the same; taken for a list it would be an empty one.

    is_write  a good answer may hold a code and a text only, so that those of a refusal must be known
    """
    code = str(content.get("code") or "")
    if code in REFUSALS or code.startswith("GW."):
        return True
    told = {name: value for name, value in content.items() if name not in REFUSAL_FIELDS and value is not None}
    if code.isdigit() and code not in GOOD:
        return not any(told.values())
    return not is_write and bool(code or content.get("message")) and not told


class Calls:
    """Calls one application at Naver with its token, which all processes share through the budget."""

    def __init__(
        self, account: Account, secret: Callable[[str], str], budget: Budget,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.account = account
        self._budget = budget
        self._client_id = credential(account, "client_id", secret)
        self._client_secret = checked(account, credential(account, "client_secret", secret))
        self._token = ""
        # Status 500 and above are judged here, because maintenance comes with 503 and a code.
        self._http = MarketHttp(
            account, budget, self._headers, ready=self._ready, pause=pause_of, judges_5xx=True, transport=transport
        )

    async def close(self) -> None:
        await self._http.close()

    async def get(self, target: str) -> Json:
        return await self._read(target, "GET", None)

    async def ask(self, target: str, body: Json) -> Json:
        """Read with a POST, as Naver has it where a question is too long for an address."""
        return await self._read(target, "POST", packed(body))

    async def write(self, method: str, target: str, body: Json) -> Json:
        """Write once; again only after a 429 or a refused token, when nothing has been written yet."""
        content = packed(body)
        renewed = False
        attempt = 1
        while True:
            try:
                return await self._judge(await self._http.send(method, target, content))
            except _Expired as error:
                if renewed:
                    raise
                renewed = True
                await self._renew(error)
            except RateLimited as error:
                if attempt >= WRITE_ATTEMPTS or error.after > LONGEST_WAIT:
                    raise
                attempt += 1
                await asyncio.sleep(error.after)

    async def _read(self, target: str, method: str, content: bytes | None) -> Json:
        try:
            return await self._http.read(target, self._judge, method, content)
        except _Expired as error:
            await self._renew(error)
        return await self._http.read(target, self._judge, method, content)

    # -- the token

    def _headers(self, method: str, wire_target: bytes) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", "Accept": "application/json"}

    async def _ready(self) -> None:
        self._token = await self._budget.token(self._fetch)

    async def _renew(self, error: _Expired) -> None:
        self._token = await self._budget.token(self._fetch, error.stale)

    async def _fetch(self) -> Token:
        moment = int(time.time() * 1000)
        # bcrypt is slow by design; the calls of other accounts go on meanwhile.
        form = await asyncio.to_thread(token_form, self._client_id, self._client_secret, moment)
        response = await self._http.send("POST", TOKEN_PATH, form, plain=FORM)
        if response.status_code in (400, 401, 403):
            raise AuthFailed(
                f"{self.account.label}: no token: {describe(response)}; check client_id, client_secret, the registered "
                "address of this machine and its clock"
            )
        answer = await self._judge(response)
        with readable(self.account):
            return Token(str(answer["access_token"]), float(answer["expires_in"]))

    # -- the answers

    async def _judge(self, response: httpx.Response) -> Json:
        """Return the content of a good answer, or raise what the documents say it means."""
        status = response.status_code
        code = str(content_of(response).get("code") or "")
        if response.is_success:
            content = self._content(response)
            if not refuses(content, response.request.method in WRITES):
                return content
            status = 503 if "MAINTENANCE" in code else STATUSES.get(code, 500 if code.startswith("GW.") else 400)
        text = f"{self.account.label}: {describe(response)}"
        if status == 503 and "MAINTENANCE" in code:
            await self._budget.close_until(None, text)
            raise Closed(text)
        if status >= 500:
            raise MarketDown(text)
        if status == 401:
            raise _Expired(text, response.request.headers.get("authorization", "").removeprefix("Bearer "))
        if status == 403:
            raise AuthFailed(text)
        if status == 404:
            raise NotThere(text if code else f"{text}; check base_url")
        raise BadRequest(text)

    def _content(self, response: httpx.Response) -> Json:
        if not response.content and response.request.method in WRITES:
            return {}
        return read_json(self.account, response)


def packed(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
