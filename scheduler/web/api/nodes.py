"""`/api/v1/nodes`: the daemons."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from scheduler.queries import nodes
from scheduler.web.answers import Answer
from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter(tags=["nodes"])
All = Annotated[bool, Query(alias="all", description="멈춘 것도 / Also those that stopped")]


@router.get("/api/v1/nodes", dependencies=[viewer])
def list_nodes(request: Request, every: All = False) -> Answer:
    """List the daemons as they report themselves; ``living`` is false for one that has not reported for a whole lease."""
    with place_of(request).reading() as connection:
        return Answer({"items": nodes.list_nodes(connection, every=every)})
