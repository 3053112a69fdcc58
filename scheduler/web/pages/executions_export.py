"""`/scheduler/executions-export`: the executions of a filter as CSV, newest first, sent while it is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from scheduler.queries import filtered_executions as queries
from scheduler.queries import ticked_executions
from scheduler.queries.rows import Row
from scheduler.secrets import Redactor
from scheduler.web.pages.executions import EXPORTED, meant_of, ticked
from scheduler.web.place import Place, place_of
from scheduler.web.render import SEOUL
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
AT_ONCE = 1000
SHORT_LOOKS = 6
"""So many looks that find less than they may: each reads a bounded part of the history, and all of it is never read."""
COLUMNS = ("id", "job_id", "job_name", "job_type", "status", "trigger", "attempt", "scheduled_for", "started_at", "finished_at",
           "duration_ms", "node", "market_codes", "error_class", "error_message", "skip_reason", "cancel_reason", "result")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
LONGEST_CELL = 32_000
BOM = "\ufeff"


@router.get("/scheduler/executions-export", dependencies=[viewer])
def export(request: Request, id: Annotated[list[str] | None, Query()] = None) -> Response:
    """Send what is ticked, else what the filter lets through, as a table for a spreadsheet; secrets are masked in it."""
    place, ids = place_of(request), ticked(id or [])
    with place.reading() as connection:
        wanted = meant_of(connection, request)
        ready = ticked_executions.listed(connection, ids) if ids else None
    found = iter([ready]) if ready is not None else _pages(place, wanted)
    name = f"executions-{datetime.now(UTC).astimezone(SEOUL):%Y%m%d-%H%M}.csv"
    return StreamingResponse(_lines(found), media_type="text/csv; charset=utf-8", headers={
        "Content-Disposition": f'attachment; filename="{name}"'})


class Ended(Exception):
    """The history has more than is sent."""


def _pages(place: Place, wanted: queries.Filter) -> Iterator[list[Row]]:
    """Yield the rows a page at a time; no connection is held while they are sent. Raises Ended when there are more."""
    before: int | None = None
    left, short = EXPORTED, 0
    while short < SHORT_LOOKS:
        with place.reading() as connection:
            listed = queries.list_page(connection, wanted, before, min(AT_ONCE, left))
        yield listed.rows
        left -= len(listed.rows)
        short += not listed.is_full
        before = listed.next
        if before is None:
            return
        if not left:
            raise Ended(say(f"최근 {EXPORTED:,}건까지만 내보냈습니다", f"only the newest {EXPORTED:,} are in here"))
    raise Ended(say("더 오래된 것은 보지 않았습니다. 조건을 좁히세요", "what is older was not looked at; narrow the filter"))


def _lines(pages: Iterable[list[Row]]) -> Iterator[str]:
    """Write the table; its last line says so when it is not the whole."""
    yield BOM + _line(COLUMNS)
    mask = Redactor()
    try:
        for page in pages:
            yield "".join(_line(_cell(each.get(name), name, mask) for name in COLUMNS) for each in page)
    except Ended as end:
        yield _line([f"… {end}"])


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _cell(value: Any, name: str, mask: Redactor) -> Any:
    """Return *value* as a spreadsheet may have it: no secret, and no text that it would take for a formula."""
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(SEOUL).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, list):
        value = ",".join(map(str, value))
    shown = mask.value(value, name)
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    text = text[:LONGEST_CELL]
    return "'" + text if text.startswith(FORMULA) else text
