"""A served sandbox 11st whose clock stands, clients of it, and calls without a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from handlers.markets.base import (
    Account,
)
from handlers.markets.elevenst import ElevenSt
from handlers.markets.elevenst_xml import parse, row
from handlers.sandbox.elevenst import ElevenSt as SandboxElevenSt
from tests.handlers.support import SECRETS, FreeBudget, Shop, a_shop, secret

KEY = SECRETS["secret://env/OPENAPIKEY"]
HOUR = timedelta(hours=1)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with a_shop("11st", per_minute=4.0, history=timedelta(minutes=100)) as served:
        served.stand(served.start + timedelta(minutes=100))
        yield served


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.markets.http._wait", lambda _: 0)


@asynccontextmanager
async def a_client(shop: Shop, key: str | None = None, budget: FreeBudget | None = None) -> AsyncIterator[ElevenSt]:
    account = shop.account()
    if key is not None:
        account = Account(account.market_code, account.account, account.base_url, {"openapikey": key})
    async with ElevenSt(account, secret, shop.now, budget or FreeBudget()) as client:
        yield client


def market_of(shop: Shop) -> SandboxElevenSt:
    assert isinstance(shop.market, SandboxElevenSt)
    return shop.market


def ask(shop: Shop, method: str, path: str, body: bytes = b"", key: str = KEY) -> httpx.Response:
    headers = {"openapikey": key, "Content-Type": "text/xml;charset=euc-kr"}
    with httpx.Client(trust_env=False) as client:
        return client.request(method, shop.base_url + path, content=body, headers=headers)


def code_of(response: httpx.Response) -> str | None:
    fields = row(parse(response.content))
    return fields.get("resultCode") or fields.get("result_code")
