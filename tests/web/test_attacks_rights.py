"""Attacks by people whose rights have just ended, and on those who wait; each test named after its attack."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from scheduler.queries import web_accounts, web_tokens
from scheduler.web.people import COOKIE
from scheduler.web.place import WAITING_WRITERS, WRITERS, Place
from tests.support.daemons import LIMIT, Rows, wait_for
from tests.web.conftest import TOKENS, Web
from tests.web.people import PASSWORD, Browser, add_user, logged_in

NEW = "another horse 8"
DISABLE = ("WITH gone AS (DELETE FROM web_sessions) UPDATE web_users SET disabled_at = now(), role = 'viewer'"
           " WHERE name = 'mallory'")
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def mallory(rows: Rows) -> int:
    add_user(rows.connection, "boss")
    return add_user(rows.connection, "mallory")


@contextmanager
def held(dsn: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold the locks of a statement for as long as the block lasts."""
    with psycopg.connect(dsn) as connection:
        connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
        yield connection
        connection.rollback()


def may_enter(web: Web, token: str) -> bool:
    return web.ask["none"].get("/api/v1/status", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def place_of(web: Web) -> Place:
    place: Place = web.app.state.place
    return place


# -- while the database is away ---------------------------------------------------------------------------------------


def half_a_request(web: Web, cookie: str, method: str, path: str, body: str) -> tuple[socket.socket, bytes]:
    """Send the head of a request, and keep its body."""
    opened = socket.create_connection(("127.0.0.1", web.port), timeout=LIMIT)
    head = (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {COOKIE}={cookie}\r\nSec-Fetch-Site: same-origin\r\n"
            "Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    opened.sendall(head.encode())
    return opened, body.encode()


def test_a_recalled_person_changes_nothing_though_the_database_is_back_when_the_body_comes(
    web: Web, rows: Rows, mallory: int
) -> None:
    job = rows.add_job("victim")
    with logged_in(web, "mallory") as browser:
        csrf, cookie = browser.csrf(), browser.client.cookies[COOKIE]
        rows.connection.execute(DISABLE)
        place_of(web).shut_until = time.monotonic() + 0.5
        opened, body = half_a_request(web, cookie, "POST", f"/scheduler/job/{job}/delete", f"csrf={csrf}&name=victim")
        with opened:
            wait_for(lambda: time.monotonic() > place_of(web).shut_until, what="the window is over")
            opened.sendall(body)
            answer = opened.makefile("rb").readline()
        assert b" 503 " in answer
        assert rows.one("SELECT count(*) FROM schedule_jobs WHERE id = %s", job) == 1
        assert browser.get("/scheduler/users").status_code == 303, "in good times the session is over"


def test_a_recalled_person_sees_remembered_pages_only_never_live_data(
    web: Web, rows: Rows, mallory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged_in(web, "mallory", "ko") as browser:
        assert browser.get("/scheduler/users").status_code == 200
        rows.connection.execute(DISABLE)
        # The look-up of who asks meets an outage, everything after it would not: as in a failover.
        monkeypatch.setattr("scheduler.web.people._of_session", away)
        add_user(rows.connection, "newcomer")
        shown = browser.get("/scheduler/users")
        assert shown.status_code == 503 and 'data-state="stale"' in shown.text
        assert "boss" in shown.text and "newcomer" not in shown.text
        for never_seen in ("/scheduler/tokens", "/scheduler/jobs", "/scheduler/audit"):
            assert browser.get(never_seen).status_code == 503
        live = browser.get("/api/v1/users", headers={"Accept": "application/json", "Accept-Language": "ko"})
        assert live.status_code == 503 and live.json()["title"] == "데이터베이스에 연결할 수 없습니다"
        english = browser.get("/api/v1/users", headers={"Accept": "application/json", "Accept-Language": "en"})
        assert "newcomer" not in english.text and english.json()["title"] == "The database cannot be reached"
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert browser.client.request(method, f"/api/v1/users/{mallory}", json={}).status_code in (405, 503)
        assert browser.client.post("/scheduler/me/sessions/end", data={"csrf": "x"}).status_code == 503


def away(*_: Any) -> None:
    raise psycopg.OperationalError("the connection is lost")


# -- those who wait ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writers", [8, 20])
def test_writers_that_wait_for_a_row_keep_nobody_from_looking(web: Web, rows: Rows, mallory: int, writers: int) -> None:
    jobs = [rows.add_job(f"job {number}") for number in range(writers)]
    with logged_in(web, "boss") as browser, ThreadPoolExecutor(writers) as pool, held(
        web.dsn, "SELECT FROM schedule_jobs FOR UPDATE"
    ):
        pauses = [pool.submit(pause, web, job) for job in jobs]
        wait_for(lambda: rows.one(BLOCKED) >= WRITERS, what="the writers wait")
        looked = 0
        while not all(each.done() for each in pauses):
            assert web.ask["viewer"].get("/api/v1/status").status_code == 200
            assert browser.get("/scheduler/locks").status_code == 200
            looked += rows.one(BLOCKED) > 0
        assert looked > 3, "there was enough to look at while they waited"
        assert place_of(web).shut_until == 0.0, "nobody waited for a connection in vain"
        assert {each.result() for each in pauses} <= {409, 503}
    assert pause(web, jobs[0]) == 200, "nothing stays taken"


def pause(web: Web, job: int) -> int:
    with httpx.Client(base_url=web.url, headers={"Authorization": f"Bearer {TOKENS['operator']}"}, timeout=LIMIT) as client:
        return client.post(f"/api/v1/jobs/{job}/pause").status_code


def test_more_writers_than_the_server_has_room_for_are_told_so_at_once(web: Web, rows: Rows) -> None:
    place = place_of(web)
    for _ in range(WRITERS + WAITING_WRITERS):
        assert place.seats.acquire(blocking=False)
    job = rows.add_job("job")
    for language, words in (("ko", "밀려 있습니다"), ("en", "too many changes wait")):
        refused = web.ask["operator"].post(f"/api/v1/jobs/{job}/pause", headers={"Accept-Language": language})
        assert refused.status_code == 503 and words in refused.json()["detail"] and refused.headers["retry-after"]
    assert web.ask["viewer"].get("/api/v1/status").status_code == 200
    place.seats.release()
    assert web.ask["operator"].post(f"/api/v1/jobs/{job}/pause").status_code == 200


@pytest.mark.parametrize("statement", ["SELECT FROM web_tokens FOR SHARE", "SELECT FROM web_sessions FOR UPDATE"])
def test_who_asks_is_looked_up_without_waiting_for_whoever_holds_the_row(
    web: Web, rows: Rows, mallory: int, statement: str
) -> None:
    with logged_in(web, "mallory") as browser:
        rows.connection.execute("UPDATE web_sessions SET seen_at = now() - interval '5 minutes'")
        with held(web.dsn, statement):
            assert web.ask["viewer"].get("/api/v1/status").status_code == 200
            assert browser.get("/scheduler/locks").status_code == 200
        assert web.ask["viewer"].get("/api/v1/status").status_code == 200
        assert browser.get("/scheduler/locks").status_code == 200
    assert rows.one("SELECT last_used_at IS NOT NULL FROM web_tokens WHERE name = 'viewer'"), "the next request touches it"
    assert rows.one("SELECT min(seen_at) > now() - interval '1 minute' FROM web_sessions")


# -- shut out in the middle of a deed ---------------------------------------------------------------------------------


def deeds(browser: Browser, csrf: str) -> dict[str, Callable[[], httpx.Response]]:
    """Return what an administrator could do to stay one."""
    guard = {"X-CSRF-Token": csrf}
    return {
        "token": lambda: browser.client.post("/api/v1/tokens", json={"name": "back door", "role": "admin"}, headers=guard),
        "user": lambda: browser.client.post(
            "/api/v1/users", json={"name": "mallory2", "role": "admin", "password": NEW}, headers=guard),
        "role": lambda: browser.client.post("/scheduler/users/1/role", data={"csrf": csrf, "role": "viewer"}),
        "password": lambda: browser.client.post(
            "/scheduler/users/1/password", data={"csrf": csrf, "password": NEW, "again": NEW}),
        "own password": lambda: browser.client.post(
            "/scheduler/me/password", data={"csrf": csrf, "present": PASSWORD, "password": NEW, "again": NEW}),
    }


def shut_out(dsn: str, user: int, name: str) -> None:
    """Do what every door does to shut somebody out."""
    with psycopg.connect(dsn) as other:
        web_accounts.disable(other, user)
        web_tokens.revoke_tokens_of(other, name, None)


@pytest.mark.parametrize("deed", ["token", "user", "role", "password", "own password"])
def test_an_administrator_who_is_shut_out_during_a_deed_does_not_do_it(
    web: Web, rows: Rows, mallory: int, deed: str
) -> None:
    with logged_in(web, "mallory") as browser, ThreadPoolExecutor(1) as pool:
        done = deeds(browser, browser.csrf())[deed]
        before = rows.one("SELECT count(*) FROM audit_log")
        # The deed waits for the row of its doer, which an edit by hand is about to shut out.
        with psycopg.connect(web.dsn) as other:
            other.execute("UPDATE web_users SET disabled_at = now() WHERE id = %s", (mallory,))
            waiting = pool.submit(done)
            wait_for(lambda: rows.one(BLOCKED) == 1, what="the deed waits")
        refused = waiting.result(LIMIT)
    assert refused.status_code in (303, 401) and refused.headers.get("location", "/login").startswith("/login")
    assert rows.one("SELECT count(*) FROM web_users") == 2
    assert rows.one("SELECT count(*) FROM web_tokens WHERE made_by = 'mallory'") == 0
    assert rows.all("SELECT name FROM web_users WHERE role = 'admin' ORDER BY name") == ["boss", "mallory"]
    assert rows.one("SELECT count(*) FROM audit_log") == before


def test_a_token_made_at_the_moment_its_maker_is_shut_out_ends_with_them(web: Web, rows: Rows, mallory: int) -> None:
    with logged_in(web, "mallory") as browser, ThreadPoolExecutor(2) as pool:
        made = deeds(browser, browser.csrf())["token"]
        with held(web.dsn, "LOCK TABLE web_tokens IN EXCLUSIVE MODE"):
            token = pool.submit(made)
            wait_for(lambda: rows.one(BLOCKED) == 1, what="the token waits for its table")
            ended: Future[None] = pool.submit(shut_out, web.dsn, mallory, "mallory")
            wait_for(lambda: rows.one(BLOCKED) == 2, what="its maker's end waits for the token")
        ended.result(LIMIT)
        answer = token.result(LIMIT)
    assert answer.status_code == 201 and may_enter(web, answer.json()["token"]) is False
    assert rows.one("SELECT disabled_at IS NOT NULL FROM web_users WHERE name = 'mallory'")


def test_a_token_that_is_revoked_during_a_deed_makes_no_other(web: Web, rows: Rows, mallory: int) -> None:
    secret, made = web_tokens.make_token(rows.connection, "robot", "admin", None, "mallory")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(web.dsn) as other:
        web_tokens.revoke_token(other, made["id"])
        waiting = pool.submit(web.ask["none"].post, "/api/v1/tokens", json={"name": "second", "role": "admin"},
                              headers={"Authorization": f"Bearer {secret}"})
        wait_for(lambda: rows.one(BLOCKED) == 1, what="the deed waits")
        other.commit()
        assert waiting.result(LIMIT).status_code == 401
    assert rows.one("SELECT count(*) FROM web_tokens WHERE name = 'second'") == 0


def test_a_session_that_ended_during_a_deed_does_not_do_it(web: Web, rows: Rows, mallory: int) -> None:
    with logged_in(web, "mallory") as browser, ThreadPoolExecutor(1) as pool, psycopg.connect(web.dsn) as other:
        made = deeds(browser, browser.csrf())["token"]
        web_accounts.close_all(other, mallory)
        waiting = pool.submit(made)
        wait_for(lambda: rows.one(BLOCKED) == 1, what="the deed waits")
        other.commit()
        assert waiting.result(LIMIT).status_code == 401


def test_two_administrators_who_demote_each_other_at_once_leave_one(web: Web, rows: Rows, mallory: int) -> None:
    with logged_in(web, "boss") as one, logged_in(web, "mallory") as two, ThreadPoolExecutor(2) as pool:
        both = threading.Barrier(2)
        boss = rows.one("SELECT id FROM web_users WHERE name = 'boss'")

        def demote(browser: Browser, whom: int, csrf: str) -> int:
            both.wait(LIMIT)
            return browser.client.post(f"/scheduler/users/{whom}/role", data={"csrf": csrf, "role": "viewer"}).status_code

        tries = [pool.submit(demote, one, mallory, one.csrf()), pool.submit(demote, two, boss, two.csrf())]
        found = [each.result(LIMIT) for each in tries]
    assert rows.one("SELECT count(*) FROM web_users WHERE role = 'admin'") == 1
    assert set(found) <= {303, 403, 409}


def test_one_request_may_end_its_own_session_and_do_the_rest(web: Web, rows: Rows, mallory: int) -> None:
    with logged_in(web, "mallory") as browser:
        sent = browser.client.patch(f"/api/v1/users/{mallory}", json={"role": "viewer", "password": NEW},
                                    headers={"X-CSRF-Token": browser.csrf()})
    assert sent.status_code == 200 and sent.json()["role"] == "viewer"
