"""`GET /api/v1/status`: the whole at a glance."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from scheduler.queries import health
from scheduler.queries.rows import row
from scheduler.web.place import place_of
from scheduler.web.rights import anyone, viewer

router = APIRouter()
STATUS = "SELECT * FROM schedule_status()"


@router.get("/api/v1/status", dependencies=[viewer], tags=["status"])
def status(request: Request) -> dict[str, Any]:
    """Return what ``SELECT * FROM schedule_status()`` says."""
    with place_of(request).reading() as connection:
        return row(connection, STATUS) or {}


@router.get("/healthz", dependencies=[anyone], tags=["status"])
def alive() -> dict[str, str]:
    """Say that the web process lives."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=[anyone], tags=["status"])
def ready(request: Request) -> JSONResponse:
    """Say whether the database can be reached; 503 when it cannot."""
    with place_of(request).reading() as connection:
        health.server(connection)
    return JSONResponse({"status": "ok"})
