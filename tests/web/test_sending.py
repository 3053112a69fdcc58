"""A form that is sent twice is done once, whoever sent it twice: a double click, a reload, two requests at one instant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from scheduler.queries import web_replies
from scheduler.web import sending
from tests.support.daemons import LIMIT, Rows, wait_for
from tests.web.conftest import Web
from tests.web.people import PASSWORD, Browser, add_user, logged_in

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def browser(web: Web, rows: Rows) -> Iterator[Browser]:
    add_user(rows.connection, "kim")
    with logged_in(web, "kim") as opened:
        yield opened


def token_of(browser: Browser, path: str, **headers: str) -> str:
    found = CSRF.search(browser.get(path, headers=headers).text.partition("<main")[2])
    assert found is not None
    return found[1]


def post(browser: Browser, path: str, token: str, **fields: str) -> httpx.Response:
    """Send a form on a connection of its own, with the browser's cookies."""
    return httpx.post(f"{browser.client.base_url}{path}", data={"csrf": token, **fields}, cookies=dict(browser.client.cookies),
                      headers=dict(browser.client.headers), timeout=LIMIT)


def test_two_at_the_same_moment_are_one_execution_and_one_answer(browser: Browser, rows: Rows) -> None:
    job = rows.add_job("주문")
    path, both = f"/scheduler/job/{job}/run", Barrier(2)
    token = token_of(browser, path)

    def click(_: int) -> httpx.Response:
        both.wait(LIMIT)
        return post(browser, path, token)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(click, range(2)))
    assert [each.status_code for each in answers] == [303, 303]
    assert len({each.headers["location"] for each in answers}) == 1
    assert sorted(each.headers.get("idempotency-replayed", "") for each in answers) == ["", "true"]
    assert rows.one("SELECT count(*) FROM job_executions") == 1
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.run'") == 1


def test_whoever_waits_for_an_answer_lets_it_be_noted(database: str, connection: psycopg.Connection[Any]) -> None:
    mine, other = ({"actor": "web:kim", "key": "form:1", "fingerprint": mark} for mark in (b"1", b"2"))
    assert web_replies.reserve(connection, mine) is None
    with psycopg.connect(database) as waiting:
        former = sending._reserve(waiting, other)
        assert former is not None and former["status"] is None
        connection.execute("SET lock_timeout = '1s'")
        web_replies.keep(connection, {**mine, "status": 303, "headers": Jsonb({"location": "/"}), "body": None})
        former = sending._reserve(waiting, other)
        assert former is not None and former["status"] == 303


def test_another_rendering_or_another_content_is_another_deed(browser: Browser, rows: Rows) -> None:
    job = rows.add_job("주문")
    path = f"/scheduler/job/{job}/pause"
    token = token_of(browser, path)
    assert post(browser, path, token, reason="하나").status_code == 303
    assert post(browser, path, token, reason="둘").status_code == 303
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.pause'") == 2
    other = token_of(browser, path)
    assert other != token and other.partition(".")[0] == token.partition(".")[0]
    assert post(browser, path, other, reason="하나").status_code == 303
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.pause'") == 3


def test_what_was_refused_may_be_sent_again_from_the_same_page(browser: Browser, rows: Rows) -> None:
    job = rows.add_job("주문")
    path = f"/scheduler/job/{job}/run"
    token = token_of(browser, path)
    rows.connection.execute("UPDATE schedule_jobs SET status = 'paused' WHERE id = %s", (job,))
    assert post(browser, path, token).status_code == 409
    assert rows.one("SELECT count(*) FROM web_replies") == 0
    rows.connection.execute("UPDATE schedule_jobs SET status = 'active' WHERE id = %s", (job,))
    assert post(browser, path, token).status_code == 303
    assert rows.one("SELECT count(*) FROM job_executions") == 1


@pytest.mark.parametrize(("language", "words"), [("ko", "아직 처리하고"), ("en", "still at work")])
def test_one_that_goes_on_for_long_is_told_in_words(
    browser: Browser, rows: Rows, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(sending, "LIMIT", "SET LOCAL lock_timeout = '200ms'")
    job = rows.add_job("느린")
    path = f"/scheduler/job/{job}/pause"
    token = token_of(browser, path)
    browser.client.headers["Accept-Language"] = language
    with ThreadPoolExecutor(1) as pool:
        with rows.connection.transaction():
            rows.connection.execute("SELECT FROM schedule_jobs WHERE id = %s FOR UPDATE", (job,))
            first = pool.submit(post, browser, path, token)
            wait_for(lambda: rows.one("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            second = post(browser, path, token)
            assert second.status_code == 409 and words in second.text
        assert first.result().status_code == 303
    assert post(browser, path, token).status_code == 303
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'job.pause'") == 1


def test_a_part_that_is_drawn_anew_keeps_the_pages_token(browser: Browser, rows: Rows) -> None:
    rows.add_job("주문")
    token = token_of(browser, "/scheduler/jobs/1")
    part = {"HX-Request": "true", "X-CSRF-Token": token}
    assert token_of(browser, "/scheduler/jobs/1", **part) == token
    forged = {"HX-Request": "true", "X-CSRF-Token": "x.y"}
    assert token_of(browser, "/scheduler/jobs/1", **forged) not in ("x.y", token)


def test_a_script_of_the_page_is_held_to_it_too(browser: Browser, rows: Rows) -> None:
    job = rows.add_job("주문")
    token = token_of(browser, "/scheduler/jobs/1")
    for _ in range(2):
        answer = browser.client.post(f"/scheduler/quick/{job}/run", headers={"X-CSRF-Token": token, "HX-Request": "true"},
                                     data={"back": "/scheduler"})
        assert answer.status_code == 303
    assert rows.one("SELECT count(*) FROM job_executions") == 1


def test_rights_come_before_any_answer(web: Web, browser: Browser, rows: Rows) -> None:
    job = rows.add_job("주문")
    path = f"/scheduler/job/{job}/run"
    token = token_of(browser, path)
    assert post(browser, path, token).status_code == 303
    rows.connection.execute("UPDATE web_users SET role = 'viewer'")
    assert post(browser, path, token).status_code == 403
    add_user(rows.connection, "lee")
    with logged_in(web, "lee") as other:
        assert post(other, path, token).status_code == 403


def test_a_made_token_is_made_once_and_shown_once(browser: Browser, rows: Rows) -> None:
    token = token_of(browser, "/scheduler/tokens")
    form = {"name": "grafana", "role": "viewer", "days": "90"}
    first, second = (post(browser, "/scheduler/tokens", token, **form) for _ in range(2))
    assert first.status_code == 200 and second.status_code == 409 and "not shown again" in second.text
    assert rows.one("SELECT count(*) FROM web_tokens WHERE name = 'grafana'") == 1


def test_nothing_secret_is_kept(web: Web, browser: Browser, rows: Rows) -> None:
    """Do all that has a secret in it, each way, and look through everything that is kept."""
    made = post(browser, "/scheduler/tokens", token_of(browser, "/scheduler/tokens"), name="one", role="viewer", days="90")
    shown = re.search(r'id="token">(erps_[^<]+)<', made.text)
    rest = web.ask["admin"].post("/api/v1/tokens", json={"name": "two", "role": "viewer"}, headers={"Idempotency-Key": "k"})
    person = {"name": "park", "role": "viewer", "password": "park's secret 12", "again": "park's secret 12"}
    assert post(browser, "/scheduler/users", token_of(browser, "/scheduler/users"), **person).status_code == 303
    newer = {"password": "newer secret 123", "again": "newer secret 123"}
    users = token_of(browser, "/scheduler/users")
    assert post(browser, "/scheduler/users/2/password", users, **newer).status_code == 303
    assert web.ask["admin"].post("/api/v1/users", json={"name": "choi", "role": "viewer", "password": "choi secret 12"},
                                 headers={"Idempotency-Key": "u"}).status_code == 201
    own = token_of(browser, "/scheduler/me")
    assert post(browser, "/scheduler/me/password", own, present=PASSWORD, **newer).status_code == 303
    assert shown is not None and rest.status_code == 201
    kept = str(rows.all("SELECT actor, key, fingerprint, status, headers, body FROM web_replies"))
    assert kept.count("form:") >= 3
    cookie = dict(browser.client.cookies)["erps_session"]
    secrets = [shown[1], rest.json()["token"], "park's secret", "newer secret", "choi secret", PASSWORD, cookie,
               own.partition(".")[0], users.partition(".")[2]]
    assert [each for each in secrets if each in kept] == []
