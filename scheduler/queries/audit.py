"""What was done through the web and REST, written in the same transaction as the deed; secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.secrets import Redactor

NOTE = """
INSERT INTO audit_log (actor, role, via, token_id, address, action, object, object_name, before, after, trace_id)
VALUES (%(actor)s, %(role)s, %(via)s, %(token_id)s, %(address)s, %(action)s, %(object)s, %(object_name)s, %(before)s, %(after)s,
        %(trace_id)s)
"""


def note(
    connection: psycopg.Connection[Any], who: Mapping[str, Any], action: str, object_: str, name: str | None = None,
    before: Any = None, after: Any = None,
) -> None:
    """Write one line of the audit log.

    who      actor, role, via, token_id, address, trace_id
    action   noun.verb, such as job.pause
    object_  noun:id, such as job:17
    """
    mask = Redactor()
    connection.execute(NOTE, {
        **who, "action": action, "object": object_, "object_name": name,
        "before": None if before is None else Jsonb(mask.value(before)),
        "after": None if after is None else Jsonb(mask.value(after)),
    })
