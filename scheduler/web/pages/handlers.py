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
    "inventory_sync": ("가게의 재고 수량을 바꿉니다. 되돌리기: erp-scheduler stock undo --last",
                       "changes the stock quantities at the shops; to undo: erp-scheduler stock undo --last"),
    "price_update": ("가게의 판매가를 바꿉니다. 되돌리기: erp-scheduler stock undo --last --kind price",
                     "changes the prices at the shops; to undo: erp-scheduler stock undo --last --kind price"),
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


def _effect(job_type: str) -> tuple[bool, str] | None:
    """Say what a type does at the markets: whether it changes anything, and what; None when it is not one of ours."""
    if job_type in CHANGES:
        return True, say(*CHANGES[job_type])
    if job_type in READS:
        return False, say("마켓에서 읽기만 합니다", "only reads at the markets")
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
    if not isinstance(each, dict):
        return "?"
    if "anyOf" in each:
        return " | ".join(_kind(one) for one in each["anyOf"])
    if "enum" in each:
        return " | ".join(_json(one) for one in each["enum"])
    kind = str(each.get("type", each.get("$ref", "?")))
    signs = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"), ("maxLength", "len ≤"))
    bounds = [f"{sign} {each[name]}" for name, sign in signs if name in each]
    return " ".join([f"{kind}[{_kind(each['items'])}]" if "items" in each else kind, *bounds])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
