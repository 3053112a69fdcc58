"""The audit line of a request, in its transaction."""

from __future__ import annotations

from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.queries import audit
from scheduler.queries.rows import Row
from scheduler.web.people import Person

# What was there before and after, and where somebody sat: for administrators.
ADMINS_ONLY = ("before", "after", "address", "trace_id")


def note(
    connection: psycopg.Connection[Any], request: Request, action: str, object_: str, name: str | None = None,
    before: Any = None, after: Any = None,
) -> None:
    """Write who did what; *action* is noun.verb (job.pause), *object_* noun:id (job:17)."""
    person: Person = request.state.person
    who = {
        "actor": person.name, "role": person.role, "via": person.via, "token_id": person.token_id,
        "address": request.client.host if request.client else None, "trace_id": request.state.trace_id,
    }
    audit.note(connection, who, action, object_, name, before, after)


def as_seen_by(person: Person, line: Row) -> Row:
    """Return a line of the log as *person* may read it, on the page and through REST alike."""
    return line if person.role == "admin" else {**line, **dict.fromkeys(ADMINS_ONLY)}
