"""The daemons as they report themselves, and the nodes that people let take no new work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from scheduler.errors import NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

Connection = psycopg.Connection[Any]

# A node that has not reported for a whole lease is shown as gone; nothing is decided by it.
LIST = """
SELECT node.instance_id, node.name, node.host, node.pid, node.version, node.workers, node.running, node.job_types,
       CASE WHEN node.state <> 'stopped' AND node.seen_at < now() - make_interval(secs => node.lease_seconds) THEN 'gone'
            ELSE node.state END AS state,
       node.state <> 'stopped' AND node.seen_at >= now() - make_interval(secs => node.lease_seconds) AS living,
       node.lease_seconds, node.started_at, node.seen_at,
       drain.since AS drained_since, drain.by_whom AS drained_by, drain.reason AS drain_reason
  FROM scheduler_nodes AS node LEFT JOIN schedule_drains AS drain ON drain.node = node.name
 WHERE (%(name)s::text IS NULL OR node.name = %(name)s)
   AND (%(all)s OR (node.state <> 'stopped' AND node.seen_at >= now() - interval '1 day'))
 ORDER BY node.name, node.started_at DESC
"""
DRAINS = "SELECT node, since, by_whom, reason FROM schedule_drains WHERE %(node)s::text IS NULL OR node = %(node)s ORDER BY node"
DRAIN = "SELECT node, since, by_whom, reason FROM schedule_drain(%(node)s::text, %(reason)s::text)"
UNDRAIN = "SELECT node, since, by_whom, reason FROM schedule_undrain(%(node)s::text)"
RUNNING = """
SELECT execution_id, job_id, job_name, started_at FROM schedule_running WHERE node = %(node)s ORDER BY started_at LIMIT 200
"""


def list_nodes(connection: Connection, *, every: bool = False) -> list[Row]:
    """Return the nodes; without *every*, those that stopped or were gone for a day are left out."""
    return rows(connection, LIST, {"all": every, "name": None})


def named(connection: Connection, node: str) -> list[Row]:
    """Return all daemons that were ever known by this name, the living and latest first. Raises NotFound."""
    found = rows(connection, LIST, {"all": True, "name": node})
    if not found:
        raise _none(node)
    return sorted(found, key=lambda each: not each["living"])


def running_on(connection: Connection, node: str) -> list[Row]:
    """Return what runs on a node."""
    return rows(connection, RUNNING, {"node": node})


def state_words(node: Mapping[str, Any]) -> str:
    """Say how a node is; one that is being drained is told apart from one that is stopping."""
    state = str(node["state"])
    if state in ("running", "draining") and node["drained_since"] is not None:
        return say("비우는 중", "draining")
    return {
        "running": say("실행 중", "running"), "draining": say("멈추는 중", "stopping"), "drained": say("비움", "drained"),
        "stopped": say("멈춤", "stopped"), "gone": say("응답 없음", "gone"),
    }.get(state, state)


def list_drains(connection: Connection, node: str | None = None) -> list[Row]:
    """Return the nodes that are drained, whether they live or not."""
    return rows(connection, DRAINS, {"node": node})


def drain(connection: Connection, node: str, reason: str | None = None) -> Row:
    """Let a node take no new work; what runs on it ends by itself. Raises NotFound for a name that no daemon ever had."""
    if not list_drains(connection, node):
        named(connection, node)
    saved = row(connection, DRAIN, {"node": node, "reason": reason})
    assert saved is not None
    return saved


def undrain(connection: Connection, node: str) -> Row:
    """Let a node take work again. Raises NotFound when it is not drained."""
    if not list_drains(connection, node):
        raise NotFound(say(f"노드 {node}은(는) 비워져 있지 않습니다", f"node {node} is not drained"))
    gone = row(connection, UNDRAIN, {"node": node})
    assert gone is not None
    return gone


def _none(node: str) -> NotFound:
    return NotFound(say(f"노드 {node}이(가) 없습니다", f"there is no node {node}") + "\nerp-scheduler nodes list --all")
