"""`/scheduler/bulk/KEY`: how far a deed on many rows is, and what became of each."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.web import bulk
from scheduler.web.render import page
from scheduler.web.rights import operator

router = APIRouter(include_in_schema=False)
SHOWN = 200


@router.get("/scheduler/bulk/{key}", dependencies=[operator])
def result(request: Request, key: str) -> Response:
    """Tell what has become of it so far; whoever else asks, and asks later than it is kept, is told where else to look."""
    outcome = bulk.find(key, bulk.actor_of(request))
    return page(request, "bulk_result.html", 404 if outcome is None else 200, outcome=outcome, shown=SHOWN)
