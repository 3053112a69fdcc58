"""Every page in every theme and language, wide and narrow, full and empty: axe objects to nothing, nothing is untranslated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.settings import Settings
from scheduler.web.app import make_app
from scheduler.web.rights import api_routes
from tests.web.browser import needs_chromium
from tests.web.conftest import Web
from tests.web.walk import ADMIN, DOORS, FIRST_DOORS, PAGES, Walk, addresses, fill, invite, open_doors, walk_all

# Those that answer something else than a page, and those that lead on to one.
NO_PAGES = {
    "/healthz", "/readyz", "/metrics", "/scheduler/events", "/scheduler/overview/series", "/scheduler/overview/{part}",
    "/scheduler/executions/{execution_id:int}/log", "/scheduler/executions/{execution_id:int}/log.txt",
    "/scheduler/jobs-export", "/scheduler/executions-export", "/", "/scheduler/users/{user_id}",
}
# Seen where they come from: by a form that is sent.
AFTER_A_FORM = {"/scheduler/bulk/{key}"}
# What an empty database has too: no page of one job, execution, workflow, overlay.
OF_A_ROW = re.compile(r"/(?:\d+|FAILED|RUNNING|QUEUED)(?:/|\?|$)")
NOWHERE = {"nowhere"}


@pytest.fixture
def site(database: str, tmp_path: Path) -> Iterator[Web]:
    made = Web(database, tmp_path)
    yield made
    made.close()


@needs_chromium
def test_the_first_doors_are_for_everybody(site: Web, connection: psycopg.Connection[Any]) -> None:
    invite(connection)

    def steps(walk: Walk) -> None:
        for name, path in FIRST_DOORS.items():
            walk.go(name, path)

    walk_all(site.url, steps)


@needs_chromium
@pytest.mark.parametrize("state", ["full", "empty"])
def test_every_page_is_for_everybody(site: Web, connection: psycopg.Connection[Any], state: str) -> None:
    open_doors(connection)
    if state == "full":
        fill(connection)
    pages = {name: path for name, path in addresses(connection).items() if state == "full" or not OF_A_ROW.search(PAGES[name])}

    def steps(walk: Walk) -> None:
        for name, path in DOORS.items():
            walk.go(name, path)
        walk.enter(ADMIN)
        for name, path in pages.items():
            walk.go(name, path, 404 if name in NOWHERE else 200)

    walk_all(site.url, steps)


def test_no_page_is_forgotten() -> None:
    routes = list(api_routes(make_app(Settings(), "postgresql://nobody@localhost:1/none").routes))
    pages = [each for each in routes if "GET" in (each.methods or ()) and not each.path.startswith("/api/")]
    walked = set()
    for path in (*PAGES.values(), *DOORS.values(), *FIRST_DOORS.values()):
        plain = re.sub("FAILED|RUNNING|QUEUED", "1", path.partition("?")[0])
        walked.add(next((each.path for each in pages if each.path_regex.fullmatch(plain)), None))
    known = {each.path for each in pages}
    assert sorted(known - walked - NO_PAGES - AFTER_A_FORM) == []
    assert sorted((NO_PAGES | AFTER_A_FORM) - known) == []
