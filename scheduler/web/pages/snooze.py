"""`/scheduler/snooze/…`: hide the trouble of a job for a while, at the press of a button, and show it again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from scheduler.web import aside_deeds
from scheduler.web.inputs import Id, refused
from scheduler.web.pages.overview import local
from scheduler.web.place import place_of
from scheduler.web.rights import operator
from scheduler.words import say

router = APIRouter(include_in_schema=False)
SEOUL = ZoneInfo("Asia/Seoul")
MORNING = time(9)
Back = Annotated[str, Form()]


@router.post("/scheduler/snooze/{job_id}", dependencies=[operator])
def snooze(
    request: Request, job_id: Id, length: Annotated[str, Form(alias="for")] = "", reason: Annotated[str, Form()] = "",
    back: Back = "/scheduler",
) -> Response:
    """Hide the trouble of a job for an hour, until tomorrow morning in Korea, or until it succeeds again."""
    if length not in ("1h", "tomorrow", "fixed"):
        raise refused("for", say("1h, tomorrow, fixed 중 하나입니다", "it is 1h, tomorrow or fixed"), "body")
    with place_of(request).changing(request) as connection:
        aside_deeds.snooze(
            connection, request, job_id, until=tomorrow(datetime.now(UTC)) if length == "tomorrow" else None,
            length=timedelta(hours=1) if length == "1h" else None, reason=reason or None)
    return RedirectResponse(local(back), 303)


@router.post("/scheduler/snooze/{job_id}/end", dependencies=[operator])
def unsnooze(request: Request, job_id: Id, back: Back = "/scheduler") -> Response:
    """Show the trouble of a job again."""
    with place_of(request).changing(request) as connection:
        aside_deeds.unsnooze(connection, request, job_id)
    return RedirectResponse(local(back), 303)


def tomorrow(now: datetime) -> datetime:
    """Return nine o'clock of the next Korean day."""
    return datetime.combine(now.astimezone(SEOUL).date() + timedelta(days=1), MORNING, SEOUL)
