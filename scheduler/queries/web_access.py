"""Sessions and tokens as each request asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row

# A session is touched at most once a minute: looking at pages must not write a row for each request. Nor does the look-up
# wait for whoever holds the row at that moment.
SESSION = """
WITH known AS (
    SELECT each.hash, each.csrf, each.seen_at, person.id AS user_id, person.name, person.role, person.language, person.theme,
           person.single_keys
      FROM web_sessions AS each JOIN web_users AS person ON person.id = each.user_id
     WHERE each.hash = %(hash)s AND person.disabled_at IS NULL
       AND each.seen_at > now() - %(idle)s AND each.created_at > now() - %(longest)s
), touched AS (
    UPDATE web_sessions SET seen_at = now()
     WHERE hash IN (SELECT hash FROM web_sessions
                     WHERE hash = (SELECT hash FROM known WHERE seen_at < now() - interval '1 minute')
                       FOR NO KEY UPDATE SKIP LOCKED)
)
SELECT user_id, name, role, language, theme, single_keys, csrf FROM known
"""
TOKEN = """
WITH known AS (
    SELECT id, name, role, last_used_at FROM web_tokens
     WHERE hash = %(hash)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
), touched AS (
    UPDATE web_tokens SET last_used_at = now()
     WHERE id IN (SELECT id FROM web_tokens
                   WHERE id = (SELECT id FROM known WHERE last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
                     FOR NO KEY UPDATE SKIP LOCKED)
)
SELECT id, name, role FROM known
"""


def session(connection: psycopg.Connection[Any], hashed: bytes, idle: timedelta, longest: timedelta) -> Row | None:
    """Return the person of a session that is neither idle for too long nor too old."""
    return row(connection, SESSION, {"hash": hashed, "idle": idle, "longest": longest})


def token(connection: psycopg.Connection[Any], hashed: bytes) -> Row | None:
    """Return the token of that hash while it is good."""
    return row(connection, TOKEN, {"hash": hashed})
