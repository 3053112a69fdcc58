"""The lists in a real browser: they follow executions, ticks outlive that, and a phone shows no empty lines."""

from __future__ import annotations

from tests.support.daemons import Rows
from tests.web.browser import chromium, faults, needs_chromium, window
from tests.web.conftest import TOKENS, Web
from tests.web.test_executions_page import an_execution

pytestmark = needs_chromium
LIVE = "document.body.dispatchEvent(new CustomEvent('live-executions'))"


def test_the_list_follows_executions_and_keeps_every_tick(web: Web, rows: Rows) -> None:
    jobs = [rows.add_job(f"order {number}", interval="1 hour") for number in range(3)]
    with chromium() as browser, window(browser, web.url, token=TOKENS["operator"], language="en") as page:
        page.goto("/scheduler/jobs")
        page.check("#tick-all")
        page.check("#tick-page")
        page.check(f"#tick-{jobs[1]}")
        run = an_execution(rows, jobs[0], "running", started_at="now")
        page.evaluate(LIVE)
        page.wait_for_selector(f"#list a.badge.running[href='/scheduler/executions/{run}']")
        assert [page.is_checked(f"#tick-{each}") for each in ("all", "page", jobs[1])] == [True, True, True]
        page.click("#bulk button[value=pause]")
        assert "3 jobs" in page.inner_text("h1")


def test_executions_keep_their_ticks(web: Web, rows: Rows) -> None:
    job = rows.add_job("orders")
    first = an_execution(rows, job, "failed")
    with chromium() as browser, window(browser, web.url, token=TOKENS["operator"], language="en") as page:
        page.goto("/scheduler/executions")
        page.check(f"#tick-{first}")
        second = an_execution(rows, job, "failed")
        page.evaluate(LIVE)
        page.wait_for_selector(f"#tick-{second}")
        assert page.is_checked(f"#tick-{first}") and not page.is_checked(f"#tick-{second}")


def test_phones_show_no_empty_lines_and_links_far_enough_apart(web: Web, rows: Rows) -> None:
    jobs = [rows.add_job(f"order {number}") for number in range(3)]
    an_execution(rows, jobs[0], "queued")
    with chromium() as browser, window(browser, web.url, token=TOKENS["operator"], language="en", width=320) as page:
        for path in ("/scheduler/jobs?columns=name,status,last,runs,next,p50,owner,markets,tags", "/scheduler/executions"):
            page.goto(path)
            seen = page.evaluate("[...document.querySelectorAll('table.cards td')].filter(e => e.offsetHeight)"
                                 ".map(e => e.innerText.trim())")
            assert seen and "–" not in seen, path
            assert faults(page) == [], path
        page.goto("/scheduler/jobs-bulk?action=pause&all=true")
        assert faults(page) == [] and page.locator("ul.chosen li").count() == 3
        heights = page.evaluate("[...document.querySelectorAll('ul.chosen a')].map(e => e.getBoundingClientRect().height)")
        assert min(heights) >= 24
    with chromium() as browser, window(browser, web.url, token=TOKENS["operator"], language="en") as page:
        page.goto("/scheduler/executions")
        assert page.locator("td.none").first.is_visible()
