"""`/api/v1/events`: hints of what has changed, for programs."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse

from scheduler.web.inputs import Responses
from scheduler.web.pages.live import events
from scheduler.web.rights import viewer

router = APIRouter(tags=["status"])
STREAM: Responses = {200: {"description": "An endless stream", "content": {"text/event-stream": {
    "schema": {"type": "string"}, "example": 'event: hints\nid: 1\ndata: ["executions","job-17","status"]\n\n'}}}}

router.add_api_route("/api/v1/events", events, methods=["GET"], dependencies=[viewer], response_class=EventSourceResponse,
                     responses=STREAM, name="events", description=(
    "Send ``hints`` at most once a second: status, jobs, executions, locks, nodes, calendar, job-17, execution-9042; "
    "``resync`` says to read everything anew."))
