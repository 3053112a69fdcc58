"""Answers that are kept for an Idempotency-Key, or for the form of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from scheduler.queries.rows import Row, row

# A key that has lapsed is taken anew in the statement that would have met it.
RESERVE = """
INSERT INTO web_replies AS known (actor, key, fingerprint) VALUES (%(actor)s, %(key)s, %(fingerprint)s)
    ON CONFLICT (actor, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL, created_at = now()
 WHERE known.created_at < now() - interval '24 hours'
RETURNING key
"""
KNOWN = "SELECT fingerprint, status, headers, body FROM web_replies WHERE actor = %(actor)s AND key = %(key)s"
KEEP = """
UPDATE web_replies SET status = %(status)s, headers = %(headers)s, body = %(body)s
 WHERE actor = %(actor)s AND key = %(key)s AND fingerprint = %(fingerprint)s
"""
FORGET = """
DELETE FROM web_replies WHERE actor = %(actor)s AND key = %(key)s AND fingerprint = %(fingerprint)s AND status IS NULL
"""
TIDY = "DELETE FROM web_replies WHERE created_at < now() - interval '24 hours'"


def reserve(connection: psycopg.Connection[Any], which: Mapping[str, Any]) -> Row | None:
    """Take a key; returns what is kept of the request that took it before, None when it was free."""
    for _ in range(3):
        if row(connection, RESERVE, which) is not None:
            return None
        found = row(connection, KNOWN, which)
        if found is not None:
            return found
    return {"fingerprint": which["fingerprint"], "status": None, "headers": None, "body": None}


def keep(connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> None:
    """Keep the answer: status, headers, and the body unless it holds a secret."""
    connection.execute(KEEP, values)


def forget(connection: psycopg.Connection[Any], which: Mapping[str, Any]) -> None:
    """Free a key whose request came to nothing."""
    connection.execute(FORGET, which)


def tidy(connection: psycopg.Connection[Any]) -> None:
    """Delete what has lapsed."""
    connection.execute(TIDY)
