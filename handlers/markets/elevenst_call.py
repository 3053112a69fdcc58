"""One call to 11st: its header, and what the code in its body means."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote
from xml.etree import ElementTree

import httpx

from handlers.markets.base import Account, AuthFailed, BadRequest, Budget, Closed, MarketDown
from handlers.markets.elevenst_xml import Row, Unreadable, local, parse, row, rows
from handlers.markets.http import MarketHttp, credential

CODES = ("resultCode", "result_code")
TEXTS = ("resultMessage", "result_text", "message")
GOOD = {"0", "200"}
"""0 is a success without rows in lists and a success in confirmations, 200 one of all other writes."""

MAINTENANCE = "-1000"
BUSINESS_ERROR = "-1"
NOT_FOUND = "404"
NO_USER = "해당하는 유저가 없습니다"
NO_ROWS = "해당 건이 없습니다"
LONGEST_TEXT = 300


class Missing(BadRequest):
    """The shop does not have what was asked for."""


def verdict(answer: ElementTree.Element) -> tuple[str | None, str]:
    """Return the code of an answer and its text; None when it carries rows instead of a code."""
    fields = row(answer)
    code = next((fields[name] for name in CODES if fields.get(name)), None)
    return code, next((text for name in TEXTS if (text := fields.get(name))), "")[:LONGEST_TEXT]


class ElevenStCall:
    """Calls one shop. The key goes into a header, never into an address or a message."""

    def __init__(
        self, account: Account, secret: Callable[[str], str], budget: Budget, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.account = account
        self._budget = budget
        self._key = credential(account, "openapikey", secret).strip()
        # A key with a line feed in it would come back in the text of the client's own error.
        if not re.fullmatch(r"[\x21-\x7e]{8,256}", self._key):
            raise AuthFailed(f"{account.label}: openapikey is not 8 to 256 printable characters without spaces")
        self._http = MarketHttp(account, budget, self._headers, judges_5xx=True, transport=transport)

    async def close(self) -> None:
        await self._http.close()

    def _headers(self, method: str, wire_target: bytes) -> dict[str, str]:
        return {"openapikey": self._key, "Content-Type": "text/xml;charset=euc-kr", "Accept": "text/xml"}

    async def read(self, target: str, method: str = "GET", body: bytes | None = None) -> ElementTree.Element:
        """Read; outages are tried again."""
        return await self._http.read(target, self._judge, method, body)

    async def write(self, method: str, target: str, body: bytes | None = None) -> ElementTree.Element:
        """Write, once: after MarketDown nobody knows whether it took effect."""
        return await self._judge(await self._http.send(method, target, body))

    async def rows(self, target: str, name: str, method: str = "GET", body: bytes | None = None) -> list[Row]:
        """Read a list of elements called *name*. Raises MarketDown for an empty answer that is no such list at all."""
        answer = await self.read(target, method, body)
        found = rows(answer, name)
        if not found and local(answer) != f"{name}s" and verdict(answer)[0] is None:
            raise MarketDown(f"{self.account.label}: <{local(answer)[:40]}> came where <{name}s> was expected")
        return found

    async def product(self, product_id: str) -> Row:
        """Read one product. Raises Missing."""
        return row(await self.read(f"/prodmarketservice/prodmarket/{quote(product_id, safe='')}"))

    async def stocks(self, product_id: str) -> list[Row]:
        """Read the stocks of a product's items, each with the product's own code. Raises Missing."""
        found = await self.rows(f"/prodmarketservice/prodmarket/stck/{quote(product_id, safe='')}", "ProductStock")
        if not found:
            raise Missing(f"{self.account.label}: product {product_id} has no stocks")
        return found

    async def _judge(self, response: httpx.Response) -> ElementTree.Element:
        """Return a good answer, or raise what its code means."""
        status, label = response.status_code, self.account.label
        try:
            answer = parse(response.content, response.charset_encoding)
        except Unreadable as error:
            raise self._without_xml(status, str(error)) from error
        code, text = verdict(answer)
        text = text.replace(self._key, "…")
        if code == MAINTENANCE:
            await self._budget.close_until(None, f"{code} {text}".strip())
            raise Closed(f"{label}: under maintenance ({code} {text})")
        if NO_USER in text or status in (401, 403):
            raise AuthFailed(f"{label}: HTTP {status}: {code} {text}. Check the key and the addresses registered with it")
        if code == BUSINESS_ERROR and NO_ROWS in text:
            return answer
        if code == NOT_FOUND:
            raise Missing(f"{label}: {code} {text}")
        if code is not None and code not in GOOD:
            raise BadRequest(f"{label}: HTTP {status}: {code} {text}")
        if status >= 500:
            raise MarketDown(f"{label}: HTTP {status} in <{local(answer)[:40]}>")
        if status != 200 or local(answer).lower() == "html":
            raise self._without_xml(status, f"<{local(answer)[:40]}>")
        return answer

    def _without_xml(self, status: int, what: str) -> AuthFailed | BadRequest | MarketDown:
        label = self.account.label
        if status in (401, 403):
            return AuthFailed(f"{label}: HTTP {status} without readable XML; is this machine's address registered there?")
        if status in (404, 405):
            return BadRequest(f"{label}: HTTP {status} without readable XML; check base_url")
        return MarketDown(f"{label}: HTTP {status} without readable XML: {what}")
