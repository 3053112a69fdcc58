"""The HTTP server around a sandbox market: faults, counts, and the control door under ``/_sandbox``."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from handlers.sandbox.answers import Answer, Request, SandboxMarket, json_answer
from handlers.sandbox.control import Control
from handlers.sandbox.counts import Counts
from handlers.sandbox.faults import Fault, Faults

EDGE_PAGE = b"<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1></body></html>"
LARGEST_BODY = 4 * 1024 * 1024


class Sandbox:
    """One market and what happens to its callers. Calls run side by side; only the counting takes turns.

    calls_per_second  more calls than this within a second get the market's answer to that; 0 for no limit
    """

    def __init__(self, market: SandboxMarket, calls_per_second: int = 0) -> None:
        self.market = market
        self.faults = Faults(market.quirks)
        self.counts = Counts()
        self.control = Control(market, self.faults, self.counts)
        self.closing = threading.Event()
        self._limit = calls_per_second

    @property
    def requests(self) -> Counter[str]:
        """Count the market's calls, each named by method and path; those for a token are left out."""
        return self.counts.requests

    def answer(self, request: Request) -> tuple[Answer, Fault | None]:
        """Answer a call of the market, and say which fault the server must still act out."""
        is_token_call = self.market.is_token_call(request)
        at_once = self.counts.begin(f"{request.method} {request.path}", is_token_call)
        answer, fault = self._answer(request, at_once)
        self.counts.end("reset" if fault and is_reset(fault) else str(answer.status), is_token_call)
        return answer, fault

    def _answer(self, request: Request, at_once: int) -> tuple[Answer, Fault | None]:
        fault = self.faults.take(request.target)
        if fault is None and 0 < self._limit < at_once:
            return self.market.too_many(None), None
        if fault is not None:
            instead = self._instead(fault)
            if instead is not None:
                return instead, fault
            if fault.kind == "slow":
                self.closing.wait(fault.seconds)
            if fault.kind in self.market.quirks:
                request = replace(request, quirk=fault.kind)
        state = self.market.shop.state
        before = state.written_here()
        answer = self.market.answer(request)
        if state.written_here() > before:
            fault = self.faults.take(request.target, has_written=True) or fault
        return answer, fault

    def _instead(self, fault: Fault) -> Answer | None:
        """Return what the caller gets instead of an answer; None when the market is asked all the same."""
        if fault.kind == "429":
            return self.market.too_many(fault.retry_after)
        if fault.kind == "503":
            return Answer(503, b"Service Unavailable", {"Content-Type": "text/plain"})
        if fault.kind == "html403":
            return Answer(403, EDGE_PAGE, {"Content-Type": "text/html"})
        if fault.kind == "maintenance":
            return self.market.maintenance()
        return self.market.expired() if fault.kind == "expired" else None


def is_reset(fault: Fault) -> bool:
    return fault.kind in ("reset", "drop_after_write")


class Server(ThreadingHTTPServer):
    """Serves a sandbox on an address of this machine; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        super().__init__((host, port), Connection)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.port}"

    def stop(self) -> None:
        """End serving; slow answers are cut short."""
        self.sandbox.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that went away."""


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal for what matters."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            self._send(json_answer({"error": "too large"}, 413), None)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        if request.path.startswith("/_sandbox"):
            self._send(self.server.sandbox.control.answer(request), None)
            return
        self._send(*self.server.sandbox.answer(request))

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        if fault is not None and is_reset(fault):
            # Lingering for zero seconds makes closing send a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if fault is not None and fault.kind == "truncate":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
            return
        self.wfile.write(answer.body)
