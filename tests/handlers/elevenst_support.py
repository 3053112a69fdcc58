"""A client of 11st against answers given by the test, as the guide describes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from handlers.markets.base import (
    Account,
    MarketError,
    Window,
)
from handlers.markets.elevenst import ElevenSt
from tests.handlers.support import FreeBudget

KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Window(NOW - timedelta(hours=2), NOW)
NS2 = 'xmlns:ns2="http://skt.tmall.business.openapi.spring.service.client.domain/"'
LISTS = ["complete", "packaging", "shipping", "dlvcompleted", "completed"]
NOTHING = ("<ns2:orders {ns2}><ns2:result_code>{code}</ns2:result_code><ns2:result_text>{text}</ns2:result_text>"
           "</ns2:orders>")
PAID = {
    "ordNo": "20260309000000001", "ordPrdSeq": "1", "ordDt": "2026-03-09 09:58:20", "ordStlEndDt": "2026-03-09 09:58:41",
    "prdNo": "5000000001", "prdNm": "시험 텀블러", "prdStckNo": "30000000001", "ordQty": "2", "selPrc": "12900",
    "ordAmt": "25,800", "dlvCst": "3000", "dlvNo": "700000001", "sellerPrdCd": "TMB-500", "sellerStockCd": "TMB-500-BLK",
    "ordDlvReqCont": "null", "addPrdYn": "N", "addPrdNo": "null",
}
SENT_ROW = {"dlvEtprsCd": "00034", "invcNo": "1", "ordNo": PAID["ordNo"], "ordPrdSeq": "1", "sndEndDt": "2026-03-09 11:30:00"}
SINGLE = {"dlvNo": "700000001", "ordCnQty": "0", "ordNo": PAID["ordNo"], "ordPrdSeq": "1", "ordPrdStat": "401",
          "ordQty": "2", "prdNm": "시험 텀블러", "prdNo": "5000000001", "sellerStockCd": "TMB-500-BLK"}

Rows = list[dict[str, str]]
Handler = Callable[[httpx.Request], httpx.Response]


def xml(content: str, status: int = 200) -> httpx.Response:
    body = f'<?xml version="1.0" encoding="euc-kr" standalone="yes"?>\n{content}'.encode("cp949")
    return httpx.Response(status, content=body, headers={"Content-Type": "text/xml;charset=euc-kr"})


def fields(row: dict[str, str]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in row.items())


def orders(rows: Rows) -> httpx.Response:
    if not rows:
        return code(0, "조회된 결과가 없습니다.")
    inner = "".join(f"<ns2:order>{fields(row)}</ns2:order>" for row in rows)
    return xml(f"<ns2:orders {NS2}>{inner}</ns2:orders>")


def code(number: int, text: str, status: int = 200) -> httpx.Response:
    return xml(NOTHING.format(ns2=NS2, code=number, text=text), status)


def message(number: int, text: str = "", **more: str) -> httpx.Response:
    return xml(f"<ClientMessage><productNo>1</productNo><message>{text}</message>{fields(more)}"
               f"<resultCode>{number}</resultCode></ClientMessage>")


def listing(rows: Rows, _: httpx.Request) -> httpx.Response:
    return orders(rows)


class Market:
    """Answers by the beginning of the path; keeps every request."""

    def __init__(self, **lists: Rows) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, Handler] = {}
        for name, rows in lists.items():
            service = "ordservices" if name in LISTS else "claimservice"
            self.on(f"/{service}/{name}/", partial(listing, rows))

    def on(self, start: str, answer: Handler) -> None:
        self.answers[start] = answer

    @property
    def paths(self) -> list[str]:
        return [request.url.path.removeprefix("/rest") for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path.removeprefix("/rest")
        known = [start for start in self.answers if path.startswith(start)]
        return self.answers[max(known, key=len)](request) if known else orders([])


def a_client(market: Handler, budget: FreeBudget | None = None, key: str = KEY) -> ElevenSt:
    account = Account("11st", "default", "https://shop.test/rest", {"openapikey": key})
    return ElevenSt(account, lambda reference: reference, lambda: NOW, budget or FreeBudget(),
                    httpx.MockTransport(market))


async def error_of(answer: httpx.Response, budget: FreeBudget | None = None) -> MarketError:
    """Read an order list that answers like this, and return what is raised."""
    async with a_client(lambda _: answer, budget) as client:
        with pytest.raises(MarketError) as raised:
            await client.orders(WINDOW)
    return raised.value
