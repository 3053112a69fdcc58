"""`/api/v1/handlers`: the job types and the parameters that each one takes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request

from scheduler.queries import handlers
from scheduler.web.answers import Answer
from scheduler.web.inputs import NO_NUL
from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter(tags=["handlers"])
Type = Annotated[str, Path(max_length=200, pattern=NO_NUL, examples=["order_collection"])]


@router.get("/api/v1/handlers", dependencies=[viewer])
def list_handlers(request: Request) -> Answer:
    """List the job types that daemons have announced; ``living`` says whether one knows it now."""
    with place_of(request).reading() as connection:
        return Answer({"items": handlers.list_handlers(connection)})


@router.get("/api/v1/handlers/{job_type}", dependencies=[viewer])
def get_handler(request: Request, job_type: Type) -> Answer:
    """Return one job type; ``params_schema`` is the JSON Schema of its parameters."""
    with place_of(request).reading() as connection:
        return Answer(handlers.handler(connection, job_type))
