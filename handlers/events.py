"""What people should know: one open row in erp.events for each fact, cleared when it no longer holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

Connection = psycopg.AsyncConnection[Any]

# A fact that is told again keeps its row and its moment; only the wording follows.
RAISE = """
INSERT INTO erp.events AS open (kind, subject, market_code, account, ko, en, details, execution_id)
VALUES (%(kind)s, %(subject)s, %(market_code)s, %(account)s, %(ko)s, %(en)s, %(details)s, %(execution_id)s)
    ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO UPDATE
   SET ko = excluded.ko, en = excluded.en, details = excluded.details
RETURNING (xmax = 0) AS is_new
"""
CLEAR = """
UPDATE erp.events SET cleared_at = clock_timestamp()
 WHERE kind = %(kind)s AND subject = %(subject)s AND cleared_at IS NULL
"""


async def raise_event(
    connection: Connection, kind: str, subject: str, *, ko: str, en: str, market_code: str | None = None,
    account: str | None = None, details: Mapping[str, Any] | None = None, execution_id: int | None = None,
) -> bool:
    """Open an event, or keep the one that is open about the same subject.

    kind     one that the CHECK of erp.events names
    Returns  whether it is new
    """
    row = await (await connection.execute(RAISE, {
        "kind": kind, "subject": subject, "market_code": market_code, "account": account, "ko": ko, "en": en,
        "details": Jsonb(dict(details or {})), "execution_id": execution_id,
    })).fetchone()
    assert row is not None
    return bool(row[0])


async def clear_event(connection: Connection, kind: str, subject: str) -> bool:
    """Close the open event about a subject. Returns whether there was one."""
    return (await connection.execute(CLEAR, {"kind": kind, "subject": subject})).rowcount > 0
