"""PostgreSQL goes away and comes back while pages are open: they grey, say so, and recover by themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Page, expect

from scheduler.database.migrate import migrate
from scheduler.web.people import digest
from tests.support.cluster import Cluster
from tests.support.daemons import LIMIT, wait_for
from tests.web.browser import CHROMIUM, chromium, needs_chromium, window
from tests.web.conftest import HTML, Web, make_tokens

COOKIE = "a cookie of 256 bits"
MILLISECONDS = LIMIT * 1000


@pytest.fixture
def own() -> Iterator[Cluster]:
    """Give a server that may be stopped, with one database."""
    server = Cluster()
    try:
        server.start()
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            migrate(connection)
            make_tokens(connection)
            connection.execute("INSERT INTO web_users (name, role, password_hash) VALUES ('kim', 'operator', '-')")
            connection.execute("INSERT INTO web_sessions (hash, user_id, csrf) SELECT %s, id, 'guard' FROM web_users",
                               (digest(COOKIE),))
            lock_one(connection, "첫 작업")
        yield server
    finally:
        server.remove()


@pytest.fixture
def site(own: Cluster, tmp_path: Path) -> Iterator[Web]:
    made = Web(own.dsn(), tmp_path)
    yield made
    made.close()


def lock_one(connection: psycopg.Connection[object], name: str) -> None:
    """Make a job that shows on the page of the locks."""
    connection.execute(
        "WITH job AS (INSERT INTO schedule_jobs (name, job_type) VALUES (%s, 'noop') RETURNING id) "
        "INSERT INTO schedule_locks (job_id) SELECT id FROM job", (name,))


def kim(site: Web, language: str = "ko") -> httpx.Client:
    return httpx.Client(base_url=site.url, cookies={"erps_session": COOKIE}, timeout=LIMIT,
                        headers={**HTML, "Accept-Language": language})


def test_pages_show_what_was_seen_last_and_programs_get_a_problem(own: Cluster, site: Web) -> None:
    with kim(site) as korean, kim(site, "en") as english:
        assert "첫 작업" in korean.get("/scheduler/locks").text and "Locks" in english.get("/scheduler/locks").text
        own.stop()
        gone = korean.get("/scheduler/locks")
        assert gone.status_code == 503 and gone.headers["retry-after"] == "5"
        assert 'data-state="stale"' in gone.text and "첫 작업" in gone.text and "초 전" in gone.text
        assert "The database cannot be reached" in english.get("/scheduler/locks").text
        assert korean.get("/scheduler/locks?never=seen").status_code == 503
        refused = korean.post("/scheduler/locks/1/release", data={"csrf": "guard"})
        assert refused.status_code == 503 and "첫 작업" not in refused.text
    problem = site.ask["viewer"].get("/api/v1/status", headers={"Accept-Language": "en"})
    assert problem.status_code == 503 and problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["title"] == "The database cannot be reached"
    own.start()
    wait_for(lambda: site.ask["viewer"].get("/api/v1/status").status_code == 200, what="the API is back")


def test_a_stranger_is_told_nothing_of_what_others_saw(own: Cluster, site: Web) -> None:
    with kim(site) as known:
        assert "첫 작업" in known.get("/scheduler/locks").text
    own.stop()
    with httpx.Client(base_url=site.url, cookies={"erps_session": "guessed"}, headers=HTML, timeout=LIMIT) as stranger:
        answer = stranger.get("/scheduler/locks")
    assert answer.status_code in (303, 503) and "첫 작업" not in answer.text


def test_only_the_first_request_waits_for_a_server_that_is_gone(own: Cluster, site: Web) -> None:
    with kim(site) as known:
        known.get("/scheduler/locks")
        own.stop()
        known.get("/scheduler/locks")
        began = time.monotonic()
        assert known.get("/scheduler/locks").status_code == 503
        assert time.monotonic() - began < 10


def test_a_cold_start_without_a_database_answers_and_says_so(own: Cluster, tmp_path: Path) -> None:
    own.stop()
    cold = Web(own.dsn(), tmp_path)
    try:
        assert cold.ask["none"].get("/healthz").json() == {"status": "ok"}
        unready = cold.ask["none"].get("/readyz", headers={"Accept-Language": "ko"})
        assert unready.status_code == 503 and unready.json()["title"] == "데이터베이스에 연결할 수 없습니다"
        with kim(cold, "en") as someone:
            page = someone.get("/scheduler/locks")
        assert page.status_code == 503 and "The database cannot be reached" in page.text
        own.start()
        wait_for(lambda: cold.ask["none"].get("/readyz").status_code == 200, what="ready once PostgreSQL is there")
        assert "첫 작업" in cold.page("/scheduler/locks").text
    finally:
        cold.close()


def test_a_browser_is_never_left_out_in_ci() -> None:
    assert CHROMIUM is not None or "CI" not in os.environ


@contextmanager
def looking_on(site: Web, language: str) -> Iterator[Page]:
    with chromium() as browser, window(browser, site.url, language=language) as page:
        page.context.add_cookies([{"name": "erps_session", "value": COOKIE, "url": site.url}])
        page.set_default_timeout(MILLISECONDS)
        page.goto("/scheduler/locks")
        yield page


def is_grey(page: Page) -> None:
    """Wait until the page is grey."""
    expect(page.locator("body")).to_have_attribute("data-state", "stale", timeout=MILLISECONDS)
    expect(page.locator("main")).to_have_css("filter", "grayscale(1)", timeout=MILLISECONDS)


@needs_chromium
@pytest.mark.parametrize(("language", "away", "live"), [("ko", "연결 끊김", "실시간"), ("en", "Disconnected", "Live")])
def test_an_open_page_greys_says_so_and_recovers_by_itself(
    own: Cluster, site: Web, language: str, away: str, live: str
) -> None:
    with looking_on(site, language) as page:
        pulse = page.locator("#pulse")
        expect(pulse).to_have_text(live, timeout=MILLISECONDS)
        with psycopg.connect(own.dsn(), autocommit=True) as connection:
            lock_one(connection, "둘째 작업")
        expect(page.locator("#locks")).to_contain_text("둘째 작업", timeout=MILLISECONDS)

        own.stop()
        is_grey(page)
        expect(pulse).to_have_text(away, timeout=MILLISECONDS)
        expect(page.locator("#outage")).to_contain_text(away, timeout=MILLISECONDS)
        expect(page.locator("#outage")).to_contain_text("초 전" if language == "ko" else "ago", timeout=MILLISECONDS)
        expect(page.locator("#locks")).to_contain_text("둘째 작업")
        page.reload()
        expect(page.locator("#outage")).to_contain_text("초 전" if language == "ko" else "ago", timeout=MILLISECONDS)
        expect(page.locator("#locks")).to_contain_text("둘째 작업")
        is_grey(page)

        own.start()
        with psycopg.connect(own.dsn(), autocommit=True) as connection:
            lock_one(connection, "셋째 작업")
        expect(page.locator("#locks")).to_contain_text("셋째 작업", timeout=MILLISECONDS)
        expect(pulse).to_have_text(live, timeout=MILLISECONDS)
        expect(page.locator("#outage")).to_have_count(0)
        assert page.evaluate("document.body.dataset.state") == "live"


@needs_chromium
def test_what_is_being_typed_outlives_an_outage(own: Cluster, site: Web) -> None:
    with looking_on(site, "ko") as page:
        expect(page.locator("#pulse")).to_have_text("실시간", timeout=MILLISECONDS)
        page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<input id=\"typed\">')")
        page.locator("#typed").fill("절반까지")
        own.stop()
        is_grey(page)
        own.start()
        expect(page.locator("#outage")).to_have_count(0, timeout=MILLISECONDS)
        expect(page.locator("#typed")).to_have_value("절반까지")
        assert page.evaluate("document.body.dataset.state") == "live"


@needs_chromium
def test_a_lost_web_process_greys_the_page_and_its_return_mends_it(own: Cluster, site: Web) -> None:
    with looking_on(site, "ko") as page:
        expect(page.locator("#pulse")).to_have_text("실시간", timeout=MILLISECONDS)
        page.context.set_offline(True)
        page.evaluate("document.body.dispatchEvent(new CustomEvent('live-locks'))")
        is_grey(page)
        page.context.set_offline(False)
        expect(page.locator("#pulse")).to_have_text("실시간", timeout=MILLISECONDS)
        expect(page.locator("#outage")).to_have_count(0, timeout=MILLISECONDS)
