"""`/scheduler/api`: the reference of the REST API, made from its own document; nothing is fetched from elsewhere."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.web.api.openapi import METHODS, document_of
from scheduler.web.api_shapes import TAGS
from scheduler.web.render import page
from scheduler.web.rights import viewer
from scheduler.words import language, say

router = APIRouter(include_in_schema=False)
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}
HANGUL = re.compile(r"[가-힣]")
ROLES = {"anyone": ("누구나", "anybody"),
         "viewer": ("보기", "viewer"), "operator": ("운영", "operator"), "admin": ("관리", "admin")}


@router.get("/scheduler/api", dependencies=[viewer])
def reference(request: Request) -> Response:
    """Show every operation: what it takes, who may, what it answers."""
    document = document_of(request.app)
    return page(request, "api_reference.html", groups=groups(document), base=str(request.base_url).rstrip("/"))


def groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the operations under their tags, in the order of the tags."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                shown = _operation(document, method, path, operation)
                found.setdefault((operation.get("tags") or ["status"])[0], []).append(shown)
    titles = {name: say(ko, en) for name, ko, en in TAGS}
    order = [*titles, *sorted(set(found) - set(titles))]
    return [{"tag": tag, "title": titles.get(tag, tag), "operations": found[tag]} for tag in order if tag in found]


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    responses = {code: _resolved(document, each) for code, each in operation["responses"].items()}
    body = _body(document, operation)
    words = operation["x-description-ko"] if language() == "ko" else operation["description"]
    return {
        "id": operation["operationId"], "method": method.upper(), "path": path,
        "words": [one_language(line) for line in words.split("\n\n")[1:]],
        "summary": one_language(words.split("\n\n")[0]),
        "role": say(*ROLES[operation["x-role"]]), "parameters": [_parameter(each) for each in operation.get("parameters", [])],
        "body": body, "responses": [(code, one_language(each.get("description", ""))) for code, each in responses.items()],
        "example": _example(document, responses),
    }


def _parameter(each: dict[str, Any]) -> dict[str, Any]:
    schema = each.get("schema", {})
    return {"name": each["name"], "place": each["in"], "required": each.get("required", False), "kind": _kind(schema),
            "words": one_language(each.get("description", "")), "default": schema.get("default")}


def _kind(schema: dict[str, Any]) -> str:
    """Say in a few signs what a value is: ``integer ≥ 1``, ``"a" | "b"``."""
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    first = options[0] if options else {}
    if "const" in first:
        return json.dumps(first["const"])
    if "enum" in first:
        return " | ".join(map(str, first["enum"]))
    name = str(first.get("format") or first.get("type", ""))
    if name == "array":
        return f"{_kind(first.get('items', {}))} …"
    limits = [f"{sign} {first[key]}" for key, sign in LIMITS.items() if key in first]
    return " ".join([name, *limits])


def _body(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return None
    media, given = next(iter(content.items()))
    schema = given.get("schema", {})
    schema = next((each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"), schema)
    schema = _resolved(document, schema)
    fields = [{"name": name, "required": name in schema.get("required", []), "kind": _kind(each) or "object",
               "words": one_language(each.get("description", "")), "default": each.get("default"),
               "example": _text(each["examples"][0]) if each.get("examples") else None}
              for name, each in schema.get("properties", {}).items()]
    return {"media": media, "fields": fields, "example": _text(given["example"]) if "example" in given else None}


def _example(document: dict[str, Any], responses: dict[str, dict[str, Any]]) -> str | None:
    for code, each in responses.items():
        for content in each.get("content", {}).values() if code.startswith("2") else ():
            schema = _resolved(document, content.get("schema", {}))
            found = content.get("example", (schema.get("examples") or [None])[0])
            if found is not None:
                return found if isinstance(found, str) else _text(found)
    return None


def _resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components."""
    reference = value.get("$ref")
    if reference is None:
        return value
    found: Any = document
    for part in str(reference).removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def one_language(text: str) -> str:
    """Return the half of ``한국어 / English`` that is read here; a text in one language stays."""
    korean, slash, english = text.partition(" / ")
    return (say(korean, english) if slash and HANGUL.search(korean) else text).replace("`", "")
