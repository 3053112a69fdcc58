"""`/api/v1/openapi.json`: the API as programs read it, made from the routes themselves."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request

from scheduler import __version__
from scheduler.web.answers import Answer
from scheduler.web.api.compat_recipe import MISSING
from scheduler.web.api_korean import add_korean
from scheduler.web.api_shapes import (
    DESCRIPTION,
    EXECUTIONS,
    IF_MATCH,
    ONCE,
    PROBLEMS,
    SCHEMAS,
    SECURITY,
    TAGS,
    compat_reads,
)
from scheduler.web.idempotency import OnceRoute
from scheduler.web.problems import MEDIA
from scheduler.web.rights import Role, anyone, api_routes, role_of

router = APIRouter(tags=["status"])
CHANGES = ("post", "put", "patch", "delete")
METHODS = ("get", *CHANGES)


@router.get("/api/v1/openapi.json", dependencies=[anyone])
def openapi(request: Request) -> Answer:
    """Return this document: OpenAPI 3.1."""
    return Answer(document_of(request.app))


def document_of(app: FastAPI) -> dict[str, Any]:
    """Return the document of *app*, made once."""
    found: dict[str, Any] | None = getattr(app.state, "openapi_document", None)
    if found is None:
        found = app.state.openapi_document = _document(app)
    return found


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title="erp-scheduler", version=__version__, openapi_version="3.1.0", description=DESCRIPTION,
                       routes=app.routes,
                       tags=[{"name": name, "description": en, "x-description-ko": ko} for name, ko, en in TAGS])
    components = made.setdefault("components", {})
    schemas = {name: each for name, each in components.get("schemas", {}).items() if "ValidationError" not in name}
    components["schemas"] = dict(sorted({**schemas, **SCHEMAS}.items()))
    components["securitySchemes"] = SECURITY
    components["responses"] = {f"Problem{status}": _problem(words) for status, words in PROBLEMS.items()}
    reads = compat_reads({"422": _link(422)}, MISSING[404])
    for path, each in reads.items():
        made["paths"].setdefault(path, {}).update(each)
    routes = {(method.lower(), route.path_format): route for route in api_routes(app.routes) for method in route.methods or ()}
    for path, operations in made["paths"].items():
        for method in METHODS:
            if method in operations:
                route = routes.get((method, path))
                role = Role.VIEWER if route is None or (path in reads and method == "get") else role_of(route)
                _complete(operations[method], method, path, role, isinstance(route, OnceRoute))
    made["paths"] = dict(sorted(made["paths"].items()))
    return made


def _problem(words: str) -> dict[str, Any]:
    return {"description": words, "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _link(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/Problem{status}"}


def _complete(operation: dict[str, Any], method: str, path: str, role: Role | None, is_once: bool) -> None:
    """Add what the routes do not say themselves: a stable name, who may, and each way to be refused."""
    operation["operationId"] = operation_id(method, path)
    operation["security"] = [] if role is None else [{"bearer": []}, {"cookie": []}]
    operation["x-role"] = "anyone" if role is None else role.name.lower()
    if is_once and method == "post":
        operation.setdefault("parameters", []).append(ONCE)
    if "If-Match" in operation.get("description", "") and method in CHANGES:
        operation.setdefault("parameters", []).append(IF_MATCH)
    operation["description"] = operation.get("description", "").replace("``", "`")
    responses = operation["responses"]
    for each in responses.values():
        if each.get("description") == "Successful Response":
            each["description"] = "OK"
    _shape(operation)
    for status in _refusals(operation, method, path, role):
        known = responses.get(str(status))
        if known is None or (status == 422 and "HTTPValidationError" in str(known)):
            responses[str(status)] = _link(status)
    operation["responses"] = dict(sorted(responses.items()))
    add_korean(operation)


def operation_id(method: str, path: str) -> str:
    """Return a name that stays as long as the path does: ``post_jobs_job_id_run``."""
    short = path.removeprefix("/api/v1").replace(":", "_")
    return f"{method}_{re.sub(r'[^a-z0-9]+', '_', short.lower()).strip('_')}"


def _refusals(operation: dict[str, Any], method: str, path: str, role: Role | None) -> list[int]:
    names = {each["name"].lower() for each in operation.get("parameters", [])}
    has_body = "requestBody" in operation
    found = [503] if path != "/healthz" else []
    found += [] if role is None else [401]
    found += [403] if role is not None and (method in CHANGES or role > Role.VIEWER or path.endswith("/{name}")) else []
    found += [404] if "{" in path or has_body or names & {"calendar", "name"} else []
    found += [409] if method in CHANGES else []
    found += [422] if names or has_body else []
    found += [400] if has_body or names & {"cursor", "idempotency-key"} else []
    found += [413] if has_body else []
    found += [412] if "if-match" in names else []
    return found + ([428] if "eeds If-Match" in operation.get("description", "") and method in CHANGES else [])


def _shape(operation: dict[str, Any]) -> None:
    """Give the good answers a shape where the route leaves it open."""
    is_page = any(each["name"] == "cursor" for each in operation.get("parameters", []))
    named = "Page" if is_page else "Execution" if operation["operationId"] in EXECUTIONS else None
    for status, each in operation["responses"].items():
        if "application/yaml" in each.get("content", {}):
            each["content"]["application/yaml"]["schema"] = {"type": "object"}
        content = each.get("content", {}).get("application/json") if status.startswith("2") else None
        if content is not None and not content.get("schema"):
            content["schema"] = {"$ref": f"#/components/schemas/{named}"} if named else {"type": "object"}
