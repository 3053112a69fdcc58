"""People for tests: who log in as a browser does, and send forms as its pages do."""

from __future__ import annotations

import re
from typing import Any

import httpx
import psycopg

from scheduler.queries import web_accounts
from scheduler.web.passwords import hash_password
from tests.support.daemons import LIMIT
from tests.web.conftest import Web

PASSWORD = "correct horse 9"
_hash: list[str] = []


class Browser:
    """A browser with cookies of its own."""

    def __init__(self, web: Web, language: str = "en", **headers: str) -> None:
        self.client = httpx.Client(base_url=web.url, timeout=LIMIT, headers={
            "Accept": "text/html", "Accept-Language": language, "Sec-Fetch-Site": "same-origin", **headers})

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """Post a form with the session's own token, as the pages do."""
        csrf = self.csrf()
        return self.client.post(path, data={"csrf": csrf, **fields})

    def csrf(self) -> str:
        found = re.search(r'data-csrf="([^"]*)"', self.get("/scheduler/locks").text)
        return found[1] if found else ""

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return self.client.post("/login", data={"name": name, "password": password, **more})

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


def add_user(connection: psycopg.Connection[Any], name: str, role: str = "admin") -> int:
    """Add a person with the common password, hashed once for the whole run."""
    if not _hash:
        _hash.append(hash_password(PASSWORD))
    return int(web_accounts.add_user(connection, name, role, _hash[0])["id"])


def logged_in(web: Web, name: str, language: str = "en") -> Browser:
    """Return a browser in which *name* is logged in."""
    browser = Browser(web, language)
    answer = browser.log_in(name)
    assert answer.status_code == 303, answer.text
    return browser
