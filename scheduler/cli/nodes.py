"""`erp-scheduler nodes`: the daemons, as they report themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.grammar import both, chosen, command, noun
from scheduler.cli.output import print_json, print_table, relative
from scheduler.cli.session import database
from scheduler.words import say

app = noun("nodes", "노드(데몬)를 봅니다", "See the nodes (daemons)")


@command(app, "list", "노드 목록", "List the nodes")
def list_(
    every: Annotated[bool, typer.Option("--all", help=both("멈춘 노드도", "Those that stopped, too"))] = False,
) -> None:
    """List the nodes."""
    from scheduler.queries.jobs import database_now
    from scheduler.queries.nodes import list_nodes

    with database() as connection:
        found = list_nodes(connection, every=every)
        now = database_now(connection)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("노드", "NODE"), lambda row: row["name"]),
        (say("상태", "STATE"), lambda row: row["state"]),
        (say("호스트", "HOST"), lambda row: row["host"]),
        ("PID", lambda row: row["pid"]),
        (say("실행", "BUSY"), lambda row: f"{row['running']}/{row['workers']}"),
        (say("시작", "STARTED"), lambda row: relative(row["started_at"], now)),
        (say("마지막 보고", "SEEN"), lambda row: relative(row["seen_at"], now)),
        (say("버전", "VERSION"), lambda row: row["version"]),
    ], empty=say("노드가 없습니다. 시작: erp-scheduler start", "no nodes; to start one: erp-scheduler start"))
