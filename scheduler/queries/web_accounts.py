"""People who may log in, their sessions, and the link that makes the first of them.

What a door does here it does within a transaction and notes in the audit log; passwords come as argon2id hashes. Tokens of
programs are in ``web_tokens``, wrong logins in ``web_attempts``.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import timedelta
from typing import Any

import psycopg

from scheduler.errors import Conflict, NotAllowed, NotFound, ParameterError
from scheduler.queries.rows import Row, row, rows
from scheduler.words import say

ROLES = ("viewer", "operator", "admin")
LONGEST_NAME = 100
LONGEST_AGENT = 200

ANY_USER = "SELECT EXISTS (SELECT FROM web_users) AS found"
INVITE = """
WITH former AS (DELETE FROM web_invitations WHERE hash <> %(hash)s)
INSERT INTO web_invitations (hash) VALUES (%(hash)s)
"""
INVITATION = "SELECT role FROM web_invitations WHERE hash = %(hash)s AND expires_at > now()"
ACCEPT = "DELETE FROM web_invitations WHERE hash = %(hash)s AND expires_at > now() RETURNING role"
USERS = """
SELECT person.id, person.name, person.role, person.language, person.created_at, person.last_login_at, person.disabled_at,
       (SELECT count(*) FROM web_sessions AS each
         WHERE each.user_id = person.id AND each.seen_at > now() - %(idle)s AND each.created_at > now() - %(longest)s) AS sessions
  FROM web_users AS person
 ORDER BY person.disabled_at IS NOT NULL, lower(person.name), person.id
 LIMIT 1000
"""
COLUMNS = "id, name, role, language, theme, single_keys, created_at, last_login_at, disabled_at"
FIND_ID = f"SELECT {COLUMNS} FROM web_users WHERE id = %(id)s"
FIND_NAME = f"SELECT {COLUMNS} FROM web_users WHERE name = %(name)s"
TO_LOG_IN = f"SELECT {COLUMNS}, password_hash FROM web_users WHERE name = %(name)s"
SAME_NAME = "SELECT name FROM web_users WHERE lower(name) = lower(%(name)s)"
ADD = f"INSERT INTO web_users (name, role, password_hash) VALUES (%(name)s, %(role)s, %(hash)s) RETURNING {COLUMNS}"
SET_ROLE = f"UPDATE web_users SET role = %(role)s WHERE id = %(id)s RETURNING {COLUMNS}"
SET_PASSWORD = f"UPDATE web_users SET password_hash = %(hash)s WHERE id = %(id)s RETURNING {COLUMNS}"
DISABLE = f"UPDATE web_users SET disabled_at = coalesce(disabled_at, now()) WHERE id = %(id)s RETURNING {COLUMNS}"
ENABLE = f"UPDATE web_users SET disabled_at = NULL WHERE id = %(id)s RETURNING {COLUMNS}"
# All of them are locked, so that two who demote each other cannot both succeed.
ADMINS = "SELECT id FROM web_users WHERE role = 'admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE"
# Whoever changes people or tokens takes turns, at every door, so that nobody makes a token in between that outlives them.
TURN = "SELECT pg_advisory_xact_lock(hashtext('erp_scheduler.accounts'))"
# Held until the end of the transaction: whoever shuts this person out, or ends this session, comes before it or after it.
DOER = """
SELECT person.role
  FROM web_sessions AS session JOIN web_users AS person ON person.id = session.user_id
 WHERE session.hash = %(hash)s AND person.disabled_at IS NULL
   FOR SHARE OF person FOR KEY SHARE OF session
"""
PREFER = """
UPDATE web_users
   SET language = coalesce(%(language)s, language), theme = coalesce(%(theme)s, theme),
       single_keys = coalesce(%(single_keys)s, single_keys)
 WHERE id = %(id)s
"""
OPEN = """
WITH gone AS (
    DELETE FROM web_sessions WHERE seen_at < now() - %(idle)s OR created_at < now() - %(longest)s
), seen AS (
    UPDATE web_users SET last_login_at = now() WHERE id = %(id)s
)
INSERT INTO web_sessions (hash, user_id, csrf, address, agent)
VALUES (%(hash)s, %(id)s, %(csrf)s, %(address)s, %(agent)s)
"""
SESSIONS = """
SELECT hash, address, agent, created_at, seen_at FROM web_sessions
 WHERE user_id = %(id)s AND seen_at > now() - %(idle)s AND created_at > now() - %(longest)s
 ORDER BY seen_at DESC LIMIT 100
"""
CLOSE = "DELETE FROM web_sessions WHERE hash = %(hash)s"
CLOSE_ALL = "DELETE FROM web_sessions WHERE user_id = %(id)s RETURNING hash"

Connection = psycopg.Connection[Any]


# -- the first of them ------------------------------------------------------------------------------------------------


def any_user(connection: Connection) -> bool:
    """Say whether anybody can log in at all."""
    found = row(connection, ANY_USER)
    return found is not None and bool(found["found"])


def invite(connection: Connection) -> str | None:
    """Make the link for the first administrator, good once and for a day; former links end. None when there are users."""
    if any_user(connection):
        return None
    secret = secrets.token_urlsafe(32)
    connection.execute(INVITE, {"hash": _hash(secret)})
    return secret


def invitation(connection: Connection, secret: str) -> str | None:
    """Return the role that the link of that secret gives, None when it is not good (any more)."""
    found = None if any_user(connection) else row(connection, INVITATION, {"hash": _hash(secret)})
    return None if found is None else str(found["role"])


def accept(connection: Connection, secret: str) -> str | None:
    """Use the link up. Returns its role; of two who come at once, the second gets None."""
    found = row(connection, ACCEPT, {"hash": _hash(secret)})
    return None if found is None or any_user(connection) else str(found["role"])


# -- people -----------------------------------------------------------------------------------------------------------


def users(connection: Connection, idle: timedelta, longest: timedelta) -> list[Row]:
    """Return everybody, with how many of their sessions live."""
    return rows(connection, USERS, {"idle": idle, "longest": longest})


def find_user(connection: Connection, which: int | str) -> Row:
    """Return the person of that number or name. Raises NotFound."""
    if isinstance(which, int):
        found = row(connection, FIND_ID, {"id": which})
    else:
        found = row(connection, FIND_NAME, {"name": tidy_name(which)})
    return found or _nobody(which)


def to_log_in(connection: Connection, name: str) -> Row | None:
    """Return the person of that name with the hash of the password."""
    return row(connection, TO_LOG_IN, {"name": name})


def add_user(connection: Connection, name: str, role: str, password_hash: str) -> Row:
    """Add a person. Raises ParameterError for a name or role that cannot be, Conflict for one that is there."""
    name = check_name(name)
    same = row(connection, SAME_NAME, {"name": name})
    if same is not None:
        raise Conflict(say(f"{same['name']} 사용자가 이미 있습니다", f"the user {same['name']} exists already")
                       + "\nerp-scheduler user list")
    found = row(connection, ADD, {"name": name, "role": check_role(role), "hash": password_hash})
    assert found is not None
    return found


def take_turn(connection: Connection) -> None:
    """Wait, within a transaction, until nobody else changes people or tokens."""
    connection.execute(TURN)


def doer_of_session(connection: Connection, hashed: bytes) -> str | None:
    """Return the role that the person of a session has until the transaction ends, None when they are shut out."""
    take_turn(connection)
    found = row(connection, DOER, {"hash": hashed})
    return None if found is None else str(found["role"])


def set_role(connection: Connection, user_id: int, role: str) -> Row:
    """Give a person another role; their sessions end. Raises NotAllowed for the last admin."""
    take_turn(connection)
    if check_role(role) != "admin":
        _keep_an_admin(connection, user_id)
    found = row(connection, SET_ROLE, {"id": user_id, "role": role}) or _nobody(user_id)
    close_all(connection, user_id)
    return found


def set_password(connection: Connection, user_id: int, password_hash: str) -> Row:
    """Give a person another password; their sessions end."""
    take_turn(connection)
    found = row(connection, SET_PASSWORD, {"id": user_id, "hash": password_hash}) or _nobody(user_id)
    close_all(connection, user_id)
    return found


def rehash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Store the same password under newer parameters."""
    row(connection, SET_PASSWORD, {"id": user_id, "hash": password_hash})


def disable(connection: Connection, user_id: int) -> Row:
    """Let a person in no longer; their sessions end. Raises NotAllowed for the last admin."""
    take_turn(connection)
    _keep_an_admin(connection, user_id)
    found = row(connection, DISABLE, {"id": user_id}) or _nobody(user_id)
    close_all(connection, user_id)
    return found


def enable(connection: Connection, user_id: int) -> Row:
    """Let a person in again."""
    return row(connection, ENABLE, {"id": user_id}) or _nobody(user_id)


def prefer(
    connection: Connection, user_id: int, language: str | None = None, theme: str | None = None, single_keys: bool | None = None
) -> None:
    """Keep what a person likes; None leaves it as it was."""
    connection.execute(PREFER, {"id": user_id, "language": language, "theme": theme, "single_keys": single_keys})


# -- sessions ---------------------------------------------------------------------------------------------------------


def open_session(
    connection: Connection, user_id: int, hashed: bytes, csrf: str, address: str | None, agent: str, idle: timedelta,
    longest: timedelta,
) -> None:
    """Begin a session; those of anybody that are over are swept out."""
    values = {"id": user_id, "hash": hashed, "csrf": csrf, "address": address, "agent": printable(agent)[:LONGEST_AGENT],
              "idle": idle, "longest": longest}
    connection.execute(OPEN, values)


def sessions(connection: Connection, user_id: int, idle: timedelta, longest: timedelta) -> list[Row]:
    """Return the living sessions of a person, the latest first."""
    return rows(connection, SESSIONS, {"id": user_id, "idle": idle, "longest": longest})


def close(connection: Connection, hashed: bytes) -> None:
    """End one session."""
    connection.execute(CLOSE, {"hash": hashed})


def close_all(connection: Connection, user_id: int) -> int:
    """End all sessions of a person. Returns how many there were."""
    return len(rows(connection, CLOSE_ALL, {"id": user_id}))


# -- names and roles --------------------------------------------------------------------------------------------------


def tidy_name(name: str) -> str:
    """Return *name* as it is kept: composed, without spaces around it."""
    return unicodedata.normalize("NFC", name).strip()


def check_name(name: str) -> str:
    """Return the name as it is kept. Raises ParameterError for one that would not read as it is written."""
    tidy = tidy_name(name)
    if not tidy or len(tidy) > LONGEST_NAME or printable(tidy) != tidy:
        raise ParameterError(say("이름은 1자에서 100자이고, 보이지 않는 글자는 쓸 수 없습니다",
                                 "a name has 1 to 100 characters, and none that cannot be seen"))
    return tidy


def check_role(role: str) -> str:
    """Return the role. Raises ParameterError for one that is none."""
    if role not in ROLES:
        raise ParameterError(say("권한은 viewer(보기), operator(운영), admin(관리) 가운데 하나입니다",
                                 "a role is viewer, operator or admin"))
    return role


def printable(text: str) -> str:
    """Return *text* without control characters, direction marks and what else no eye sees."""
    return "".join(each for each in text if unicodedata.category(each)[0] != "C" and each not in "\u2028\u2029")


def _keep_an_admin(connection: Connection, user_id: int) -> None:
    if [each["id"] for each in rows(connection, ADMINS)] == [user_id]:
        raise NotAllowed(say("마지막 관리자입니다. 다른 관리자를 먼저 만드세요",
                             "this is the last administrator; make another one first")
                         + "\nerp-scheduler user create NAME --role admin")


def _nobody(which: int | str) -> Row:
    raise NotFound(say(f"사용자 {which}이(가) 없습니다", f"there is no user {which}") + "\nerp-scheduler user list")


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
