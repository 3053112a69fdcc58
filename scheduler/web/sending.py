"""A form that is sent twice, by a double click or a reload, is done once and answered alike.

Every rendering of a page puts a random part behind the session's token in its forms. Whoever changes something by such a
form takes the key of (session, rendering, address, body) in the transaction of the change itself: a second sending waits
for the first one, and is done only when that has come to nothing. Only where an answer leads to is kept, never what stood
in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scheduler.errors import Conflict, DatabaseUnavailable
from scheduler.queries import web_replies
from scheduler.words import say

if TYPE_CHECKING:
    from scheduler.web.people import Person
    from scheduler.web.place import Place

HEADER = "x-csrf-token"
FIELD = "csrf"
WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.05
TIDY_SECONDS = 3600.0
LIMIT = f"SET LOCAL lock_timeout = '{WAIT_SECONDS:.0f}s'"
PRESENT_LIMIT = "SELECT current_setting('lock_timeout')"
FORMER_LIMIT = "SELECT set_config('lock_timeout', %(limit)s, true)"

_tidied = [0.0]


class SentAgain(Exception):
    """The same form has been done before: *status* and *location* say what was answered then."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__(location)
        self.status = status
        self.location = location


def token_for(request: Request, person: Person | None) -> str:
    """Return what the forms of this rendering carry. A part of a page that is drawn anew keeps the page's own."""
    if person is None or person.session is None:
        return ""
    own = person.session.csrf + "."
    given = request.headers.get(HEADER, "")
    if request.headers.get("hx-request") == "true" and given.startswith(own) and given.isascii() and len(given) < 200:
        return given
    return own + secrets.token_urlsafe(12)


def session_part(token: str) -> str:
    """Return the part of a form's token that belongs to the session."""
    return token.partition(".")[0]


async def mark(request: Request, token: str) -> None:
    """Remember which sending of which form *request* is; one without a rendering of its own, or of the API, is none."""
    if not token.partition(".")[2] or request.method != "POST" or request.url.path.startswith("/api/"):
        return
    body = await _content(request)
    address = f"{request.url.path}?{request.url.query}"
    # The rendering is random and stored nowhere, so that nobody can guess at the body by its digest.
    digest = hashlib.sha256("\n".join((token, address)).encode() + b"\n\n" + body).digest()
    person: Person = request.state.person
    # Of its own for each sending: one that was refused must not free the key that the next one has taken.
    mine = secrets.token_bytes(16)
    request.state.sending = {"actor": person.actor, "key": f"form:{digest.hex()}", "fingerprint": mine}


async def _content(request: Request) -> bytes:
    """Return what was sent, without the token; a form's parts bear other marks each time, their values do not."""
    if request.headers.get("content-type", "").split(";")[0] in ("application/x-www-form-urlencoded", "multipart/form-data"):
        given = [(name, value) for name, value in (await request.form()).multi_items() if name != FIELD]
        return repr([(name, value if isinstance(value, str) else (value.filename, value.size)) for name, value in given]).encode()
    return await request.body()


def take(connection: psycopg.Connection[Any], request: Request) -> None:
    """Take the key of *request* in its transaction. Raises SentAgain when it was done before, Conflict when that lasts."""
    which: dict[str, Any] | None = getattr(request.state, "sending", None)
    if which is None or getattr(request.state, "has_taken", False):
        return
    until = time.monotonic() + WAIT_SECONDS
    former = _reserve(connection, which)
    while former is not None and former["status"] is None and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        former = _reserve(connection, which)
    if former is None:
        request.state.has_taken = True
    elif former["status"] is None:
        raise Conflict(_still())
    elif not former["headers"].get("location"):
        raise Conflict(say("이미 처리했습니다. 그 응답은 다시 보여 주지 않습니다. 화면을 다시 여세요",
                           "it was done already, and its answer is not shown again; open the page anew"))
    else:
        raise SentAgain(former["status"], former["headers"]["location"])


def _reserve(connection: psycopg.Connection[Any], which: dict[str, Any]) -> dict[str, Any] | None:
    """Wait for whoever holds the key, for a limited time, then take it or return what became of theirs."""
    limit = connection.execute(PRESENT_LIMIT).fetchone()
    assert limit is not None
    found = None
    try:
        with connection.transaction():
            connection.execute(LIMIT)
            found = web_replies.reserve(connection, which)
            if found is not None:
                raise psycopg.Rollback  # the row that was met is locked by now, and whoever took it has yet to note its answer
    except psycopg.errors.LockNotAvailable as error:
        raise Conflict(_still()) from error
    if found is None:
        connection.execute(FORMER_LIMIT, {"limit": limit[0]})
    return found


def _still() -> str:
    return say("같은 요청을 아직 처리하고 있습니다. 잠시 뒤 되었는지 확인하세요",
               "the same request is still at work; look in a moment whether it was done")


class Settle:
    """Keep where the answer to a form leads to, before it goes out; free the key when nothing came of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def settled(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get("state", {}).get("has_taken"):
                headers = Headers(raw=message["headers"])
                # What sets a cookie may be done again: whoever sends it again lacks that cookie.
                status = 400 if "set-cookie" in headers else message["status"]
                await run_in_threadpool(_settle, scope["app"].state.place, scope["state"]["sending"], status,
                                        headers.get("location"))
            await send(message)

        try:
            await self.app(scope, receive, settled)
        except Exception:
            if scope.get("state", {}).get("has_taken"):
                await run_in_threadpool(_settle, scope["app"].state.place, scope["state"]["sending"], 500, None)
            raise


def _settle(place: Place, which: dict[str, Any], status: int, location: str | None) -> None:
    # The deed is done and its answer is known: that this could not be noted must not hide it.
    with contextlib.suppress(psycopg.Error, DatabaseUnavailable), place.reading() as connection:
        tidy(connection)
        if status >= 400:
            web_replies.forget(connection, which)
            return
        headers = Jsonb({"location": location} if location else {})
        web_replies.keep(connection, {**which, "status": status, "headers": headers, "body": None})


def tidy(connection: psycopg.Connection[Any]) -> None:
    """Delete the answers that have lapsed, now and then."""
    if time.monotonic() - _tidied[0] > TIDY_SECONDS or not _tidied[0]:
        _tidied[0] = time.monotonic()
        web_replies.tidy(connection)


def again(_request: Request, error: Exception) -> Response:
    """Answer a second sending as the first one was answered."""
    assert isinstance(error, SentAgain)
    return RedirectResponse(error.location, error.status, {"Idempotency-Replayed": "true"})
