"""What stands around every request: its number, its language, whose host it names, how large it may be, and the headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scheduler.web.problems import TITLES, Problem, as_json, wants_page
from scheduler.web.render import page
from scheduler.words import say, speak

MOST_BYTES = 1024 * 1024
# The server itself breaks off at twice as much, without a word.
MOST_HEADER_BYTES = 16 * 1024
LANGUAGE_COOKIE = "erps_lang"
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
WEIGHT = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)")
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

    hosts       names that a request may be addressed to; others get 421: a page elsewhere must not reach us by rebinding
    frames      who may embed the status card
    unforeseen  what answers an error that nothing else has answered
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], frames: str, secure: bool,
        unforeseen: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self.app = app
        self.unforeseen = unforeseen
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
                self._add_headers(MutableHeaders(scope=message), scope, trace_id)
            await send(message)

        problem = self._refusal(scope, headers)
        if problem is not None:
            await refuse(Request(scope, receive), problem)(scope, receive, with_headers)
            return
        if scope["method"] == "HEAD" and not scope["path"].startswith("/api/"):
            scope = {**scope, "method": "GET"}  # the server itself leaves the body out
        await self._answered(scope, receive, with_headers)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an error that nobody foresaw here, so that its answer bears our headers too and the connection goes on."""
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, _limited(receive), watched)
        except Exception as error:
            if has_begun:
                raise
            await (await self.unforeseen(Request(scope, receive), error))(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        """Say why a request gets no further than here."""
        if host_name(headers.get("host", "")) not in self.hosts:
            return Problem(421, "unknown-host", TITLES["unknown-host"](), "ERP_SCHEDULER_WEB_HOSTS")
        if header_bytes(scope) > MOST_HEADER_BYTES:
            return Problem(431, "headers-too-large", TITLES["headers-too-large"]())
        if announced_bytes(headers) > MOST_BYTES:
            words = say(f"본문은 {MOST_BYTES:,}바이트까지입니다", f"a body has at most {MOST_BYTES:,} bytes")
            return Problem(413, "too-large", words)
        return None

    def _add_headers(self, headers: MutableHeaders, scope: Scope, trace_id: str) -> None:
        frames = self.frames if scope["path"] == "/scheduler/card" else "'none'"
        headers["Content-Security-Policy"] = POLICY.format(frames=frames)
        headers["X-Trace-Id"] = trace_id
        for name, value in HEADERS.items():
            headers[name] = value
        # By our own certificate, or by what a trusted proxy says that the browser speaks.
        if self.secure or scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"


def refuse(request: Request, problem: Problem) -> Response:
    """Answer a request that got no further: a person with a page in words, a program with a problem."""
    if not wants_page(request):
        return as_json(problem, request)
    return page(request, "problem.html", problem.status, problem=problem, trace_id=request.state.trace_id)


def header_bytes(scope: Scope) -> int:
    """Return how much stands before the body: the address and every header."""
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return address + sum(len(name) + len(value) for name, value in scope["headers"])


def announced_bytes(headers: Headers) -> int:
    """Return how long the body says it is; what says nothing readable is counted as it comes."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else MOST_BYTES + 1 if text else 0


def host_name(host: str) -> str:
    """Return the name of a Host header, without its port; nothing for what is no such header."""
    found = HOST.fullmatch(host.lower())
    return found[1] if found else ""


def chosen_language(headers: Headers) -> str:
    """Return ``ko`` or ``en``: the person's own choice, else what the browser wants most, else Korean."""
    chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    if chosen in ("ko", "en"):
        return chosen
    wanted: list[tuple[float, str]] = []
    for part in headers.get("accept-language", "").split(","):
        language, _, weight = (each.strip().lower() for each in part.partition(";"))
        if language.partition("-")[0] in ("ko", "en"):
            wanted.append((-_weight(weight), language[:2]))
    # Sorting is stable: of two that weigh the same, the one that was named first.
    return next((language for weight, language in sorted(wanted, key=lambda each: each[0]) if weight < 0), "ko")


def _weight(text: str) -> float:
    found = WEIGHT.fullmatch(text)
    return float(found[1]) if found else 1.0


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
