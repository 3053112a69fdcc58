"""Tokens with which programs ask; only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg

from scheduler.errors import Conflict, NotFound, ParameterError
from scheduler.queries.rows import Row, row, rows
from scheduler.queries.web_accounts import ROLES, check_name, check_role, take_turn
from scheduler.words import say

PREFIX = "erps_"
SHOWN_CHARACTERS = len(PREFIX) + 6
LONGEST = timedelta(days=3660)

COLUMNS = "id, name, role, prefix, made_by, created_at, expires_at, last_used_at, revoked_at"
TOKENS = f"""
SELECT {COLUMNS}, revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS good
  FROM web_tokens
 WHERE %(every)s OR revoked_at IS NULL
 ORDER BY revoked_at IS NOT NULL, lower(name), id DESC
 LIMIT 500
"""
FIND_ID = f"SELECT {COLUMNS} FROM web_tokens WHERE id = %(id)s"
FIND_NAME = f"SELECT {COLUMNS} FROM web_tokens WHERE name = %(name)s AND revoked_at IS NULL"
ADD = f"""
INSERT INTO web_tokens (name, role, hash, prefix, made_by, expires_at)
VALUES (%(name)s, %(role)s, %(hash)s, %(prefix)s, %(made_by)s, now() + %(life)s::interval)
RETURNING {COLUMNS}
"""
REVOKE = f"UPDATE web_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s RETURNING {COLUMNS}"
REVOKE_OF = f"""
UPDATE web_tokens SET revoked_at = now()
 WHERE made_by = %(made_by)s AND role = ANY (%(roles)s) AND revoked_at IS NULL
RETURNING {COLUMNS}
"""

GOOD = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
OF = f"SELECT {COLUMNS} FROM web_tokens WHERE made_by = %(made_by)s AND {GOOD} ORDER BY lower(name), id LIMIT 500"
BY_MAKER = f"""
SELECT made_by, array_agg(name ORDER BY lower(name)) AS names FROM web_tokens WHERE {GOOD} GROUP BY made_by LIMIT 1000
"""
REVOKE_SOME = f"""
UPDATE web_tokens SET revoked_at = now()
 WHERE made_by = %(made_by)s AND id = ANY (%(ids)s) AND revoked_at IS NULL
RETURNING {COLUMNS}
"""
# Held until the end of the transaction, as the person of a session is.
DOER = f"SELECT role FROM web_tokens WHERE id = %(id)s AND {GOOD} FOR SHARE"

Connection = psycopg.Connection[Any]


def tokens(connection: Connection, every: bool = False) -> list[Row]:
    """Return the tokens, with *every* those that were revoked, too."""
    return rows(connection, TOKENS, {"every": every})


def find_token(connection: Connection, which: int | str) -> Row:
    """Return the token of that number or name. Raises NotFound."""
    if isinstance(which, int):
        found = row(connection, FIND_ID, {"id": which})
    else:
        found = row(connection, FIND_NAME, {"name": which})
    return found or _none(which)


def make_token(connection: Connection, name: str, role: str, life: timedelta | None, made_by: str) -> tuple[str, Row]:
    """Make a token; it is returned this once only. Raises Conflict for a name in use, ParameterError for a bad value."""
    name = check_name(name)
    if life is not None and not timedelta() < life <= LONGEST:
        raise ParameterError(say("기한은 10년을 넘을 수 없습니다", "a token lives for more than nothing and at most ten years"))
    if row(connection, FIND_NAME, {"name": name}) is not None:
        raise Conflict(say(f"{name} 토큰이 이미 있습니다", f"the token {name} exists already") + "\nerp-scheduler token list")
    token = PREFIX + secrets.token_urlsafe(32)
    made = row(connection, ADD, {
        "name": name, "role": check_role(role), "hash": hashlib.sha256(token.encode()).digest(),
        "prefix": token[:SHOWN_CHARACTERS], "made_by": made_by, "life": life,
    })
    assert made is not None
    return token, made


def revoke_token(connection: Connection, token_id: int) -> Row:
    """End a token for good. Raises NotFound."""
    return row(connection, REVOKE, {"id": token_id}) or _none(token_id)


def revoke_tokens_of(connection: Connection, made_by: str, role: str | None) -> list[Row]:
    """End the tokens a person made that may do more than *role*; None ends them all. Returns what was ended."""
    above: Sequence[str] = ROLES if role is None else ROLES[ROLES.index(role) + 1:]
    return rows(connection, REVOKE_OF, {"made_by": made_by, "roles": list(above)})


def tokens_of(connection: Connection, made_by: str) -> list[Row]:
    """Return the good tokens that a person made."""
    return rows(connection, OF, {"made_by": made_by})


def names_by_maker(connection: Connection) -> dict[str, list[str]]:
    """Return the names of the good tokens, by who made them."""
    return {each["made_by"]: each["names"] for each in rows(connection, BY_MAKER)}


def revoke_some_of(connection: Connection, made_by: str, ids: Sequence[int]) -> list[Row]:
    """End those of the tokens a person made that have these numbers. Returns what was ended."""
    return rows(connection, REVOKE_SOME, {"made_by": made_by, "ids": list(ids)})


def doer_of_token(connection: Connection, token_id: int | None) -> str | None:
    """Return the role that a token has until the transaction ends, None when it is good no longer."""
    take_turn(connection)
    found = row(connection, DOER, {"id": token_id})
    return None if found is None else str(found["role"])


def _none(which: int | str) -> Row:
    raise NotFound(say(f"토큰 {which}이(가) 없습니다", f"there is no token {which}") + "\nerp-scheduler token list")
