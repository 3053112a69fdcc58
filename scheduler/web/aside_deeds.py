"""What is put aside: snoozing the trouble of a job, draining a node; each with its line in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.queries import nodes, snoozes
from scheduler.queries.rows import Row
from scheduler.web.audit import note

Connection = psycopg.Connection[Any]


def snooze(
    connection: Connection, request: Request, job: int, *, until: datetime | None = None, length: timedelta | None = None,
    reason: str | None = None,
) -> Row:
    """Hide the trouble of *job* until then, or with neither until it succeeds again. Returns the snooze."""
    saved = snoozes.snooze(connection, job, until=until, length=length, reason=reason)
    after = {"until": None if saved["until"] is None else saved["until"].isoformat(), "reason": saved["reason"]}
    note(connection, request, "job.snooze", f"job:{job}", saved["job_name"], after=after)
    return saved


def unsnooze(connection: Connection, request: Request, job: int) -> None:
    """Let the trouble of *job* be seen again."""
    snoozes.unsnooze(connection, job)
    note(connection, request, "job.unsnooze", f"job:{job}")


def drain(connection: Connection, request: Request, node: str, reason: str | None = None) -> Row:
    """Let *node* take no new work. Returns the drain."""
    saved = nodes.drain(connection, node, reason)
    note(connection, request, "node.drain", f"node:{node}", node, after={"reason": saved["reason"]})
    return saved


def undrain(connection: Connection, request: Request, node: str) -> Row:
    """Let *node* take work again. Returns the drain that was."""
    gone = nodes.undrain(connection, node)
    note(connection, request, "node.undrain", f"node:{node}", node, before={"reason": gone["reason"]})
    return gone
