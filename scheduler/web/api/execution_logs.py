"""`/api/v1/executions/{id}/logs`: the lines of an execution, as they are written if one likes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from scheduler.database.connection import is_outage
from scheduler.model import ENDED
from scheduler.queries.executions import execution, logs
from scheduler.queries.rest_executions import state
from scheduler.queries.rows import Row
from scheduler.web.answers import as_text
from scheduler.web.inputs import Id, Responses
from scheduler.web.people import find_person
from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter(tags=["executions"])
LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
LOOK_SECONDS = 1.0
LONGEST_SECONDS = 1800.0
RIGHTS_SECONDS = 30.0
"""After this who listens is looked up anew: a token that was revoked, or a person who is shut out, hears no more."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
MOST = 1000
# Neither a proxy nor our own compressor may keep a line back until there are more.
AT_ONCE = {"X-Accel-Buffering": "no", "Content-Encoding": "identity"}
STREAM: Responses = {200: {"description": "One line each", "content": {
    LINES: {"schema": {"type": "string"}, "example": '{"execution_id":7,"line":0,"level":"INFO","message":"…"}\n'},
    EVENTS: {"schema": {"type": "string"}, "example": 'id: 0\nevent: line\ndata: {"line":0}\n\n'},
}}}


@router.get("/api/v1/executions/{execution_id}/logs", dependencies=[viewer], response_class=Response, responses=STREAM)
async def get_logs(
    request: Request, execution_id: Id,
    after: Annotated[int, Query(ge=-1, le=2**31 - 1, description="이 줄 뒤부터 / Only lines after this one")] = -1,
    tail: Annotated[int, Query(ge=1, le=MOST, description="마지막 몇 줄 / The last lines only")] = MOST,
    level: Annotated[Level, Query(description="이 레벨부터 / From this level on")] = "DEBUG",
    follow: Annotated[bool, Query(description="끝날 때까지 계속 / Go on until it ends")] = False,
) -> Response:
    """Return the lines as NDJSON, or as events when ``Accept`` has ``text/event-stream``.

    With follow, lines come as they are written; the last event is ``end`` with the status. A stream ends after half an hour:
    go on with ``after`` (events: the browser does so by itself). It also ends when the service stops, and within a minute of
    the end of the token or session that asked for it.
    """
    levels = None if level == "DEBUG" else [*LEVELS[LEVELS.index(level):], "CRITICAL"]
    is_events = EVENTS in request.headers.get("accept", "")
    last = request.headers.get("last-event-id", "")
    if is_events and last.isascii() and last.isdigit() and len(last) < 10:
        after = int(last)
    await run_in_threadpool(_check, request, execution_id)
    if not follow and not is_events:
        found = await run_in_threadpool(_read, request, execution_id, after, tail, levels)
        return Response("".join(map(_as_line, found)), media_type=LINES)
    listener = Listener(request, execution_id, after, tail, levels, time.monotonic() + RIGHTS_SECONDS)
    lines = _follow(listener, _as_event if is_events else _as_line)
    return StreamingResponse(lines, media_type=EVENTS if is_events else LINES, headers=AT_ONCE)


@dataclass
class Listener:
    """Somebody who follows the lines of an execution.

    sure_until  when it has to be asked again whether they still may
    """

    request: Request
    number: int
    after: int
    tail: int
    levels: list[str] | None
    sure_until: float

    def look(self) -> tuple[str | None, list[Row]] | None:
        """Return the state of the execution and the lines that are new, None for somebody who may listen no longer."""
        if time.monotonic() > self.sure_until:
            if not self._may_still():
                return None
            self.sure_until = time.monotonic() + RIGHTS_SECONDS
        with place_of(self.request).reading() as connection:
            # The status first: lines are stored no later than the end they belong to.
            status = state(connection, self.number)
            lines = logs(connection, self.number, after=self.after, tail=self.tail, levels=self.levels)
        if lines:
            self.after, self.tail = lines[-1]["line"], MOST
        return status, lines

    def _may_still(self) -> bool:
        person = find_person(place_of(self.request), self.request)
        return person is not None and not person.recalled and person.actor == self.request.state.person.actor


async def _follow(listener: Listener, written: Callable[[Row], str]) -> AsyncIterator[str]:
    """Yield lines as they come. It ends early with PostgreSQL or the service; whoever listens comes back and goes on."""
    until = time.monotonic() + LONGEST_SECONDS
    async with place_of(listener.request).hub.page() as page:
        while not page.is_closed and time.monotonic() < until:
            found = await run_in_threadpool(_look, listener)
            if found is None:
                return
            status, lines = found
            for line in lines:
                yield written(line)
            if status in ENDED or status is None:
                if written is _as_event:
                    yield f"event: end\ndata: {as_text({'status': status})}\n\n"
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(page.next(), LOOK_SECONDS)


def _look(listener: Listener) -> tuple[str | None, list[Row]] | None:
    try:
        return listener.look()
    except Exception as error:
        if not is_outage(error):
            raise
        return None


def _as_line(line: Row) -> str:
    return as_text(line) + "\n"


def _as_event(line: Row) -> str:
    return f"id: {line['line']}\nevent: line\ndata: {as_text(line)}\n\n"


def _check(request: Request, number: int) -> None:
    with place_of(request).reading() as connection:
        execution(connection, number)


def _read(request: Request, number: int, after: int, tail: int, levels: list[str] | None) -> list[dict[str, Any]]:
    with place_of(request).reading() as connection:
        return logs(connection, number, after=after, tail=tail, levels=levels)
