"""What administrators do to people and tokens, each with its line in the audit log; REST and the pages do it alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from starlette.requests import Request

from scheduler.errors import NotAllowed
from scheduler.queries import web_accounts, web_tokens
from scheduler.queries.rows import Row
from scheduler.web.audit import note
from scheduler.web.passwords import check_password, hash_password
from scheduler.web.people import Person, forget_user
from scheduler.words import say

Connection = psycopg.Connection[Any]


def add_user(connection: Connection, request: Request, name: str, role: str, password: str, again: str | None = None) -> Row:
    """Add a person who may log in."""
    check_password(password, again, name)
    user = web_accounts.add_user(connection, name, role, hash_password(password))
    note(connection, request, "user.create", f"user:{user['id']}", user["name"], after={"role": user["role"]})
    return user


def set_role(connection: Connection, request: Request, user_id: int, role: str) -> Row:
    """Give a person another role. Their sessions end, and so do tokens of theirs that may do more than they now may."""
    former = web_accounts.find_user(connection, user_id)
    user = web_accounts.set_role(connection, user_id, role)
    note(connection, request, "user.role", f"user:{user_id}", user["name"], {"role": former["role"]}, {"role": role})
    _revoke_of(connection, request, user["name"], role)
    forget_user(user_id)
    return user


def disable(connection: Connection, request: Request, user_id: int) -> Row:
    """Let a person in no longer; their sessions and tokens end."""
    user = web_accounts.disable(connection, user_id)
    note(connection, request, "user.disable", f"user:{user_id}", user["name"])
    _revoke_of(connection, request, user["name"], None)
    forget_user(user_id)
    return user


def enable(connection: Connection, request: Request, user_id: int) -> Row:
    """Let a person in again."""
    user = web_accounts.enable(connection, user_id)
    note(connection, request, "user.enable", f"user:{user_id}", user["name"])
    return user


def set_password(connection: Connection, request: Request, user_id: int, password: str, again: str | None = None) -> Row:
    """Give a person another password; their sessions end."""
    check_password(password, again, web_accounts.find_user(connection, user_id)["name"])
    user = web_accounts.set_password(connection, user_id, hash_password(password))
    note(connection, request, "user.password", f"user:{user_id}", user["name"])
    forget_user(user_id)
    return user


def end_sessions(connection: Connection, request: Request, user_id: int) -> int:
    """End all sessions of a person. Returns how many there were."""
    user = web_accounts.find_user(connection, user_id)
    ended = web_accounts.close_all(connection, user_id)
    note(connection, request, "user.sessions", f"user:{user_id}", user["name"], after={"ended": ended})
    forget_user(user_id)
    return ended


def make_token(connection: Connection, request: Request, name: str, role: str, life: timedelta | None) -> tuple[str, Row]:
    """Make a token that may do at most what its maker may. Raises NotAllowed."""
    person: Person = request.state.person
    if web_accounts.ROLES.index(web_accounts.check_role(role)) > web_accounts.ROLES.index(person.role):
        raise NotAllowed(say("자기 권한보다 큰 토큰은 만들 수 없습니다", "a token may do at most what its maker may"))
    # What a token makes counts as made by the one who made the token, and ends with that one's rights.
    maker = person.name if person.token_id is None else web_tokens.find_token(connection, person.token_id)["made_by"]
    token, made = web_tokens.make_token(connection, name, role, life, maker)
    note(connection, request, "token.create", f"token:{made['id']}", made["name"],
         after={"role": role, "expires_at": made["expires_at"].isoformat() if made["expires_at"] else None})
    return token, made


def revoke_token(connection: Connection, request: Request, token_id: int) -> Row:
    """End a token."""
    ended = web_tokens.revoke_token(connection, token_id)
    note(connection, request, "token.revoke", f"token:{token_id}", ended["name"])
    return ended


def _revoke_of(connection: Connection, request: Request, name: str, role: str | None) -> None:
    for ended in web_tokens.revoke_tokens_of(connection, name, role):
        note(connection, request, "token.revoke", f"token:{ended['id']}", ended["name"])
