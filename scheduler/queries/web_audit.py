"""The audit log and the edits of jobs as people read them: newest first, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from scheduler.queries.rows import Row, rows

PAGE = 50
MOST = 500

LOG = sql.SQL("""
SELECT id, at, actor, role, via, token_id, address, action, object, object_name, before, after, trace_id
  FROM audit_log
 WHERE {conditions}
 ORDER BY id DESC
 LIMIT %(limit)s
""")
LOG_CONDITIONS = {
    "actor": "actor = %(actor)s", "action": "action LIKE %(action)s", "object": "object = %(object)s",
    "since": "at >= %(since)s", "before": "id < %(before)s",
}
EDITS = sql.SQL("""
SELECT edit.id, edit.job_id, edit.job_name, edit.revision, edit.changed_at, edit.actor, edit.via, edit.action, edit.changed,
       edit.old, edit.new, EXISTS (SELECT FROM schedule_jobs AS job WHERE job.id = edit.job_id) AS there,
       edit.revision = (SELECT max(other.revision) FROM job_revisions AS other WHERE other.job_id = edit.job_id) AS latest
  FROM job_revisions AS edit
 WHERE {conditions}
 ORDER BY edit.id DESC
 LIMIT %(limit)s
""")
EDIT_CONDITIONS = {
    "actor": "edit.actor = %(actor)s", "action": "edit.action LIKE %(action)s", "object": "edit.job_id = %(job_id)s",
    "since": "edit.changed_at >= %(since)s", "before": "edit.id < %(before)s",
}

Connection = psycopg.Connection[Any]


def audit_log(
    connection: Connection, *, actor: str | None = None, action: str | None = None, object_: str | None = None,
    since: datetime | None = None, before: int | None = None, limit: int = PAGE,
) -> list[Row]:
    """Return lines of the audit log.

    action  job.pause, or job for all that was done to jobs
    before  only lines of a smaller number: the next page
    """
    given = {"actor": actor, "action": _like(action), "object": object_, "since": since, "before": before}
    return _page(connection, LOG, LOG_CONDITIONS, given, limit)


def job_edits(
    connection: Connection, *, actor: str | None = None, action: str | None = None, object_: str | None = None,
    since: datetime | None = None, before: int | None = None, limit: int = PAGE,
) -> list[Row]:
    """Return edits of jobs through any door, also by plain SQL; *object_* is ``job:17``."""
    number = (object_ or "").removeprefix("job:")
    if object_ and not (number.isascii() and number.isdigit() and len(number) <= 18):
        return []
    given = {"actor": actor, "action": _like(action), "object": object_, "since": since, "before": before}
    return _page(connection, EDITS, EDIT_CONDITIONS, given, limit, job_id=int(number or 0))


def _page(
    connection: Connection, statement: sql.SQL, conditions: dict[str, str], given: dict[str, Any], limit: int, **more: Any
) -> list[Row]:
    chosen = [sql.SQL(text) for name, text in conditions.items() if given[name] is not None]
    whole = statement.format(conditions=sql.SQL(" AND ").join(chosen or [sql.SQL("true")]))
    return rows(connection, whole.as_string(connection), {**given, **more, "limit": min(limit, MOST) + 1})


def _like(action: str | None) -> str | None:
    """Return the pattern of an action; one without a dot stands for all of its noun."""
    if not action:
        return None
    plain = action.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return plain if "." in plain else f"{plain}%"
