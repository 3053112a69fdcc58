"""Wait until a drained node is empty, saying what still runs on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from scheduler.cli import exit_codes
from scheduler.cli.grammar import chosen
from scheduler.cli.output import hint, print_json, show, tell
from scheduler.words import say

if TYPE_CHECKING:
    from psycopg import Connection

LOOK_SECONDS = 0.2


def wait_until_empty(connection: Connection[Any], drain: dict[str, Any], limit: float | None) -> int:
    """Wait until every living daemon of the node says that it is empty.

    Returns  0 when it is, 1 when somebody has let it take work again meanwhile, 124 when *limit* seconds passed
    """
    from scheduler.queries import nodes

    node, said = drain["node"], -1
    deadline = None if limit is None else time.monotonic() + limit
    while True:
        if not nodes.list_drains(connection, node):
            tell(say(f"노드 {node}이(가) 다시 작업을 받습니다: 누군가 되돌렸습니다",
                     f"node {node} takes work again: somebody undid it"))
            return exit_codes.FAILED
        living = [each for each in nodes.list_nodes(connection) if each["name"] == node and each["living"]]
        if all(each["state"] == "drained" for each in living):
            _say_empty(node, drain, bool(living))
            return exit_codes.OK
        if deadline is not None and time.monotonic() > deadline:
            tell(say(f"시간이 지났습니다. 노드 {node}은(는) 계속 비우는 중입니다",
                     f"the time is over; node {node} goes on draining"))
            return exit_codes.TIMEOUT
        running = len(nodes.running_on(connection, node))
        if running != said:
            said = running
            hint(say(f"실행 중 {running}개를 기다립니다", f"waiting for {running} running"))
        time.sleep(LOOK_SECONDS)


def _say_empty(node: str, drain: dict[str, Any], is_living: bool) -> None:
    if chosen().json:
        print_json({**drain, "drained": True, "empty": True})
    elif is_living:
        show(say(f"노드 {node}: 비었습니다", f"node {node}: it is empty"))
    else:
        show(say(f"노드 {node}: 꺼져 있습니다. 시작해도 작업을 받지 않습니다",
                 f"node {node}: it is off, and will take no work when it starts"))
