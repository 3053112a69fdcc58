"""`/api/v1/workflows`: several steps as one thing, saved, run and deleted by their name."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from scheduler.errors import NotFound
from scheduler.queries import workflows
from scheduler.queries.rows import Row, row
from scheduler.secrets import Redactor
from scheduler.web.answers import Answer, as_text
from scheduler.web.audit import note
from scheduler.web.idempotency import OnceRoute
from scheduler.web.job_columns import plain
from scheduler.web.merge_patch import IfMatch, changed, demanded, etag, matches
from scheduler.web.models import Workflow
from scheduler.web.place import place_of
from scheduler.web.rights import admin, operator, viewer
from scheduler.words import say

router = APIRouter(route_class=OnceRoute, tags=["workflows"])
Connection = psycopg.Connection[Any]
Name = Annotated[str, Path(max_length=700, description="이름 / Its name, percent-encoded", examples=["아침 수집"])]
EDITED = ("steps", "schedule", "description", "status")
LOCK = "SELECT id FROM schedule_workflows WHERE name = %(name)s FOR UPDATE"


@router.get("/api/v1/workflows", dependencies=[viewer])
def list_workflows(request: Request) -> Answer:
    """List the workflows with what waits and runs of them."""
    with place_of(request).reading() as connection:
        found = workflows.list_workflows(connection)
    return Answer({"items": Redactor().value(plain_rows(found)), "next": None, "total": len(found)})


@router.get("/api/v1/workflows/{name}", dependencies=[viewer])
def get_workflow(request: Request, name: Name) -> Answer:
    """Return a workflow with the state of its steps; its ETag is what If-Match takes."""
    with place_of(request).reading() as connection:
        return _answer(connection, _found(connection, name))


@router.put("/api/v1/workflows/{name}", dependencies=[admin], responses={201: {"description": "만들었음 / Made"}})
def save_workflow(request: Request, name: Name, body: Workflow, if_match: IfMatch = None) -> Answer:
    """Save a workflow by its name; its jobs follow. One that is there already needs If-Match."""
    wanted = unicodedata.normalize("NFC", name)
    with place_of(request).changing(request) as connection:
        present = _find(connection, wanted) if row(connection, LOCK, {"name": wanted}) else None
        if present is not None and not matches(demanded(if_match), _tag(present)):
            raise changed(plain(_document(connection, present)), _tag(present))
        given = body.model_dump(exclude_none=True, exclude={"status"})
        saved = workflows.save(connection, {"name": wanted, **given})
        if body.status is not None:
            workflows.set_status(connection, saved["name"], body.status)
        before = None if present is None else plain({each: present[each] for each in EDITED})
        note(connection, request, "workflow.save", f"workflow:{saved['id']}", saved["name"], before,
             body.model_dump(exclude_none=True))
        return _answer(connection, _found(connection, saved["name"]), 201 if present is None else 200)


@router.delete("/api/v1/workflows/{name}", dependencies=[admin], status_code=204, response_class=Response)
def delete_workflow(request: Request, name: Name, if_match: IfMatch = None) -> Response:
    """Delete a workflow and its jobs; their history stays. Takes If-Match."""
    with place_of(request).changing(request) as connection:
        row(connection, LOCK, {"name": _found(connection, name)["name"]})
        found = _found(connection, name)
        if if_match is not None and not matches(if_match, _tag(found)):
            raise changed(plain(_document(connection, found)), _tag(found))
        workflows.remove(connection, found["name"])
        note(connection, request, "workflow.remove", f"workflow:{found['id']}", found["name"],
             plain({each: found[each] for each in EDITED}))
    return Response(status_code=204)


@router.post("/api/v1/workflows/{name}/run", dependencies=[operator], status_code=202)
def run_workflow(request: Request, name: Name) -> Answer:
    """Queue the first steps; the others follow as they end."""
    with place_of(request).changing(request) as connection:
        found = _found(connection, name)
        queued = plain_rows(workflows.run(connection, found["name"])[1])
        note(connection, request, "workflow.run", f"workflow:{found['id']}", found["name"], after={"executions": queued})
    return Answer({"workflow": found["name"], "executions": queued}, 202,
                  {"Location": f"/api/v1/executions/{queued[0]['execution_id']}"} if queued else None)


def plain_rows(found: list[Row]) -> list[Row]:
    """Return rows as JSON holds them."""
    return [plain(each) for each in found]


def _find(connection: Connection, name: str) -> Row | None:
    if "\0" in name:
        return None
    return row(connection, workflows.LIST, {"name": unicodedata.normalize("NFC", name)})


def _found(connection: Connection, name: str) -> Row:
    """Return the workflow of exactly that name. Raises NotFound."""
    found = _find(connection, name)
    if found is None:
        raise NotFound(say(f"워크플로우 '{name[:200]}'이(가) 없습니다", f"there is no workflow '{name[:200]}'")
                       + "\nGET /api/v1/workflows")
    return found


def _tag(found: Row) -> str:
    """Return what changes with every edit of a workflow."""
    return hashlib.sha256(as_text({each: found[each] for each in EDITED}).encode()).hexdigest()[:16]


def _document(connection: Connection, found: Row) -> Row:
    document: Row = Redactor().value(plain({**found, "jobs": plain_rows(workflows.steps_of(connection, found["name"]))}))
    return document


def _answer(connection: Connection, found: Row, status: int = 200) -> Answer:
    return Answer(_document(connection, found), status, {"ETag": etag(_tag(found))})
