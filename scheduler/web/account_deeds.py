"""What administrators do to people and tokens, each with its line in the audit log; REST and the pages do it alike.

Who asks is looked up once more within the transaction: an administrator who is shut out at this moment must not leave a
token or another person behind.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from scheduler.web.rights import Forbidden, NotLoggedIn, Role
from scheduler.words import say

Connection = psycopg.Connection[Any]


def add_user(connection: Connection, request: Request, name: str, role: str, password: str, again: str | None = None) -> Row:
    """Add a person who may log in."""
    check_password(password, again, name)
    hashed = hash_password(password)
    _hold_doer(connection, request)
    user = web_accounts.add_user(connection, name, role, hashed)
    _note(connection, request, "create", user, after={"role": user["role"]})
    return user


def set_role(connection: Connection, request: Request, user_id: int, role: str) -> Row:
    """Give a person another role. Their sessions end, and so do tokens of theirs that may do more than they now may."""
    _hold_doer(connection, request)
    former = web_accounts.find_user(connection, user_id)
    user = web_accounts.set_role(connection, user_id, role)
    _note(connection, request, "role", user, {"role": former["role"]}, {"role": role})
    return _cut_off(connection, request, user, role)


def disable(connection: Connection, request: Request, user_id: int) -> Row:
    """Let a person in no longer; their sessions and tokens end."""
    _hold_doer(connection, request)
    user = web_accounts.disable(connection, user_id)
    _note(connection, request, "disable", user)
    return _cut_off(connection, request, user, None)


def enable(connection: Connection, request: Request, user_id: int) -> Row:
    """Let a person in again."""
    _hold_doer(connection, request)
    user = web_accounts.enable(connection, user_id)
    _note(connection, request, "enable", user)
    return user


def set_password(
    connection: Connection, request: Request, user_id: int, password: str, again: str | None = None, keep_tokens: bool = False
) -> Row:
    """Give a person another password; their sessions end, and so do the tokens they made unless those are to be kept."""
    user = _new_password(connection, request, user_id, password, again, Role.ADMIN)
    return user if keep_tokens else _cut_off(connection, request, user, None)


def change_own_password(
    connection: Connection, request: Request, user_id: int, password: str, again: str, revoke: Sequence[int]
) -> Row:
    """Give oneself another password; all sessions end, and those tokens of one's own that are named in *revoke*."""
    user = _new_password(connection, request, user_id, password, again, Role.VIEWER)
    for ended in web_tokens.revoke_some_of(connection, user["name"], revoke):
        _note_revoked(connection, request, ended)
    return user


def _new_password(
    connection: Connection, request: Request, user_id: int, password: str, again: str | None, needed: Role
) -> Row:
    check_password(password, again, web_accounts.find_user(connection, user_id)["name"])
    hashed = hash_password(password)
    _hold_doer(connection, request, needed)
    user = web_accounts.set_password(connection, user_id, hashed)
    _note(connection, request, "password", user)
    forget_user(user_id)
    return user


def end_sessions(connection: Connection, request: Request, user_id: int) -> int:
    """End all sessions of a person. Returns how many there were."""
    _hold_doer(connection, request, Role.VIEWER if user_id == request.state.person.user_id else Role.ADMIN)
    user = web_accounts.find_user(connection, user_id)
    ended = web_accounts.close_all(connection, user_id)
    _note(connection, request, "sessions", user, after={"ended": ended})
    forget_user(user_id)
    return ended


def make_token(connection: Connection, request: Request, name: str, role: str, life: timedelta | None) -> tuple[str, Row]:
    """Make a token that may do at most what its maker may. Raises NotAllowed."""
    person: Person = request.state.person
    if Role[web_accounts.check_role(role).upper()] > _hold_doer(connection, request):
        raise NotAllowed(say("자기 권한보다 큰 토큰은 만들 수 없습니다", "a token may do at most what its maker may"))
    # What a token makes counts as made by the one who made the token, and ends with that one's rights.
    maker = person.name if person.token_id is None else web_tokens.find_token(connection, person.token_id)["made_by"]
    token, made = web_tokens.make_token(connection, name, role, life, maker)
    note(connection, request, "token.create", f"token:{made['id']}", made["name"],
         after={"role": role, "expires_at": made["expires_at"].isoformat() if made["expires_at"] else None})
    return token, made


def revoke_token(connection: Connection, request: Request, token_id: int) -> Row:
    """End a token."""
    _hold_doer(connection, request)
    ended = web_tokens.revoke_token(connection, token_id)
    _note_revoked(connection, request, ended)
    return ended


def _hold_doer(connection: Connection, request: Request, needed: Role = Role.ADMIN) -> Role:
    """Return what who asks may do until the transaction ends. Raises NotLoggedIn, Forbidden when they may no longer."""
    held: Role | None = getattr(request.state, "held_role", None)
    if held is None:                  # once a request: the first deed of several may end the session it came with
        person: Person = request.state.person
        if person.session is not None:
            role = web_accounts.doer_of_session(connection, person.session.hash)
        else:
            role = web_tokens.doer_of_token(connection, person.token_id)
        if role is None:
            raise NotLoggedIn("log in first")
        held = request.state.held_role = Role[role.upper()]
    if held < needed:
        raise Forbidden(needed.name.lower())
    return held


def _cut_off(connection: Connection, request: Request, user: Row, role: str | None) -> Row:
    """End what a person may do no longer with *role*, with none everything: their sessions, and tokens of theirs."""
    for ended in web_tokens.revoke_tokens_of(connection, user["name"], role):
        _note_revoked(connection, request, ended)
    forget_user(user["id"])
    return user


def _note(connection: Connection, request: Request, deed: str, user: Row, before: Any = None, after: Any = None) -> None:
    note(connection, request, f"user.{deed}", f"user:{user['id']}", user["name"], before, after)


def _note_revoked(connection: Connection, request: Request, token: Row) -> None:
    note(connection, request, "token.revoke", f"token:{token['id']}", token["name"])
