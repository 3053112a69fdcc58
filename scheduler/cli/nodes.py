"""`erp-scheduler nodes`: the daemons, as they report themselves; let one take no new work for a while."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

import typer

from scheduler.cli import exit_codes
from scheduler.cli.grammar import Stop, both, chosen, command, noun
from scheduler.cli.output import clean, hint, moment, print_fields, print_json, print_table, relative, show
from scheduler.cli.session import change, database
from scheduler.words import say

app = noun("nodes", "노드(데몬)를 보고 비웁니다", "See the nodes (daemons), and drain them")
Node = Annotated[str, typer.Argument(metavar="NODE", help=both("노드 이름", "Name of the node"))]


@command(app, "list", "노드 목록", "List the nodes")
def list_(
    every: Annotated[bool, typer.Option("--all", help=both("멈춘 노드도", "Those that stopped, too"))] = False,
) -> None:
    """List the nodes."""
    from scheduler.queries.jobs import database_now
    from scheduler.queries.nodes import list_drains, list_nodes, state_words

    with database() as connection:
        found = list_nodes(connection, every=every)
        away = {each["node"] for each in list_drains(connection)} - {each["name"] for each in found}
        now = database_now(connection)
    if chosen().json:
        print_json(found)
        return
    print_table(found, [
        (say("노드", "NODE"), lambda row: row["name"]),
        (say("상태", "STATE"), state_words),
        (say("호스트", "HOST"), lambda row: row["host"]),
        ("PID", lambda row: row["pid"]),
        (say("실행", "BUSY"), lambda row: f"{row['running']}/{row['workers']}"),
        (say("시작", "STARTED"), lambda row: relative(row["started_at"], now)),
        (say("마지막 보고", "SEEN"), lambda row: relative(row["seen_at"], now)),
        (say("버전", "VERSION"), lambda row: row["version"]),
    ], empty=say("노드가 없습니다. 시작: erp-scheduler start", "no nodes; to start one: erp-scheduler start"))
    for name in sorted(away):
        hint(say(f"! 꺼진 노드 {name}은(는) 비워져 있어, 시작해도 작업을 받지 않습니다",
                 f"! node {name} is off and drained: it will take no work when it starts")
             + f": erp-scheduler nodes drain {quote(name)} --undo")


@command(app, "show", "노드 하나를 자세히", "Show one node")
def show_node(node: Node) -> None:
    """Show a node, what runs on it, and whether it is drained."""
    from scheduler.queries.jobs import database_now
    from scheduler.queries.nodes import named, running_on, state_words

    with database() as connection:
        found, running, now = named(connection, node), running_on(connection, node), database_now(connection)
    if chosen().json:
        print_json({"node": node, "daemons": found, "running": running})
        return
    latest = found[0]
    since = latest["drained_since"]
    drained = say("아니요", "no") if since is None else say(
        f"{moment(since)}부터, {clean(latest['drained_by'])}", f"since {moment(since)} by {clean(latest['drained_by'])}")
    print_fields([
        (say("노드", "node"), node), (say("상태", "state"), state_words(latest)), (say("비웠는지", "drained"), drained),
        (say("이유", "reason"), latest["drain_reason"] or "-"), (say("호스트", "host"), f"{latest['host']} ({latest['pid']})"),
        (say("버전", "version"), latest["version"]), (say("실행", "busy"), f"{len(running)}/{latest['workers']}"),
        (say("시작", "started"), latest["started_at"]), (say("마지막 보고", "seen"), latest["seen_at"]),
        (say("작업 유형", "job types"), ", ".join(latest["job_types"]) or "-"),
    ])
    for each in running:
        show(f"  ▶ {each['execution_id']} {clean(each['job_name'])}  {relative(each['started_at'], now)}")
    if since is not None:
        hint(f"→ erp-scheduler nodes drain {quote(node)} --undo")


@command(app, "drain", "노드를 비웁니다: 새 작업을 받지 않고 실행 중인 것은 끝냅니다",
         "Drain a node: no new work, what runs ends by itself")
def drain(
    node: Node,
    wait: Annotated[bool, typer.Option("--wait", help=both("빌 때까지 기다립니다", "Wait until it is empty"))] = False,
    undo: Annotated[bool, typer.Option("--undo", help=both("다시 작업을 받게 합니다", "Let it take work again"))] = False,
    reason: Annotated[str | None, typer.Option(help=both("비우는 이유", "Why"))] = None,
    timeout: Annotated[str | None, typer.Option(metavar="10m", help=both(
        "기다리는 시간 (--wait)", "How long to wait (--wait)"))] = None,
) -> int:
    """Drain a node, or let it take work again; both at once for a daemon that runs, and kept when it is started anew."""
    from scheduler.cli.node_waiting import wait_until_empty
    from scheduler.cli.schedule_flags import seconds
    from scheduler.queries import nodes

    if undo and (wait or timeout is not None or reason is not None):
        raise Stop(exit_codes.USAGE, say("--undo는 --wait, --timeout, --reason과 함께 쓸 수 없습니다",
                                         "--undo does not go with --wait, --timeout or --reason"))
    limit = None if timeout is None else seconds(timeout)
    with database() as connection:
        with change(connection):
            saved = nodes.undrain(connection, node) if undo else nodes.drain(connection, node, reason)
        if not chosen().json:
            show(say(f"노드 {node}: 다시 작업을 받습니다", f"node {node}: it takes work again") if undo else
                 say(f"노드 {node}: 새 작업을 받지 않습니다. 실행 중인 것은 끝까지 실행합니다",
                     f"node {node}: it takes no new work; what runs goes on to its end"))
        elif not wait:
            print_json({**saved, "drained": not undo})
        if wait:
            return wait_until_empty(connection, saved, limit)
    if not undo:
        hint(f"→ erp-scheduler nodes show {quote(node)}   |   erp-scheduler nodes drain {quote(node)} --undo")
    return exit_codes.OK
