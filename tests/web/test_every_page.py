"""Every page, in each theme, language and width, full and empty: axe objects to nothing, nothing is untranslated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser

from tests.web.browser import chromium, faults, hangul, needs_chromium, strays_sideways, window
from tests.web.conftest import TOKENS, Web, make_tokens
from tests.web.shop import stock_shop

pytestmark = needs_chromium

PAGES = (
    "/scheduler", "/scheduler/card", "/scheduler/jobs", "/scheduler/jobs?q=zzz", "/scheduler/jobs/1",
    "/scheduler/jobs/1?tab=history", "/scheduler/jobs/1?tab=calendar", "/scheduler/jobs/1?tab=revisions",
    "/scheduler/jobs/1?tab=why",
    "/scheduler/jobs/new", "/scheduler/jobs/1/edit", "/scheduler/executions", "/scheduler/executions?status=failed",
    "/scheduler/executions/1", "/scheduler/calendar", "/scheduler/locks", "/scheduler/nodes", "/scheduler/handlers",
    "/scheduler/markets", "/scheduler/workflows", "/scheduler/settings", "/scheduler/users", "/scheduler/tokens",
    "/scheduler/audit", "/scheduler/help", "/scheduler/more", "/scheduler/api", "/scheduler/nowhere", "/login",
)
LOOKS = [("ko", "light", 1280), ("en", "dark", 1280), ("ko", "dark", 360), ("en", "light", 320)]
# Names that a shop typed, and words in its rows, stay as they were typed.
DATA = (
    "[^\n]*(?:민지|도윤|수집|동기화|백업|보고서|손으로만|실행 안 됨|가격 변경|따옴표|새 주문|인증 만료|블랙프라이데이|임시공휴일"
    "|점검|주문 |한국)"
    "[^\n]*"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(params=["full", "empty"])
def state(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(state: str, database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> Iterator[Web]:
    make_tokens(connection)
    if state == "full":
        stock_shop(connection)
    made = Web(database, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_every_page_is_for_everybody(
    browser: Browser, shop: Web, state: str, language: str, theme: str, width: int
) -> None:
    found: dict[str, list[str]] = {}
    reaches: list[str] = []
    with window(browser, shop.url, token=TOKENS["admin"], language=language, theme=theme, width=width, reaches=reaches) as page:
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" and "404" not in said.text else None)
        for path in PAGES:
            wrong.clear()
            answer = page.goto(path, wait_until="load")
            assert answer is not None
            here = faults(page) + wrong
            if answer.status >= 500 or (answer.status == 404 and state == "full" and path != "/scheduler/nowhere"):
                here.append(f"status {answer.status}")
            if strays_sideways(page):
                here.append(f"wider than {width}")
            if language == "en":
                here += [f"Hangul: {line[:120]}" for line in hangul(page, DATA)]
            if here:
                found[path] = here
    assert found == {}
    assert [each for each in reaches if not each.startswith((shop.url, "data:", "blob:"))] == []
