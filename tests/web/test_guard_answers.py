"""What the outermost layer refuses, in the shape and the language of whoever asked; and which language that is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from starlette.datastructures import Headers

from scheduler.web.guards import MOST_BYTES, MOST_HEADER_BYTES, chosen_language
from tests.support.daemons import LIMIT
from tests.web.conftest import HTML, Web

HANGUL = re.compile("[가-힣]")
REFUSALS = {
    421: ("unknown-host", {"Host": "evil.example"}), 431: ("headers-too-large", {"X-Long": "x" * MOST_HEADER_BYTES}),
    413: ("too-large", {"Content-Length": str(MOST_BYTES + 1)}),
}


def head(web: Web, path: str, headers: dict[str, str]) -> tuple[int, Any, str]:
    """Send the head of a request and nothing behind it; return what is answered."""
    opened = HTTPConnection("127.0.0.1", web.port, timeout=LIMIT)
    opened.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": f"127.0.0.1:{web.port}", **headers}.items():
        opened.putheader(name, value)
    opened.endheaders()
    with opened.getresponse() as answer:
        return answer.status, answer.headers, answer.read().decode()


@pytest.mark.parametrize("status", list(REFUSALS))
def test_a_program_gets_a_problem_and_a_person_a_page(web: Web, status: int) -> None:
    code, headers = REFUSALS[status]
    for language in ("ko", "en"):
        asked = {**headers, "Accept-Language": language}
        found, told, text = head(web, "/api/v1/jobs", asked)
        problem = json.loads(text)
        assert (found, told["content-type"]) == (status, "application/problem+json")
        assert problem["code"] == code and problem["type"] == f"/scheduler/help/errors/{code}"
        assert problem["status"] == status and problem["trace_id"] == told["x-trace-id"]
        assert bool(HANGUL.search(problem["detail"])) is (language == "ko") is (told["content-language"] == "ko")
        found, told, text = head(web, "/scheduler/jobs", {**asked, **HTML})
        assert found == status and told["content-type"].startswith("text/html")
        assert bool(HANGUL.search(text)) is (language == "ko")
        assert "evil.example" not in text and "default-src 'none'" in told["content-security-policy"]


def test_a_body_that_never_said_its_length_is_told_the_same(web: Web) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(MOST_BYTES // 65536 + 2):
            yield b"x" * 65536

    sent = web.ask["admin"].post("/api/v1/jobs", content=drip(), headers={"Content-Type": "application/json"})
    assert (sent.status_code, sent.json()["code"]) == (413, "too-large")
    assert sent.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("cookie", "header", "language"), [
    (None, "", "ko"), (None, "en", "en"), (None, "en-GB,en;q=0.9", "en"), (None, "fr, en;q=0.5", "en"), (None, "de", "ko"),
    (None, "en;q=0.3, ko;q=0.9", "ko"), (None, "ko;q=0.1,en-US;q=0.8", "en"), (None, "en;q=0, ko;q=0.1", "ko"),
    (None, "en;q=0", "ko"), (None, "EN", "en"), (None, "en;q=bad", "en"), ("ko", "en", "ko"), ("en", "ko", "en"),
    ("xx", "en", "en"),
])
def test_the_language_is_the_cookies_else_what_is_wanted_most(cookie: str | None, header: str, language: str) -> None:
    given = {"accept-language": header} | ({"cookie": f"erps_lang={cookie}"} if cookie else {})
    assert chosen_language(Headers(given)) == language


@pytest.mark.parametrize(("method", "path", "role", "status"), [
    ("GET", "/api/v1/executions/7", "viewer", 404), ("GET", "/api/v1/status", "none", 401),
    ("POST", "/api/v1/jobs", "viewer", 403), ("GET", "/api/v1/jobs?limit=0", "viewer", 422),
    ("GET", "/api/v1/nothing", "viewer", 404), ("PUT", "/api/v1/status", "admin", 405),
    ("GET", "/api/v1/jobs?cursor=x", "viewer", 400),
])
def test_a_problem_speaks_by_header_and_cookie(web: Web, method: str, path: str, role: str, status: int) -> None:
    for headers, language in (({"Accept-Language": "en"}, "en"), ({"Accept-Language": "ko"}, "ko"), ({}, "ko"),
                              ({"Accept-Language": "ko", "Cookie": "erps_lang=en"}, "en")):
        answer = web.ask[role].request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["content-language"]) == (status, language), answer.text
        problem = answer.json()
        assert bool(HANGUL.search(problem["title"] + problem["detail"])) is (language == "ko"), problem
