"""Refusals that Naver sends with status 200: none of them is an empty list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handlers.markets.base import AuthFailed, BadRequest, Closed, MarketDown, MarketError, Window
from handlers.markets.naver import Naver
from handlers.markets.naver_calls import refuses
from tests.handlers.naver_support import Purse, a_client

START = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
REFUSAL = {"code": "104139", "message": "조회할 수 없습니다", "timestamp": "2026-03-09T10:02:03.000+09:00", "traceId": "t"}


async def _orders(market: Naver) -> object:
    return await market.orders(WINDOW)


async def _changes(market: Naver) -> object:
    return await market.changes(WINDOW)


async def _products(market: Naver) -> object:
    return await market.products(None, 100, False)


@pytest.mark.parametrize("read", [_orders, _changes, _products])
@pytest.mark.parametrize(("content", "error"), [
    (REFUSAL, BadRequest),
    ({**REFUSAL, "data": None}, BadRequest),
    ({"message": "요청이 올바르지 않습니다"}, BadRequest),
    ({"code": "BAD_REQUEST", "message": "x", "invalidInputs": [{"name": "from", "message": "too old"}]}, BadRequest),
    ({"code": "INTERNAL_SERVER_ERROR", "message": "x"}, MarketDown),
    ({"code": "GW.TIMEOUT", "message": "x"}, MarketDown),
    ({"code": "FORBIDDEN", "message": "x"}, AuthFailed),
    ({"code": "GW.AUTHN", "message": "x"}, AuthFailed),
    ({"code": "GW.MAINTENANCE", "message": "점검"}, Closed),
])
async def test_a_refusal_with_status_200_is_no_empty_list(
    monkeypatch: pytest.MonkeyPatch, read: Any, content: dict[str, Any], error: type[MarketError]
) -> None:
    async def at_once(seconds: float) -> None:
        return None

    monkeypatch.setattr("asyncio.sleep", at_once)
    async with a_client(lambda _: httpx.Response(200, json=content), Purse()) as market:
        with pytest.raises(error, match="naver"):
            await read(market)


@pytest.mark.parametrize(("content", "is_write", "refused"), [
    ({"timestamp": "t", "traceId": "t"}, False, False),
    ({"timestamp": "t", "traceId": "t", "data": {}}, False, False),
    ({"contents": [], "page": 1, "totalPages": 0}, False, False),
    ({"code": "SUCCESS", "message": "OK", "data": []}, False, False),
    ({"code": "SUCCESS", "message": "OK"}, True, False),
    ({"code": "200", "message": "OK"}, True, False),
    ({"message": "OK"}, True, False),
    ({"code": "104139", "message": "x"}, True, True),
    ({"code": "GW.TIMEOUT"}, True, True),
    ({"code": "BAD_REQUEST", "data": {"x": 1}}, True, True),
])
def test_good_answers_and_refusals_are_told_apart(content: dict[str, Any], is_write: bool, refused: bool) -> None:
    assert refuses(content, is_write) is refused
