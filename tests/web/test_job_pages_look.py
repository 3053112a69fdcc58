"""What only a browser can tell of the pages of jobs, executions and the calendar: what is seen first, and how large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.daemons import Rows
from tests.web.browser import chromium, faults, needs_chromium, strays_sideways, window
from tests.web.conftest import TOKENS, Web
from tests.web.test_execution_page import lines
from tests.web.test_executions_page import an_execution

pytestmark = needs_chromium
SEEN = """() => {
  const log = document.getElementById("log").getBoundingClientRect(), all = document.querySelectorAll("#log .line");
  const last = all[all.length - 1].getBoundingClientRect(); return last.bottom <= log.bottom + 2 && last.top >= log.top; }"""
TURNS = [("ko", "light", 360), ("en", "dark", 360), ("ko", "dark", 1280), ("en", "light", 1280)]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def shop(rows: Rows) -> dict[str, int]:
    """Make a job abroad with a course of durations, a failed run with a coloured log."""
    job = rows.add_job("뉴욕", interval="1 day", timezone="America/New_York")
    for number in range(1, 9):
        an_execution(rows, job, "success", scheduled_for=f"2026-01-0{number}")
    rows.connection.execute("UPDATE job_executions SET started_at = now() - id * interval '1 day', duration_ms = id * 9000,"
                            " finished_at = now() - id * interval '1 day'")
    failed = an_execution(rows, job, "failed", error_message="HTTP 500")
    lines(rows, failed, *(f"\x1b[{30 + number % 8}mline\x1b[0m \x1b[1;9{number % 8}m{number}" for number in range(300)))
    return {"job": job, "failed": failed}


def walk(browser: Browser, web: Web, path: str) -> Iterator[tuple[Page, int]]:
    for language, theme, width in TURNS:
        with window(browser, web.url, token=TOKENS["admin"], language=language, theme=theme, width=width) as page:
            page.goto(path, wait_until="load")
            yield page, width


def test_a_failed_log_is_seen_at_its_end_and_its_colours_can_be_read(browser: Browser, web: Web, shop: dict[str, int]) -> None:
    path = f"/scheduler/executions/{shop['failed']}"
    for page, _ in walk(browser, web, path):
        assert page.evaluate(SEEN) and not strays_sideways(page) and faults(page) == []
        page.locator("#log").evaluate("log => log.scrollBy(0, -200)")
        assert not page.evaluate(SEEN)
    with window(browser, web.url, token=TOKENS["viewer"], java_script_enabled=False) as page:
        page.goto(path)
        found = page.locator("#log .line").last.bounding_box(), page.locator("#log").bounding_box()
        assert found[0] is not None and found[1] is not None
        assert found[0]["y"] + found[0]["height"] <= found[1]["y"] + found[1]["height"] + 2


def test_the_week_is_a_list_that_can_be_read_on_a_phone(browser: Browser, web: Web, shop: dict[str, int]) -> None:
    for page, width in walk(browser, web, "/scheduler/calendar"):
        is_phone = width == 360
        assert page.locator("table.week").is_visible() is not is_phone
        assert page.locator(".agenda-days").is_visible() is is_phone and not strays_sideways(page) and faults(page) == []
        if is_phone:
            sizes = page.locator(".agenda-days *").evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
            assert min(sizes) >= 12
            assert page.locator(".agenda-days summary").first.evaluate("e => e.getBoundingClientRect().height") >= 44


def test_durations_are_a_chart_to_zoom_into(browser: Browser, web: Web, shop: dict[str, int]) -> None:
    for page, _ in walk(browser, web, f"/scheduler/jobs/{shop['job']}"):
        page.wait_for_selector(".trend-chart .uplot canvas")
        assert not page.locator(".trend-still").is_visible() and not strays_sideways(page) and faults(page) == []
        button = page.locator(".trend-spans button").first
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert page.locator("abbr.zone").first.inner_text() in ("EST", "EDT")
        page.evaluate("document.querySelector('.trend-chart .uplot').remove()")
        page.evaluate("document.getElementById('main').append(document.createElement('i'))")
        page.wait_for_selector(".trend-chart .uplot canvas")
    with window(browser, web.url, token=TOKENS["viewer"], java_script_enabled=False) as page:
        page.goto(f"/scheduler/jobs/{shop['job']}")
        assert page.locator("svg.trend").is_visible() and not page.locator(".trend-chart").is_visible()


def test_the_preview_is_met_before_the_button_on_a_phone_and_beside_it_elsewhere(
    browser: Browser, web: Web, shop: dict[str, int],
) -> None:
    for page, width in walk(browser, web, f"/scheduler/jobs/{shop['job']}/edit"):
        save = page.locator("#job-form p.row button.main")
        save.scroll_into_view_if_needed()
        preview, button = page.locator("#preview").bounding_box(), save.bounding_box()
        assert preview is not None and button is not None
        assert preview["y"] + preview["height"] <= button["y"] if width == 360 else 0 <= preview["y"] < 900
