"""`Idempotency-Key`: a POST that is sent again, because its answer was lost, is answered again and done once.

A router says ``route_class=OnceRoute``. An answer is kept for a day, for whoever sent the request. What was refused has
changed nothing and is not kept: it may be sent again. A request that broke off without an answer, or failed after a part of
it was done, stays reserved: whoever sends it again is told to look first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from scheduler.queries import web_replies
from scheduler.queries.rows import Row
from scheduler.web import sending
from scheduler.web.place import Place, place_of
from scheduler.web.problems import Problem, Refused
from scheduler.web.rights import Needs
from scheduler.words import say

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_HEADERS = ("content-type", "location", "etag", "link", "preference-applied")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class OnceRoute(APIRoute):
    """A route whose POST may carry an Idempotency-Key."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handler

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST":
                return await handler(request)
            await request.body()  # before somebody reads it as a form, which leaves nothing of it
            for each in self.dependencies:
                # Whoever may not do it learns nothing of what was answered.
                if isinstance(each.dependency, Needs):
                    await each.dependency(request)
            return await _once(request, key, handler)

        return once


def keep_no_answer(request: Request) -> None:
    """Keep the answer to *request* out of the database, because a secret stands in it."""
    request.state.has_secret = True


async def _once(request: Request, key: str, handler: Handler) -> Response:
    if not KEY.fullmatch(key):
        raise _refusal(400, "malformed", say("Idempotency-Key는 보이는 ASCII 글자 1~255자입니다",
                                             "Idempotency-Key has 1 to 255 visible ASCII characters"))
    place = place_of(request)
    fingerprint = _fingerprint(request, await request.body())
    which = {"actor": _actor(request), "key": key, "fingerprint": fingerprint}
    former = await run_in_threadpool(_reserve, place, which)
    if former is not None:
        return _again(former, fingerprint)
    try:
        response = await handler(request)
    except Exception:
        if not getattr(request.state, "has_committed", False):
            await run_in_threadpool(_forget, place, which)
        raise
    await run_in_threadpool(_keep, place, which, response, bool(getattr(request.state, "has_secret", False)))
    return response


def _actor(request: Request) -> str:
    person = getattr(request.state, "person", None)
    return "nobody" if person is None else str(person.actor)


def _fingerprint(request: Request, body: bytes) -> bytes:
    given = "\n".join((request.url.path, request.url.query, request.headers.get("content-type", "")))
    return hashlib.sha256(given.encode() + b"\n\n" + body).digest()


def _reserve(place: Place, which: dict[str, Any]) -> Row | None:
    """Take the key, or return what is kept of its former request."""
    with place.reading() as connection:
        sending.tidy(connection)
        return web_replies.reserve(connection, which)


def _again(former: Row, fingerprint: bytes) -> Response:
    if bytes(former["fingerprint"]) != fingerprint:
        raise _refusal(422, "invalid", say("이 Idempotency-Key로 다른 요청을 이미 보냈습니다. 새 값을 쓰세요",
                                           "this Idempotency-Key was sent with another request; use a new one"))
    if former["status"] is None:
        raise _refusal(409, "conflict", say(
            "이 Idempotency-Key의 요청이 아직 처리 중이거나 끊겼습니다. 되었는지 먼저 확인하세요",
            "the request with this Idempotency-Key is still at work, or was broken off; look first whether it was done"))
    if former["body"] is None:
        raise _refusal(409, "conflict", say("이미 처리했습니다. 비밀이 든 응답은 다시 보여 주지 않습니다",
                                            "it was done already; an answer with a secret in it is not shown again"))
    return Response(former["body"], former["status"], {**former["headers"], REPLAYED: "true"})


def _refusal(status: int, code: str, words: str) -> Refused:
    return Refused(Problem(status, code, words, errors=(
        {"pointer": "/Idempotency-Key", "in": "header", "code": code, "message": words},)))


def _forget(place: Place, which: dict[str, Any]) -> None:
    with place.reading() as connection:
        web_replies.forget(connection, which)


def _keep(place: Place, which: dict[str, Any], response: Response, has_secret: bool) -> None:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = None if has_secret else bytes(getattr(response, "body", b"")).decode()
    with place.reading() as connection:
        web_replies.keep(connection, {**which, "status": response.status_code, "headers": Jsonb(headers), "body": body})
