"""`/api/v1/overlays`: for a while jobs come more often or not at all, and it ends by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field, model_validator
from starlette.requests import Request

from scheduler.queries import overlays as queries
from scheduler.queries.rows import Row, row
from scheduler.web.answers import Answer
from scheduler.web.audit import note
from scheduler.web.inputs import MOST_NAMES, NO_NUL, Body, Long, Moment, Short
from scheduler.web.place import place_of
from scheduler.web.rights import admin, viewer

router = APIRouter(tags=["calendar"])
Name = Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL, description="이름 또는 번호 / Name or number",
                           examples=["블랙프라이데이"])]
COLUMNS = "id, name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason, enabled"
SET = f"""
INSERT INTO schedule_overlays (name, starts_at, ends_at, action, factor, job_types, market_codes, tags, reason, enabled)
VALUES (%(name)s, %(starts_at)s, %(ends_at)s, %(action)s, %(factor)s, %(job_types)s, %(market_codes)s, %(tags)s, %(reason)s,
        %(enabled)s)
    ON CONFLICT (name) DO UPDATE
   SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, action = excluded.action, factor = excluded.factor,
       job_types = excluded.job_types, market_codes = excluded.market_codes, tags = excluded.tags, reason = excluded.reason,
       enabled = excluded.enabled
RETURNING {COLUMNS}
"""
NAMED = f"SELECT {COLUMNS} FROM schedule_overlays WHERE name = %(name)s"
Names = Annotated[list[Short], Field(max_length=MOST_NAMES)]


class Overlay(Body):
    """An overlay as it is to be; empty lists concern all jobs."""

    starts_at: Moment
    ends_at: Moment = Field(description="이 시각은 포함하지 않음 / Not included")
    action: Literal["multiply", "stop"]
    factor: float | None = Field(default=None, ge=0.01, le=100, description="multiply: 몇 배 자주 / how many times as often")
    job_types: Names = Field(default_factory=list)
    market_codes: Names = Field(default_factory=list)
    tags: Names = Field(default_factory=list)
    reason: Long | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _is_whole(self) -> Overlay:
        if (self.action == "multiply") is not (self.factor is not None):
            raise ValueError("multiply has a factor, stop has none")
        if self.starts_at >= self.ends_at:
            raise ValueError("starts_at comes before ends_at")
        return self


@router.get("/api/v1/overlays", dependencies=[viewer])
def list_overlays(request: Request) -> Answer:
    """List the overlays: those that go on or come first."""
    with place_of(request).reading() as connection:
        return Answer({"items": queries.list_overlays(connection)})


@router.get("/api/v1/overlays/{name}", dependencies=[viewer])
def get_overlay(request: Request, name: Name) -> Answer:
    """Return one overlay with what it does: the runs of each job in its period, without and with it."""
    with place_of(request).reading() as connection:
        found = queries.find_overlay(connection, name)
        return Answer({**found, "jobs": queries.preview(connection, found)})


@router.put("/api/v1/overlays/{name}", dependencies=[admin])
def put_overlay(request: Request, name: Name, wanted: Overlay) -> Answer:
    """Make an overlay, or set the one of that name."""
    with place_of(request).changing(request) as connection:
        before = row(connection, NAMED, {"name": name})
        made = row(connection, SET, {"name": name, **wanted.model_dump()})
        note(connection, request, "overlay.set", f"overlay:{name}", name, _plain(before), wanted.model_dump(mode="json"))
    return Answer(made)


@router.delete("/api/v1/overlays/{name}", dependencies=[admin], status_code=204)
def delete_overlay(request: Request, name: Name) -> None:
    """Remove an overlay; the jobs go on as their own rows say."""
    with place_of(request).changing(request) as connection:
        found = queries.find_overlay(connection, name)
        queries.remove_overlay(connection, found["id"])
        note(connection, request, "overlay.delete", f"overlay:{found['name']}", found["name"], _plain(found))


def _plain(found: Row | None) -> Row | None:
    if found is None:
        return None
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in found.items()}
