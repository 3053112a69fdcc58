"""`/api/v1/markets`: calls used, maintenance, holes in the orders, stock that differs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from scheduler.queries import rest_markets, stock
from scheduler.web.answers import Answer
from scheduler.web.inputs import Short
from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter(tags=["markets"])
MOST = 500


@router.get("/api/v1/markets", dependencies=[viewer])
def list_markets(request: Request) -> Answer:
    """List the accounts with their budgets, the maintenance windows, and the time that was not collected."""
    with place_of(request).reading() as connection:
        return Answer({"items": rest_markets.accounts(connection), "windows": rest_markets.windows(connection),
                       "gaps": rest_markets.gaps(connection)})


@router.get("/api/v1/markets/stock", dependencies=[viewer])
def list_stock_differences(
    request: Request, market: Annotated[Short | None, Query(examples=["naver"])] = None,
    buffer: Annotated[int, Query(ge=0, le=1_000_000, description="재고를 얼마나 남겨 둘지 / How much to hold back")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 200,
) -> Answer:
    """List the goods whose stock at a shop is not what it should be; ``total`` counts all of them."""
    with place_of(request).reading() as connection:
        found = stock.differences(connection, market, buffer)
    return Answer({"items": found[:limit], "total": len(found)})
