"""`erp-scheduler handlers`: the job types that nodes have announced, and their parameters."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scheduler.cli.grammar import both, chosen, command, noun
from scheduler.cli.output import as_json, print_fields, print_json, print_table, show
from scheduler.cli.session import database
from scheduler.words import say

app = noun("handlers", "작업 유형과 매개변수를 봅니다", "See job types and their parameters")


@command(app, "list", "작업 유형 목록", "List the job types")
def list_() -> None:
    """List the job types."""
    from scheduler.queries.handlers import list_handlers

    with database() as connection:
        found = list_handlers(connection)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("유형", "TYPE"), lambda row: row["job_type"]),
        (say("살아 있는 노드", "LIVE"), lambda row: "✓" if row["living"] else "-"),
        (say("위치", "SOURCE"), lambda row: row["source"]),
        (say("설명", "SUMMARY"), lambda row: row["summary"]),
    ], empty=say("아직 알려진 작업 유형이 없습니다. 데몬이 알립니다: erp-scheduler start",
                 "no job types yet; a daemon announces them: erp-scheduler start"))


@command(app, "show", "작업 유형의 매개변수", "Show the parameters of a job type")
def show_(job_type: Annotated[str, typer.Argument(metavar="TYPE", help=both("작업 유형", "Job type"))]) -> None:
    """Show the parameters of a job type; with --json, their JSON Schema."""
    from scheduler.queries.handlers import handler

    with database() as connection:
        row = handler(connection, job_type)
    schema = row["params_schema"]
    if chosen().json:
        print_json(row)
        return
    print_fields([
        (say("유형", "type"), row["job_type"]), (say("설명", "summary"), row["summary"]),
        (say("위치", "source"), row["source"]), (say("제한 시간(초)", "timeout (s)"), row["timeout_seconds"]),
        (say("재시도", "retries"), row["retries"]),
    ])
    show()
    required = set(schema.get("required", []))
    print_table([{"name": name, **each} for name, each in schema.get("properties", {}).items()], [
        (say("이름", "NAME"), lambda each: each["name"]),
        (say("형식", "TYPE"), _kind),
        (say("기본값", "DEFAULT"), lambda each: _default(each, required)),
        (say("뜻", "MEANING"), lambda each: each.get("description", "")),
        (say("예", "EXAMPLE"), lambda each: ", ".join(as_json(one, indent=None) for one in each.get("examples", []))),
    ], empty=say("매개변수가 없습니다", "it takes no parameters"))


def _kind(field: Any) -> str:
    if "anyOf" in field:
        return " | ".join(_kind(each) for each in field["anyOf"])
    if "enum" in field:
        return " | ".join(as_json(each, indent=None) for each in field["enum"])
    kind = str(field.get("type", field.get("$ref", "?")))
    bounds = [f"{sign}{field[name]}" for name, sign in (
        ("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"), ("maxLength", "len ≤"),
    ) if name in field]
    return " ".join([f"{kind}[{_kind(field['items'])}]" if "items" in field else kind, *bounds])


def _default(field: Any, required: set[str]) -> str:
    return say("(필수)", "(required)") if field["name"] in required else as_json(field.get("default"), indent=None)
