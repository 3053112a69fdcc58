"""`/api/v1/jobs/validate`, `import` and `export`: try a job out, and all jobs as a document that can be reviewed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from scheduler.errors import NotFound
from scheduler.queries import rest_jobs
from scheduler.queries.config import Present, apply, exported, read_present, take_turn
from scheduler.queries.config_import import checked_text, planned
from scheduler.queries.forecast import upcoming
from scheduler.queries.rows import Row
from scheduler.rules.config_check import Checked
from scheduler.rules.config_plan import Change
from scheduler.rules.config_reading import Fault
from scheduler.rules.config_writing import as_json_text, as_yaml
from scheduler.secrets import MASK, Redactor
from scheduler.web import job_deeds
from scheduler.web.answers import Answer, as_text
from scheduler.web.api.job_actions import coming
from scheduler.web.audit import note
from scheduler.web.config_masks import masked
from scheduler.web.idempotency import OnceRoute
from scheduler.web.inputs import Short, refused
from scheduler.web.job_view import one
from scheduler.web.models import JobNew
from scheduler.web.place import place_of
from scheduler.web.problems import Problem, Refused
from scheduler.web.rights import admin, operator, viewer
from scheduler.words import say

router = APIRouter(route_class=OnceRoute, tags=["jobs"])
SHOWN_NEXT = 5
EXAMPLE = """version: 1
jobs:
  - name: 쿠팡 주문
    type: order_collection
    schedule: {every: 30m}
"""
DOCUMENT = {"requestBody": {"required": True, "content": {
    "application/yaml": {"schema": {"type": "string"}, "example": EXAMPLE},
    "application/json": {"schema": {"type": "object"}},
}}}


@router.post("/api/v1/jobs/validate", dependencies=[operator])
def validate_job(request: Request, job: JobNew) -> Answer:
    """Try to make a job and keep nothing of it: what is wrong, or its schedule in words and its next times."""
    with place_of(request).changing(request) as connection, connection.transaction(force_rollback=True):
        number = job_deeds.add(connection, request, job)
        found, listed = one(connection, number), upcoming(connection, number, SHOWN_NEXT)
    times = [{name: value for name, value in coming(each).items() if name != "job_id"} for each in listed]
    return Answer({"valid": True, "schedule": found["schedule"], "next": times})


async def _text(request: Request) -> str:
    """Return the body. Raises Refused (400) unless it is UTF-8."""
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        words = say("본문이 UTF-8 글자가 아닙니다", "the body is not UTF-8 text")
        raise Refused(Problem(400, "malformed", words)) from None


@router.post("/api/v1/jobs/import", dependencies=[admin], openapi_extra=DOCUMENT)
def import_jobs(
    request: Request, text: Annotated[str, Depends(_text)],
    dry_run: Annotated[bool, Query(description="바꿀 것만 보여줍니다 / Only show what would change")] = False,
    prune: Annotated[bool, Query(description="문서에 없는 작업을 지웁니다 / Remove the jobs that it does not name")] = False,
    expect: Annotated[int | None, Query(ge=0, le=10**6, description="바꿀 것의 수, 다르면 409 / How many, else 409")] = None,
) -> Answer:
    """Make and change jobs as a YAML or JSON document says, all or nothing; jobs that are so already are not touched."""
    with place_of(request).changing(request) as connection:
        take_turn(connection)
        present = read_present(connection)
        checked = _checked(text, present)
        changes, unnamed = planned(checked, present, prune=prune)
        if expect is not None and expect != len(changes):
            words = say(f"지금은 {len(changes)}가지입니다 (예상 {expect}가지). 아무것도 하지 않았습니다",
                        f"there are {len(changes)} changes now, not {expect}; nothing was done")
            raise Refused(Problem(409, "conflict", words))
        if changes and not dry_run:
            _carry_out(connection, request, changes, checked)
    mask = Redactor()
    return Answer({"dry_run": dry_run, "changes": [mask.value(each.as_document()) for each in changes], "unnamed": unnamed})


def _checked(text: str, present: Present) -> Checked:
    """Read the document. Raises Refused (422) with all its faults."""
    checked = checked_text(text, present)
    for name, entry in checked.config.jobs.items():
        if _has_mask(entry.get("parameters")):
            checked.job_fault(name, "parameters", "***는 가려진 비밀입니다. secret://env/이름으로 쓰세요",
                              "*** is a masked secret; write secret://env/NAME")
    try:
        as_text(checked.written.value).encode()
    except UnicodeEncodeError:
        checked.fault((), "반쪽 글자(surrogate)가 있습니다", "there is half a character (a surrogate) in it")
    if checked.faults:
        words = say(f"문서에 잘못이 {len(checked.faults)}개 있습니다", f"the document has {len(checked.faults)} faults")
        raise Refused(Problem(422, "invalid", words, errors=tuple(map(_fault, checked.faults[:200]))))
    return checked


def _has_mask(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == MASK or any(map(_has_mask, inner))


def _fault(fault: Fault) -> Row:
    place = fault.place.replace("~", "~0").replace("/", "~1").replace(".", "/")
    return {"pointer": f"/{place}" if place else "", "in": "body", "code": "config", "line": fault.line or None,
            "message": fault.message}


def _carry_out(connection: psycopg.Connection[Any], request: Request, changes: list[Change], checked: Checked) -> None:
    apply(connection, changes, checked.config)
    for each in changes:
        after = {name: new for name, _, new in each.fields}
        before = {name: old for name, old, _ in each.fields}
        kind = each.kind.removesuffix("s")
        note(connection, request, f"{kind}.import", f"{kind}:{each.name}", each.name, before, {"action": each.action, **after})


@router.get("/api/v1/jobs/export", dependencies=[viewer], response_class=Response, responses={200: {"content": {
    "application/yaml": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}}}})
def export_jobs(
    request: Request, format: Literal["yaml", "json"] = "yaml",
    name: Annotated[list[Short] | None, Query(max_length=100, description="이 작업만 (여러 번 가능) / Only these")] = None,
) -> Response:
    """Write jobs, calendars and overlays as a document that import reads again; plain secrets are masked in it."""
    with place_of(request).reading() as connection:
        names = None if name is None else _names(connection, name)
        config = exported(read_present(connection), names)
    text = (as_yaml if format == "yaml" else as_json_text)(masked(config))
    return Response(text, media_type=f"application/{format}")


def _names(connection: psycopg.Connection[Any], names: list[str]) -> list[str]:
    """Return the names as they are stored. Raises Refused (422) for one that is not there."""
    try:
        return [each["name"] for each in rest_jobs.in_order(
            connection, [rest_jobs.find(connection, f"name:{each}") for each in names])]
    except NotFound as error:
        raise refused("name", str(error)) from None
