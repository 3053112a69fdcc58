"""What stands around every request: its number, its language, whose host it names, how large it may be, and the headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scheduler.words import speak

MOST_BYTES = 1024 * 1024
LANGUAGE_COOKIE = "erps_lang"
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guards:
    """The outermost layer.

    hosts   names that a request may be addressed to; others get 421: a page elsewhere must not reach us by rebinding
    frames  who may embed the status card
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], frames: str, secure: bool) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.frames = frames
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace_id = secrets.token_hex(8)
        scope.setdefault("state", {})["trace_id"] = trace_id
        speak(chosen_language(headers))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), scope["path"], trace_id)
            await send(message)

        if host_name(headers.get("host", "")) not in self.hosts:
            await PlainTextResponse("421 unknown host\n", 421)(scope, receive, with_headers)
        elif announced_bytes(headers) > MOST_BYTES:
            await PlainTextResponse("413 too large\n", 413)(scope, receive, with_headers)
        else:
            await self.app(scope, _limited(receive), with_headers)

    def _add_headers(self, headers: MutableHeaders, path: str, trace_id: str) -> None:
        frames = self.frames if path == "/scheduler/card" else "'none'"
        headers["Content-Security-Policy"] = POLICY.format(frames=frames)
        headers["X-Trace-Id"] = trace_id
        for name, value in HEADERS.items():
            headers[name] = value
        if self.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"


def announced_bytes(headers: Headers) -> int:
    """Return how long the body says it is; what says nothing readable is counted as it comes."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else MOST_BYTES + 1 if text else 0


def host_name(host: str) -> str:
    """Return the name of a Host header, without its port; nothing for what is no such header."""
    found = HOST.fullmatch(host.lower())
    return found[1] if found else ""


def chosen_language(headers: Headers) -> str:
    """Return ``ko`` or ``en``: the person's own choice, else what the browser asks for first, else Korean."""
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    if chosen in ("ko", "en"):
        return chosen
    for part in headers.get("accept-language", "").split(","):
        language = part.split(";")[0].strip().lower()[:2]
        if language in ("ko", "en"):
            return language
    return "ko"


def _limited(receive: Receive) -> Receive:
    """Give up on a body that goes on beyond the limit without having said how long it is."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            from starlette.exceptions import HTTPException

            raise HTTPException(413)
        return message

    return counted
