"""The HTTP server around a sandbox market: faults, counts and the control door under ``/_sandbox``."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from handlers.sandbox.answers import Answer, Request, json_answer
from handlers.sandbox.coupang import Coupang
from handlers.sandbox.faults import Fault, Faults

EDGE_PAGE = b"<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1></body></html>"
LARGEST_BODY = 1024 * 1024


class Sandbox:
    """One market and what happens to its callers.

    calls_per_second  more calls than this within a second get 429; 0 for no limit
    """

    def __init__(self, market: Coupang, calls_per_second: int = 0) -> None:
        self.market = market
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self.closing = threading.Event()
        self._limit = calls_per_second
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def control(self, request: Request) -> Answer:
        """Answer the control door: faults, truth, counts."""
        if request.path == "/_sandbox/orders":
            return json_answer({"now": self.market.now().isoformat(), "lines": self.market.truth()})
        if request.path == "/_sandbox/requests":
            with self._lock:
                return json_answer({"total": self.requests.total(), "by_call": dict(self.requests)})
        if request.path == "/_sandbox/faults" and request.method == "DELETE":
            self.faults.clear()
            return json_answer({"cleared": True})
        if request.path == "/_sandbox/faults" and request.method == "POST":
            try:
                self.faults.add(json.loads(request.body))
            except (ValueError, TypeError, AttributeError) as error:
                return json_answer({"error": str(error)}, 400)
            return json_answer({"added": True})
        return json_answer({"error": "faults, orders and requests are under /_sandbox"}, 404)

    def answer(self, request: Request) -> tuple[Answer, Fault | None]:
        """Answer a call of the market, and say which fault the server must still act out."""
        with self._lock:
            self.requests[f"{request.method} {request.path}"] += 1
        fault = self.faults.take(request.target)
        if fault is None:
            return (TOO_MANY if self._is_too_fast() else self.market.answer(request)), None
        if fault.kind == "slow":
            self.closing.wait(fault.seconds)
        if fault.kind == "429":
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return Answer(429, b"Too Many Requests", {"Content-Type": "text/plain", **headers}), fault
        if fault.kind == "503":
            return Answer(503, b"Service Unavailable", {"Content-Type": "text/plain"}), fault
        if fault.kind == "html403":
            return Answer(403, EDGE_PAGE, {"Content-Type": "text/html"}), fault
        if fault.kind == "expired":
            return json_answer({"code": "ERROR", "message": "Specified signature is expired.", "transactionId": "-"}, 401), fault
        with self._lock:
            self.market.partial_acknowledge = fault.kind == "partial_ack"
            self.market.v4_money = fault.kind == "v4_money"
            try:
                return self.market.answer(request), fault
            finally:
                self.market.partial_acknowledge = self.market.v4_money = False

    def _is_too_fast(self) -> bool:
        now = time.monotonic()
        with self._lock:
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            self._recent.append(now)
            return 0 < self._limit < len(self._recent)


TOO_MANY = Answer(429, b"Too Many Requests", {"Content-Type": "text/plain"})


class Server(ThreadingHTTPServer):
    """Serves a sandbox on an address of this machine; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        super().__init__((host, port), Connection)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

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
            self._send(json_answer({"error": "too large"}, 413), None)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        if request.path.startswith("/_sandbox"):
            self._send(self.server.sandbox.control(request), None)
            return
        self._send(*self.server.sandbox.answer(request))

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "reset":
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
