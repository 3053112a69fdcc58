"""Every page while the database is away, in every theme and language: greyed with its age if it was seen, else in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from scheduler.database.migrate import migrate
from scheduler.web.people import COOKIE
from tests.support.cluster import Cluster
from tests.support.daemons import LIMIT
from tests.web.browser import needs_chromium
from tests.web.conftest import HTML, Web
from tests.web.walk import ADMIN, DOORS, VARIANTS, Walk, addresses, cookie_of, fill, open_doors, walk_all

pytestmark = needs_chromium
NEVER_SEEN = {"jobs-unseen": "/scheduler/jobs?q=unseen", "job-unseen": "/scheduler/jobs/4",
              "new-unseen": "/scheduler/jobs/new?x=1", "execution-unseen": "/scheduler/executions/2"}
NEED_NO_DATABASE = {"more", "help-error", "api"}
GREY = "getComputedStyle(document.querySelector('main')).filter === 'grayscale(1)'"


@pytest.fixture
def away(tmp_path: Path) -> Iterator[tuple[Web, dict[str, str]]]:
    """Serve the shop, let all pages be seen in both languages, and stop its database. Yields the pages that were seen."""
    server = Cluster()
    try:
        server.start()
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            migrate(connection)
            open_doors(connection)
            fill(connection)
            pages = {name: path for name, path in addresses(connection).items() if name not in VARIANTS}
        site = Web(server.dsn(), tmp_path)
        try:
            seen = see(site, pages)
            server.stop()
            yield site, seen
        finally:
            site.close()
    finally:
        server.remove()


def see(site: Web, pages: dict[str, str]) -> dict[str, str]:
    """Load all pages in both languages. Returns those that answered with a page."""
    seen = {}
    for language in ("ko", "en"):
        with httpx.Client(base_url=site.url, cookies={COOKIE: cookie_of(ADMIN)}, timeout=LIMIT,
                          headers={**HTML, "Accept-Language": language}) as person:
            seen = {name: path for name, path in pages.items() if person.get(path).status_code == 200}
    assert len(seen) >= len(pages) - 1
    return seen


def test_every_page_while_the_database_is_away(away: tuple[Web, dict[str, str]]) -> None:
    site, seen = away

    def steps(walk: Walk) -> None:
        for name, path in DOORS.items():
            walk.go(name, path, 503)
        walk.enter(ADMIN)
        for name in NEED_NO_DATABASE:
            walk.go(name, seen[name])
        for name, path in seen.items():
            if name not in NEED_NO_DATABASE:
                walk.go(name, path, 503)
                age = "초 전" if walk.language == "ko" else " s ago"
                assert walk.page.evaluate(GREY) and age in walk.page.inner_text("#outage"), name
        for name, path in NEVER_SEEN.items():
            walk.go(name, path, 503)

    walk_all(site.url, steps)
