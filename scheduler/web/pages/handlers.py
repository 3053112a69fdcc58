"""`/scheduler/handlers`: the job types, what parameters each takes, which jobs use it, what it does at the markets."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from scheduler.queries.handlers import list_handlers
from scheduler.queries.rows import Row, rows
from scheduler.web.place import place_of
from scheduler.web.render import page
from scheduler.web.rights import viewer
from scheduler.words import say

router = APIRouter(include_in_schema=False)
USES = """
SELECT job_type, count(*)::int AS jobs,
       (array_agg(id ORDER BY name))[:20] AS ids, (array_agg(name ORDER BY name))[:20] AS names
  FROM schedule_jobs
 WHERE NOT hidden
 GROUP BY job_type
"""

# Of the built-in types: whether they only read at the markets, or change something there.
READS = ("order_collection", "product_collection")
CHANGES = {
    "inventory_sync": ("가게의 재고 수량을 바꿉니다", "changes the stock quantities at the shops",
                       "erp-scheduler stock undo --last"),
    "price_update": ("가게의 판매가를 바꿉니다", "changes the prices at the shops",
                     "erp-scheduler stock undo --last --kind price"),
}


KINDS = {
    "integer": ("정수", "whole number"), "number": ("수", "number"), "string": ("글", "text"),
    "boolean": ("예/아니요", "yes or no"),
    "array": ("목록", "list"), "object": ("이름과 값의 모음", "names with values"), "null": ("비움", "nothing"),
}
FORMATS = {
    "date": ("날짜", "day"), "date-time": ("날짜와 시각", "day and time"), "time": ("시각", "time of day"),
    "duration": ("길이(시간)", "length of time"), "uri": ("주소", "address"), "uuid": ("UUID", "UUID"),
}
BOUNDS = {
    "minimum": ("{} 이상", "{} or more"), "exclusiveMinimum": ("{} 초과", "more than {}"),
    "maximum": ("{} 이하", "{} or less"), "exclusiveMaximum": ("{} 미만", "less than {}"),
    "minLength": ("{}자 이상", "{} characters or more"), "maxLength": ("{}자까지", "at most {} characters"),
    "minItems": ("{}개 이상", "{} of them or more"), "maxItems": ("{}개까지", "at most {} of them"),
}


@router.get("/scheduler/handlers", dependencies=[viewer])
def handlers(request: Request) -> Response:
    """Show the job types."""
    with place_of(request).reading() as connection:
        known = list_handlers(connection)
        uses = {each["job_type"]: each for each in rows(connection, USES)}
    unknown = sorted(set(uses) - {each["job_type"] for each in known})
    return page(request, "handlers.html", handlers=[_shown(each, uses) for each in known],
                unknown=[uses[each] for each in unknown])


def _shown(each: Row, uses: dict[str, Row]) -> Row:
    used = uses.get(each["job_type"], {"jobs": 0, "ids": [], "names": []})
    return {**each, "used": used["jobs"], "users": list(zip(used["ids"], used["names"], strict=True)),
            "fields": fields_of(each["params_schema"]), "effect": _effect(each["job_type"]),
            "schema": json.dumps(each["params_schema"], ensure_ascii=False, indent=2)}


def _effect(job_type: str) -> tuple[bool, str, str] | None:
    """Say what a type does at the markets: whether it changes anything, what, and how to undo that; None if not ours."""
    if job_type in CHANGES:
        korean, english, command = CHANGES[job_type]
        return True, say(korean, english), command
    if job_type in READS:
        return False, say("마켓에서 읽기만 합니다", "only reads at the markets"), ""
    return None


def fields_of(schema: Any) -> list[Row]:
    """Return the parameters of a JSON Schema as rows: name, kind, default, meaning, examples."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return []
    required = schema.get("required") or []
    return [{"name": name, "kind": _kind(each), "required": name in required,
             "default": _json(each["default"]) if "default" in each else "–",
             "meaning": str(each.get("description", "")), "examples": ", ".join(_json(one) for one in each.get("examples", []))}
            for name, each in schema["properties"].items() if isinstance(each, dict)]


def _kind(each: Any) -> str:
    """Say in words what a parameter takes, with its bounds."""
    if not isinstance(each, dict):
        return "?"
    if "anyOf" in each:
        return say(" 또는 ", " or ").join(dict.fromkeys(_kind(one) for one in each["anyOf"]))
    if "enum" in each:
        return ", ".join(_json(one) for one in each["enum"]) + say(" 중 하나", "" if len(each["enum"]) < 2 else " (one of these)")
    if "const" in each:
        return _json(each["const"])
    bounds = [say(korean, english).format(_shown_bound(each[name])) for name, (korean, english) in BOUNDS.items() if name in each]
    return ", ".join([_plain_kind(each), *bounds])


def _plain_kind(each: Row) -> str:
    kinds = each.get("type", "object" if "$ref" in each or "properties" in each else None)
    told = [FORMATS.get(each.get("format", ""), KINDS.get(kind, (str(kind), str(kind))))
            for kind in (kinds if isinstance(kinds, list) else [kinds])] if kinds else [("아무 값", "any value")]
    words = say(" 또는 ", " or ").join(say(*both) for both in told)
    return f"{words} ({_kind(each['items'])})" if "items" in each else words


def _shown_bound(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
