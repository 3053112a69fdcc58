"""`/scheduler/card`: the state in a frame of its own, for pages elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.queries import web_overview
from scheduler.web.pages.overview import ended_lately
from scheduler.web.place import place_of
from scheduler.web.pulse import pulse_of
from scheduler.web.render import page
from scheduler.web.rights import viewer

router = APIRouter(include_in_schema=False)


@router.get("/scheduler/card", dependencies=[viewer])
def card(request: Request) -> Response:
    """Show the state, six numbers and the next run; it refreshes itself every 30 seconds."""
    with place_of(request).reading() as connection:
        state = web_overview.status(connection)
        ended = ended_lately.ask(request, lambda: web_overview.ended_in_a_day(connection))
    return page(request, "card.html", state=state, ended=ended, pulse=pulse_of(state))
