"""`/api/v1/audit`: who did what through the web and REST; operators see who and what, administrators the values, too."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from scheduler.queries.web_audit import audit_log
from scheduler.web.answers import Answer
from scheduler.web.audit import as_seen_by
from scheduler.web.inputs import Short, moment_of
from scheduler.web.paging import PageAsked, page_of
from scheduler.web.place import place_of
from scheduler.web.rights import operator

router = APIRouter(tags=["accounts"])


@router.get("/api/v1/audit", dependencies=[operator])
def list_audit(
    request: Request, asked: PageAsked, actor: Annotated[Short | None, Query()] = None,
    action: Annotated[Short | None, Query(description="job.pause, 또는 job이면 모두 / or job for all of them",
                                          examples=["job.pause"])] = None,
    object_: Annotated[Short | None, Query(alias="object", examples=["job:17"])] = None,
    since: Annotated[Short | None, Query(description="24h 또는 시각 / 24h or a moment", examples=["24h"])] = None,
) -> Answer:
    """List what was done, the latest first; secrets are masked. ``total`` is never counted.

    Values, addresses and trace ids are null for anybody but an admin.
    """
    after = asked.after("audit", (int,))
    with place_of(request).reading() as connection:
        found = audit_log(
            connection, actor=actor, action=action, object_=object_, before=None if after is None else after[0],
            since=None if since is None else moment_of(since, "since"), limit=asked.limit)
    found = [as_seen_by(request.state.person, each) for each in found]
    return page_of(request, asked, found, "audit", lambda each: (each["id"],))
