"""Searches of the lists that people keep, some of them for everybody, and the columns that a person likes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from scheduler.errors import NotAllowed, NotFound
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

Connection = psycopg.Connection[Any]
MOST = 50
"""So many of a person and a list, and so many of others that are shown."""

LISTED = """
(SELECT id, name, query, shared, true AS own, NULL AS by_whom
   FROM web_searches WHERE user_id = %(user)s AND list = %(list)s ORDER BY name LIMIT %(most)s)
UNION ALL
(SELECT each.id, each.name, each.query, true, false, person.name
   FROM web_searches AS each JOIN web_users AS person ON person.id = each.user_id
  WHERE each.list = %(list)s AND each.shared AND each.user_id <> %(user)s ORDER BY each.name, each.id LIMIT %(most)s)
"""
COUNT = "SELECT count(*) AS number FROM web_searches WHERE user_id = %(user)s AND list = %(list)s AND name <> %(name)s"
SAVE = """
INSERT INTO web_searches (user_id, list, name, query, shared)
VALUES (%(user)s, %(list)s, %(name)s, %(query)s, %(shared)s)
ON CONFLICT (user_id, list, name) DO UPDATE SET query = excluded.query, shared = excluded.shared
RETURNING id
"""
REMOVE = """
DELETE FROM web_searches
 WHERE id = %(id)s AND (user_id = %(user)s OR (shared AND %(any)s))
RETURNING list, name, shared
"""
PREFERENCE = "SELECT preferences -> %(name)s AS value FROM web_users WHERE id = %(user)s"
PREFER = """
UPDATE web_users
   SET preferences = CASE WHEN %(value)s::jsonb IS NULL THEN preferences - %(name)s::text
                          ELSE preferences || jsonb_build_object(%(name)s::text, %(value)s::jsonb) END
 WHERE id = %(user)s
"""


def listed(connection: Connection, user: int, list_: str) -> list[Row]:
    """Return the searches of a person, then those that others share."""
    return rows(connection, LISTED, {"user": user, "list": list_, "most": MOST})


def save(connection: Connection, user: int, list_: str, name: str, query: str, shared: bool) -> int:
    """Keep a search; one of the same name is replaced. Raises NotAllowed when there are too many."""
    values = {"user": user, "list": list_, "name": name, "query": query, "shared": shared}
    if (row(connection, COUNT, values) or {"number": 0})["number"] >= MOST:
        raise NotAllowed(say(f"저장한 검색은 {MOST}개까지입니다. 안 쓰는 것을 지우세요",
                             f"at most {MOST} searches are kept; remove one that is not used"))
    return int((row(connection, SAVE, values) or {"id": 0})["id"])


def remove(connection: Connection, user: int, number: int, of_anybody: bool) -> Row:
    """Remove a search of *user*, or one that somebody shares where *of_anybody* says so. Raises NotFound."""
    found = row(connection, REMOVE, {"id": number, "user": user, "any": of_anybody})
    if found is None:
        raise NotFound(say("그런 저장한 검색이 없습니다", "there is no such saved search"))
    return found


def preference(connection: Connection, user: int, name: str) -> Any:
    """Return what a person likes, None when nothing was said."""
    return (row(connection, PREFERENCE, {"user": user, "name": name}) or {"value": None})["value"]


def prefer(connection: Connection, user: int, name: str, value: Sequence[str] | None) -> None:
    """Keep what a person likes; None forgets it."""
    connection.execute(PREFER, {"user": user, "name": name, "value": None if value is None else Jsonb(list(value))})
