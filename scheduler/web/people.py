"""Who asks: a person with a session cookie, or a program with a token. Both are kept as hashes only."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
from starlette.requests import HTTPConnection

from scheduler.database.connection import is_outage
from scheduler.queries import web_access
from scheduler.web.place import Place

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
COOKIE = "erps_session"
SECURE_COOKIE = "__Host-erps_session"
TOKEN_PREFIX = "erps_"
REMEMBERED_SECONDS = IDLE.total_seconds()
REMEMBERED_MOST = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in; *csrf* stands in its forms."""

    hash: bytes
    csrf: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks.

    via       web or rest
    actor     what tells two of them apart for ever: user:3, token:5
    recalled  not looked up, but remembered: only what they have been shown before may be shown again
    """

    name: str
    role: str
    via: str
    actor: str
    user_id: int | None = None
    token_id: int | None = None
    session: Session | None = None
    language: str | None = None
    theme: str = "auto"
    single_keys: bool = True
    recalled: bool = False


_remembered: dict[bytes, tuple[float, Person]] = {}


def digest(secret: str) -> bytes:
    """Return what is stored of a random secret. It has 256 bits of its own, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """Return 256 random bits, fit for a cookie or an address."""
    return secrets.token_urlsafe(32)


def find_person(place: Place, request: HTTPConnection) -> Person | None:
    """Return who asks, None when nobody known does.

    A program that sends a token is never taken for the person whose cookie happens to be there. While PostgreSQL is away
    those who were known lately are recalled: they may look at what was shown last, and do and see nothing else, because
    nobody knows whether they have been shut out since.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        with place.reading() as connection:
            return _of_token(connection, token.strip())
    cookie = request.cookies.get(cookie_name(request))
    if not cookie:
        return None
    hashed = digest(cookie)
    try:
        with place.reading() as connection:
            person = _of_session(connection, hashed)
    except Exception as error:
        if not is_outage(error):
            raise
        return _recall(hashed)
    _remember(hashed, person)
    return person


def is_secure(request: HTTPConnection) -> bool:
    """Say whether the browser speaks TLS, with us or with the proxy before us."""
    return request.url.scheme in ("https", "wss")


def cookie_name(request: HTTPConnection) -> str:
    """Return the name of the session's cookie. Under TLS only the one that no neighbouring site can plant is read."""
    return SECURE_COOKIE if is_secure(request) else COOKIE


def forget(hashed: bytes) -> None:
    """Forget a session that has ended."""
    _remembered.pop(hashed, None)


def forget_user(user_id: int) -> None:
    """Forget all sessions of a person."""
    for hashed in [each for each, (_, person) in _remembered.copy().items() if person.user_id == user_id]:
        forget(hashed)


def _remember(hashed: bytes, person: Person | None) -> None:
    _remembered.pop(hashed, None)
    if person is not None:
        _remembered[hashed] = time.monotonic(), person
        if len(_remembered) > REMEMBERED_MOST:
            _remembered.pop(next(iter(_remembered)))


def _recall(hashed: bytes) -> Person | None:
    since, person = _remembered.get(hashed, (0.0, None))
    if person is None or time.monotonic() - since >= REMEMBERED_SECONDS:
        return None
    return replace(person, recalled=True)


def _of_session(connection: psycopg.Connection[Any], hashed: bytes) -> Person | None:
    found = web_access.session(connection, hashed, IDLE, LONGEST)
    if found is None:
        return None
    return Person(
        name=found["name"], role=found["role"], via="web", actor=f"user:{found['user_id']}", user_id=found["user_id"],
        session=Session(hashed, found["csrf"]), language=found["language"], theme=found["theme"],
        single_keys=found["single_keys"],
    )


def _of_token(connection: psycopg.Connection[Any], token: str) -> Person | None:
    if not token.startswith(TOKEN_PREFIX):
        return None
    found = web_access.token(connection, digest(token))
    if found is None:
        return None
    return Person(name=found["name"], role=found["role"], via="rest", actor=f"token:{found['id']}", token_id=found["id"])
