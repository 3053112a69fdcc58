"""`/scheduler/events`: hints of what has changed, one stream a tab, at most one message a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter()
PAUSE_SECONDS = 1.0
RETRY_MILLISECONDS = 3000


@router.get("/scheduler/events", dependencies=[viewer], response_class=EventSourceResponse, include_in_schema=False)
async def events(request: Request) -> AsyncIterator[ServerSentEvent]:
    """Send ``hints`` events: names such as ``status executions job-17 execution-9042``."""
    async with place_of(request).hub.page() as page:
        yield ServerSentEvent(event="hello", data="resync" if "last-event-id" in request.headers else "hello",
                              retry=RETRY_MILLISECONDS)
        number = 0
        while True:
            hints = await page.next()
            number += 1
            yield ServerSentEvent(event="hints", data=hints, id=str(number))
            await asyncio.sleep(PAUSE_SECONDS)
