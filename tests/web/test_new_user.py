"""A newcomer with a real browser: from the demo and the link that it prints to everything that one does with jobs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.support.daemons import ROOT, wait_for
from tests.web.browser import chromium, needs_chromium, window

pytestmark = needs_chromium
LINK = re.compile(r"(http://localhost:\d+)(/scheduler/setup/\S+)\n")  # with the end of its line: all of it is written
PATIENCE = 45_000


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Run the demo, with handlers that fail or sleep beside its own. Yields what it prints, and its folder.

    The port is one of its own: demos that start at the same time all find the usual one free, and the link of one then
    leads to the dashboard of another, which does not know it.
    """
    output, folder = tmp_path / "output.txt", tmp_path / "demo"
    with output.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "scheduler", "demo", "--folder", str(folder), "--lang", "en", "--port", str(free_port())],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=written, stderr=written,
            env={**os.environ, "ERP_SCHEDULER_HANDLERS": "tests.support.jobs"},
        )
    try:
        wait_for(lambda: LINK.search(output.read_text()) is not None, 120, "the set-up link")
        yield output.read_text(), folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def add_jobs(folder: Path) -> None:
    from scheduler.database.embedded import Embedded

    with psycopg.connect(Embedded(folder).url(), autocommit=True) as connection:
        connection.execute("INSERT INTO schedule_jobs (name, job_type, parameters, max_retries) VALUES"
                           " ('long', 'sleep', '{\"seconds\": 600}', 0), ('broken', 'crash', '{}', 0)")
        connection.execute("INSERT INTO job_executions (job_id) SELECT id FROM schedule_jobs WHERE name IN ('long', 'broken')")


def reach(page: Page, *names: str) -> None:
    """Click one link after the other."""
    for name in names:
        page.get_by_role("link", name=name, exact=True).first.click()


def press(page: Page, opener: str, *, within: str, button: str) -> None:
    """Open a dialog and press a button in it."""
    page.wait_for_load_state("load")
    page.get_by_role("link", name=opener).click()
    page.locator(f"#{within}").get_by_role("button", name=button, exact=True).click()


def test_a_newcomer_sees_and_does_everything(demo: tuple[str, Path]) -> None:
    printed, folder = demo
    found = LINK.search(printed)
    assert found is not None
    add_jobs(folder)
    with chromium() as browser, window(browser, found[1], language="en") as page:
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("dialog", lambda asked: asked.accept())
        page.goto(found[2])
        page.get_by_label("Name").fill("minji")
        page.get_by_label(re.compile("^Password")).fill("correct horse battery")
        page.get_by_label("The password again").fill("correct horse battery")
        page.get_by_role("button", name="Make it and log in").click()

        # the shops are collected, live: another execution appears while one looks
        expect(page.locator("#pulse")).to_have_text("Live")
        recent = page.locator("#recent a[href^='/scheduler/executions/']")
        first = recent.first.get_attribute("href")
        expect(recent.first).not_to_have_attribute("href", first or "")

        # pause, change the schedule, resume, run now
        reach(page, "Jobs", "주문 수집")
        press(page, "Pause…", within="pause-dialog", button="Pause")
        expect(page.locator("h1")).to_contain_text("Paused")
        reach(page, "Jobs", "주문 수집")
        page.get_by_role("link", name="✎ Edit").click()
        page.locator("#every").fill("45m")
        page.keyboard.press("Tab")
        expect(page.locator(".aside")).to_contain_text("every 45 minutes")
        page.locator("button.main[value=save]").click()
        expect(page.locator("dl.facts").first).to_contain_text("every 45 minutes")
        press(page, "Resume…", within="resume-dialog", button="Resume")
        expect(page.locator("h1")).to_contain_text("Active")
        press(page, "Run now…", within="run-dialog", button="Run now")

        # its log, to the end
        expect(page).to_have_url(re.compile("/scheduler/executions/[0-9]+"))
        expect(page.locator("main")).to_contain_text("Succeeded")
        expect(page.locator(".log")).not_to_be_empty()

        # cancel what runs
        reach(page, "Jobs", "long")
        page.get_by_role("link", name=re.compile("^Execution ")).first.click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("main")).to_contain_text("Cancelled")

        # why did it not run, retry all that failed of a filter
        reach(page, "Jobs", "broken")
        page.get_by_role("link", name="Why?", exact=True).first.click()
        expect(page.locator("main")).to_contain_text("failed")
        page.goto("/scheduler/executions?status=failed&q=broken")
        page.get_by_role("link", name="Retry all failed…").click()
        page.get_by_role("button", name=re.compile("^Retry 1$")).click()
        expect(page.get_by_role("link", name="See what waits and runs")).to_be_visible()

        # take an edit back
        reach(page, "Jobs", "주문 수집")
        page.get_by_role("navigation", name="Pages of the job").get_by_role("link", name="Edits").click()
        page.get_by_role("button", name=re.compile("^Set back to")).first.click()
        expect(page.locator("h1")).to_contain_text("Paused")
    assert deeds(folder) >= {"job.pause", "job.resume", "job.run", "execution.cancel", "execution.retry", "job.restore"}


def deeds(folder: Path) -> set[str]:
    """Return what the audit log says of the jobs: all of it by the one person there is, through the web."""
    from scheduler.database.embedded import Embedded

    with psycopg.connect(Embedded(folder).url()) as connection:
        assert connection.execute("SELECT DISTINCT actor, via FROM audit_log WHERE object ~ '^(job|execution):'").fetchall() == [
            ("minji", "web")]
        assert connection.execute("SELECT status FROM job_executions WHERE job_name = 'long'").fetchall() == [("cancelled",)]
        assert connection.execute("SELECT count(*) FROM job_executions WHERE job_name = 'broken'").fetchone() == (2,)
        found = connection.execute("SELECT DISTINCT action FROM audit_log WHERE object ~ '^(job|execution):'").fetchall()
        return {action for (action,) in found}
