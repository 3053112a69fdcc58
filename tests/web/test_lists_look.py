"""The lists in a browser: for everybody, in both languages, narrow and wide, and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scheduler.web import bulk
from scheduler.web.job_list import ALL
from tests.support.daemons import Rows
from tests.web.browser import chromium, faults, hangul, needs_chromium, strays_sideways, window
from tests.web.conftest import Web
from tests.web.people import add_user, logged_in
from tests.web.shop import stock_shop

pytestmark = needs_chromium
EVERY_COLUMN = "/scheduler/jobs?columns=" + ",".join(each.name for each in ALL)
# Names that the shop typed, and words in its rows, stay as they were typed.
DATA = "[^\n]*(?:민지|도윤|수집|동기화|백업|보고서|손으로만|실행 안 됨|가격 변경|따옴표|앞 실행이|인증 만료|점검)[^\n]*"
PAGES = (
    EVERY_COLUMN, "/scheduler/jobs?status=paused&sort=-owner", "/scheduler/executions?status=failed",
    *(f"/scheduler/jobs-bulk?action={action}&all=true" for action in ("run", "pause", "resume", "timeout", "archive")),
    "/scheduler/executions/retry-all", "/scheduler/executions/cancel-all?some=true", "/scheduler/bulk/unknown",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


def log_in(web: Web, context: BrowserContext, name: str) -> None:
    with logged_in(web, name) as known:
        context.add_cookies([{"name": name, "value": value, "url": web.url} for name, value in known.client.cookies.items()])


@pytest.mark.parametrize(("language", "theme", "width"), [("ko", "light", 1280), ("en", "dark", 320)])
def test_the_lists_are_for_everybody(web: Web, rows: Rows, browser: Browser, language: str, theme: str, width: int) -> None:
    stock_shop(rows.connection)
    add_user(rows.connection, "park")
    rows.connection.execute("INSERT INTO web_searches (user_id, list, name, query, shared) SELECT id, list, 'mine', 'q=x', true"
                            " FROM web_users, unnest(ARRAY['jobs', 'executions']) AS list WHERE name = 'park'")
    with window(browser, web.url, language=language, theme=theme, width=width) as page:
        log_in(web, page.context, "park")
        found = {path: wrong for path in PAGES if (wrong := _wrong(page, path, language))}
    assert found == {}


def _wrong(page: Page, path: str, language: str) -> list[str]:
    """Return what is wrong with a page, all that folds being open."""
    page.goto(path, wait_until="load")
    for summary in page.locator("details.fold > summary").all():
        summary.click()
    here = faults(page) + (["too wide"] if strays_sideways(page) else [])
    return here + (hangul(page, DATA) if language == "en" else [])


def test_everything_works_without_a_script(web: Web, rows: Rows, browser: Browser) -> None:
    count = bulk.AT_ONCE + 5
    add_user(rows.connection, "park")
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type, interval) SELECT 'job ' || lpad(n::text, 3, '0'), 'noop',"
                            " '1 hour' FROM generate_series(1, %s) AS n", (count,))
    with window(browser, web.url, language="en", java_script_enabled=False) as page:
        log_in(web, page.context, "park")
        page.goto("/scheduler/jobs")
        page.get_by_text("Columns", exact=True).click()
        page.get_by_label("Owner", exact=True).check()
        page.get_by_role("button", name="Show these").click()
        page.get_by_role("link", name="Name and schedule").click()
        query = urlsplit(page.url).query
        assert "sort=name" in query and "owner" in query
        page.get_by_text("Save or remove a search").click()
        page.get_by_label("Keep the present filter").fill("by name")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("link", name="by name")).to_have_attribute("aria-current", "page")
        page.get_by_label("Select job 002", exact=True).check()
        page.get_by_role("button", name="Pause…").click()
        page.get_by_label("Reason").fill("stocktaking")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.get_by_text("1 done")).to_be_visible()
        assert rows.all("SELECT name || pause_reason FROM schedule_jobs WHERE status = 'paused'") == ["job 002stocktaking"]
        page.get_by_role("link", name="Back to the list").click()
        page.get_by_label(f"Select all {count} matching").check()
        page.get_by_role("button", name="Run now…").click()
        page.get_by_label("Type the number").fill(str(count))
        page.get_by_role("button", name="Run now", exact=True).click()
        while page.get_by_role("link", name="Refresh").count():
            page.get_by_role("link", name="Refresh").click()
        expect(page.get_by_text(f"{count - 1} done")).to_be_visible()
        expect(page.get_by_text("1 not done")).to_be_visible()
        page.get_by_role("link", name="Back to the list").click()
        page.go_back()
        expect(page.get_by_text(f"{count - 1} done")).to_be_visible()


def test_the_page_of_a_long_deed_goes_on_by_itself_and_then_rests(web: Web, rows: Rows, browser: Browser) -> None:
    add_user(rows.connection, "park")
    rows.connection.execute("INSERT INTO schedule_jobs (name, job_type) SELECT 'job ' || n, 'noop'"
                            " FROM generate_series(1, %s) AS n", (bulk.AT_ONCE + 2,))
    with window(browser, web.url, language="en") as page:
        log_in(web, page.context, "park")
        page.goto("/scheduler/jobs-bulk?action=pause&all=true")
        page.get_by_label("Type the number").fill(str(bulk.AT_ONCE + 2))
        with rows.connection.transaction():
            rows.connection.execute("SELECT FROM schedule_jobs WHERE id = (SELECT max(id) FROM schedule_jobs) FOR UPDATE")
            page.get_by_role("button", name="Pause", exact=True).click()
            expect(page.get_by_text(f"{bulk.AT_ONCE} of {bulk.AT_ONCE + 2} are through")).to_be_visible()
        expect(page.get_by_text(f"{bulk.AT_ONCE + 2} done")).to_be_visible(timeout=20_000)
        expect(page.get_by_role("link", name="Refresh")).to_have_count(0)
        assert page.locator("#progress").get_attribute("hx-trigger") is None
