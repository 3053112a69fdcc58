"""`/api/v1/nodes`: the daemons, and letting one take no new work."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request

from scheduler.queries import nodes
from scheduler.web import aside_deeds
from scheduler.web.answers import Answer
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import NO_NUL, Body, Long
from scheduler.web.place import place_of
from scheduler.web.rights import operator, viewer

router = APIRouter(route_class=OnceRoute, tags=["nodes"])
All = Annotated[bool, Query(alias="all", description="멈춘 것도 / Also those that stopped")]
Name = Annotated[str, Path(min_length=1, max_length=100, pattern=NO_NUL, description="노드 이름 / Name of the node",
                           examples=["node-a"])]


class Drain(Body):
    """Why a node is drained."""

    reason: Annotated[Long, Field(max_length=500)] | None = None


@router.get("/api/v1/nodes", dependencies=[viewer])
def list_nodes(request: Request, every: All = False) -> Answer:
    """List the daemons as they report themselves; ``living`` is false for one that has not reported for a whole lease."""
    with place_of(request).reading() as connection:
        return Answer({"items": nodes.list_nodes(connection, every=every)})


@router.get("/api/v1/nodes/{name}", dependencies=[viewer])
def show_node(request: Request, name: Name) -> Answer:
    """Return the daemons that have this name, the living first, and what runs there."""
    with place_of(request).reading() as connection:
        found = nodes.named(connection, name)
        return Answer({"node": name, "daemons": found, "running": nodes.running_on(connection, name)})


@router.post("/api/v1/nodes/{name}/drain", dependencies=[operator])
def drain_node(request: Request, name: Name, how: Drain | None = None) -> Answer:
    """Let a node take no new work; what runs ends by itself, the daemon stays up, and a restart does not change it."""
    with place_of(request).changing(request) as connection:
        return Answer({**aside_deeds.drain(connection, request, name, None if how is None else how.reason), "drained": True})


@router.post("/api/v1/nodes/{name}/undrain", dependencies=[operator])
def undrain_node(request: Request, name: Name) -> Answer:
    """Let a drained node take work again, at once."""
    with place_of(request).changing(request) as connection:
        return Answer({**aside_deeds.undrain(connection, request, name), "drained": False})
