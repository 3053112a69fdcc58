"""`/scheduler/events`: hints of what has changed, one stream a tab, at most one message a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter()
PAUSE_SECONDS = 1.0
RETRY_MILLISECONDS = 3000
LONGEST_SECONDS = 900.0
"""After this a stream ends, and the browser opens another: whoever has been logged out since gets none."""


@router.get("/scheduler/events", dependencies=[viewer], response_class=EventSourceResponse, include_in_schema=False)
async def events(request: Request) -> AsyncIterator[ServerSentEvent]:
    """Send ``hints`` events: names such as ``status executions job-17 execution-9042``."""
    async with place_of(request).hub.page() as page:
        yield ServerSentEvent(event="hello", data="resync" if "last-event-id" in request.headers else "hello",
                              retry=RETRY_MILLISECONDS)
        number, until = 0, time.monotonic() + LONGEST_SECONDS
        while (left := until - time.monotonic()) > 0:
            try:
                hints = await asyncio.wait_for(page.next(), left)
            except TimeoutError:
                return
            if hints:
                number += 1
                yield ServerSentEvent(event="hints", data=hints, id=str(number))
            # Who was only remembered while PostgreSQL was away has to be looked up again, now that it is back.
            if page.is_closed or (request.state.person.recalled and hints and "away" not in hints):
                return
            await asyncio.sleep(PAUSE_SECONDS)
