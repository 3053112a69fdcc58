"""Attacks on the login and the sessions, each test named after its attack."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from loguru import logger
from psycopg import sql

from scheduler.errors import ParameterError
from scheduler.queries import web_accounts, web_attempts
from scheduler.web import passwords
from scheduler.web.people import COOKIE, SECURE_COOKIE
from scheduler.web.sessions import local_path
from tests.support.daemons import Rows
from tests.web.conftest import Web
from tests.web.people import PASSWORD, Browser, add_user, logged_in

TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
def kim(rows: Rows) -> int:
    return add_user(rows.connection, "kim")


@pytest.fixture
def proxied(database: str, tmp_path: Path) -> Iterator[Web]:
    """Serve the same database behind a proxy that says when it was asked by https."""
    made = Web(database, tmp_path / "proxied", web_behind_proxy=True)
    yield made
    made.close()


# -- guessing ---------------------------------------------------------------------------------------------------------


def test_brute_force_has_to_wait_longer_each_time_also_with_the_right_password(web: Web, rows: Rows, kim: int) -> None:
    waits = []
    with Browser(web) as browser:
        for _ in range(web_attempts.FREE_TRIES):
            assert browser.log_in("kim", "wrong").status_code == 401
        for _ in range(3):
            refused = browser.log_in("kim")
            assert refused.status_code == 429 and "Too many tries" in refused.text
            waits.append(int(refused.headers["retry-after"]))
            rows.connection.execute("UPDATE web_attempts SET last_at = last_at - interval '1 second' * %s", (waits[-1],))
            assert browser.log_in("kim", "wrong").status_code == 401
        assert waits[0] <= 5 < waits[1] <= 10 < waits[2] <= 20
        rows.connection.execute("UPDATE web_attempts SET failures = 40, last_at = now()")
        assert int(browser.log_in("kim").headers["retry-after"]) <= 600
        rows.connection.execute("UPDATE web_attempts SET last_at = last_at - interval '601 seconds'")
        assert browser.log_in("kim").status_code == 303
    assert rows.one("SELECT count(*) FROM web_attempts WHERE subject NOT LIKE 'minute:%'") == 0


def test_brute_force_all_at_once_gets_no_more_tries_than_one_after_the_other(web: Web, kim: int) -> None:
    def guess(number: int) -> int:
        with Browser(web) as browser:
            return browser.log_in("kim", f"guess {number}").status_code

    with ThreadPoolExecutor(12) as many:
        found = list(many.map(guess, range(24)))
    assert found.count(401) == web_attempts.FREE_TRIES and found.count(429) == 24 - web_attempts.FREE_TRIES


def test_spraying_one_password_over_many_names_waits_too(web: Web, rows: Rows) -> None:
    with Browser(web) as browser:
        found = [browser.log_in(f"name{number}", "Spring2026!").status_code for number in range(7)]
    assert found == [401] * 5 + [429] * 2
    assert "name0" not in str(rows.connection.execute("SELECT subject FROM web_attempts").fetchall())


def test_more_than_sixty_logins_a_minute_from_one_address_are_refused(web: Web, rows: Rows, kim: int) -> None:
    with Browser(web) as browser:
        assert browser.log_in("kim").status_code == 303
        rows.connection.execute("UPDATE web_attempts SET failures = %s WHERE subject LIKE 'minute:%%'",
                                (web_attempts.MOST_A_MINUTE,))
        refused = browser.log_in("kim")
        assert refused.status_code == 429 and 0 < int(refused.headers["retry-after"]) <= 60
        rows.connection.execute("UPDATE web_attempts SET last_at = last_at - interval '61 seconds'")
        assert browser.log_in("kim").status_code == 303


def test_a_name_that_nobody_has_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            checked.append(password_hash)
            return True

    monkeypatch.setattr(passwords, "_nobodys", lambda: "of nobody")
    monkeypatch.setattr(passwords, "HASHER", Counting())
    assert not passwords.verify(None, "x" * 12) and passwords.verify("of kim", "x" * 12)
    assert checked == ["of nobody", "of kim"]


def test_a_disabled_user_is_told_what_a_stranger_is_told(web: Web, rows: Rows, kim: int) -> None:
    add_user(rows.connection, "lee")
    web_accounts.disable(rows.connection, kim)
    with Browser(web) as browser:
        one, other = browser.log_in("kim"), browser.log_in("nobody")
    assert one.status_code == other.status_code == 401
    assert one.text.replace("kim", "nobody") == other.text


def test_passwords_are_argon2id_and_hashed_anew_when_the_parameters_change(web: Web, rows: Rows, kim: int) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    rows.connection.execute("UPDATE web_users SET password_hash = %s", (weak,))
    with logged_in(web, "kim"):
        stored = rows.one("SELECT password_hash FROM web_users")
    assert stored != weak and stored.startswith("$argon2id$") and "m=65536" in stored
    assert passwords.verify(stored, PASSWORD) and not passwords.verify("rubbish", PASSWORD)


def test_hangul_typed_on_another_keyboard_is_the_same_password() -> None:
    import unicodedata

    word = "비밀번호는 길게"
    assert passwords.verify(passwords.hash_password(word), unicodedata.normalize("NFD", word))
    with pytest.raises(ParameterError):
        passwords.check_password("x" * (passwords.LONGEST + 1))


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_session_fixation_a_planted_cookie_is_not_the_session_after_login(web: Web, kim: int) -> None:
    with Browser(web) as browser:
        browser.client.cookies.set(COOKIE, "planted")
        answer = browser.log_in("kim")
        first = browser.client.cookies.get(COOKIE, domain="127.0.0.1") or answer.cookies[COOKIE]
        assert first != "planted" and len(first) >= 43
        again = browser.client.post("/login", data={"name": "kim", "password": PASSWORD},
                                    headers={"Cookie": f"{COOKIE}={first}"})
        second = again.cookies[COOKIE]
    for cookie, right in (("planted", 303), (first, 303), (second, 200)):
        found = httpx.get(f"{web.url}/scheduler/me", headers={"Accept": "text/html", "Cookie": f"{COOKIE}={cookie}"})
        assert found.status_code == right, "each login has a session of its own, and ends the former of that browser"


def test_replay_of_a_cookie_after_logout_is_refused(web: Web, kim: int) -> None:
    with logged_in(web, "kim") as browser:
        kept = browser.client.cookies[COOKIE]
        left = browser.send("/logout")
        assert left.headers["location"] == "/login" and f'{COOKIE}=""' in left.headers["set-cookie"]
        browser.client.cookies.clear()
        assert browser.get("/scheduler/me", headers={"Cookie": f"{COOKIE}={kept}"}).headers["location"].startswith("/login")


def test_cookie_flags_httponly_lax_and_under_tls_secure_with_the_host_prefix(web: Web, proxied: Web, kim: int) -> None:
    with Browser(web) as browser:
        plain = browser.log_in("kim").headers["set-cookie"]
    assert plain.startswith(f"{COOKIE}=") and "HttpOnly" in plain and "SameSite=lax" in plain and "Secure" not in plain
    assert "Max-Age" not in plain and "Domain" not in plain
    with Browser(proxied, **TLS) as browser:
        secure = browser.log_in("kim").headers["set-cookie"]
    assert secure.startswith(f"{SECURE_COOKIE}=") and "Secure" in secure and "Path=/" in secure and "Domain" not in secure


def test_a_cookie_planted_by_a_neighbouring_site_is_not_read_under_tls(proxied: Web, kim: int) -> None:
    with logged_in(proxied, "kim") as browser:
        cookie = browser.client.cookies[COOKIE]
    asked = {"Accept": "text/html", "Cookie": f"{COOKIE}={cookie}"}
    assert httpx.get(f"{proxied.url}/scheduler/me", headers=asked).status_code == 200
    assert httpx.get(f"{proxied.url}/scheduler/me", headers={**asked, **TLS}).status_code == 303


@pytest.mark.parametrize("age", ["seen_at = now() - interval '31 minutes'",
                                 "created_at = now() - interval '12 hours 1 second', seen_at = now()"])
def test_a_session_ends_when_idle_for_30_minutes_and_after_12_hours(web: Web, rows: Rows, kim: int, age: str) -> None:
    with logged_in(web, "kim") as browser:
        assert browser.get("/scheduler/me").status_code == 200
        rows.connection.execute(sql.SQL("UPDATE web_sessions SET " + age))
        assert browser.get("/scheduler/me").status_code == 303
        assert browser.log_in("kim").status_code == 303
    assert rows.one("SELECT count(*) FROM web_sessions") == 1, "the login sweeps out what is over"


# -- leading astray ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evil", [
    "//evil.example", "https://evil.example", "/\\evil.example", "/scheduler\\..\\evil", "javascript:alert(1)",
    "/scheduler/\r\nX: y",
    "/scheduler.evil.example", "/schedulerevil", "/scheduler/\t/evil", " /scheduler", "/scheduler@evil.example", "", "/login",
])
def test_open_redirect_next_leads_only_to_pages_of_ours(evil: str) -> None:
    assert local_path(evil) == "/scheduler"


def test_open_redirect_through_the_login_stays_here(web: Web, kim: int) -> None:
    with Browser(web) as browser:
        assert 'value="/scheduler"' in browser.get("/login?next=//evil.example").text
        assert browser.log_in("kim", next="//evil.example").headers["location"] == "/scheduler"
        assert browser.get("/login?next=//evil.example").headers["location"] == "/scheduler"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                                     {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_login_csrf_a_form_of_another_site_logs_nobody_in(web: Web, rows: Rows, kim: int, headers: dict[str, str]) -> None:
    form = {"name": "kim", "password": PASSWORD, "again": PASSWORD}
    assert httpx.post(f"{web.url}/login", data=form, headers=headers).status_code == 403
    assert httpx.post(f"{web.url}/scheduler/setup/x", data=form, headers=headers).status_code == 403
    assert rows.one("SELECT count(*) FROM web_sessions") == 0


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_a_dump_of_the_database_contains_nothing_that_opens_it(web: Web, rows: Rows, kim: int) -> None:
    with logged_in(web, "kim") as browser:
        made = browser.send("/scheduler/tokens", name="창고", role="admin")
        token = made.text.partition('id="token">')[2].partition("<")[0]
        assert token.startswith("erps_")
        cookie = browser.client.cookies[COOKIE]
        dump = whole(rows.connection)
        rows.connection.execute("DELETE FROM web_users")
        link = web_accounts.invite(rows.connection)
        dump += whole(rows.connection)
    assert link and "창고" in dump
    for secret in (token, token.removeprefix("erps_"), cookie, link, PASSWORD):
        for form in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form not in dump


def whole(connection: psycopg.Connection[Any]) -> str:
    """Return the text of every row of every table."""
    names = connection.execute("SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
                               " AND table_schema NOT IN ('pg_catalog', 'information_schema')").fetchall()
    texts = [connection.execute(sql.SQL("SELECT string_agg(each::text, E'\\n') FROM {} AS each").format(sql.Identifier(*name)))
             .fetchone() for name in names]
    return "\n".join(text[0] for text in texts if text and text[0])


@pytest.mark.parametrize("query", ["token", "access_token", "authorization", "api_key", "csrf", COOKIE])
def test_a_token_in_the_query_string_is_not_read(web: Web, query: str) -> None:
    assert web.ask["none"].get(f"/api/v1/status?{query}=erps_admin").status_code == 401
    assert web.ask["none"].get(f"/api/v1/status?{query}=Bearer%20erps_admin").status_code == 401


@pytest.mark.parametrize("sent", ["Bearer", "Bearer erps_", "Basic ZXJwc19hZG1pbjo=", "Token erps_admin", "erps_admin",
                                  "Bearer erps_admin erps_admin", "Bearer ERPS_ADMIN", "Bearer %00", "Bearer erps_admin,x"])
def test_a_token_that_is_none_is_refused(web: Web, sent: str) -> None:
    assert web.ask["none"].get("/api/v1/status", headers={"Authorization": sent}).status_code == 401


# -- the log ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), format="{message}")
    yield lines
    logger.remove(sink)


@pytest.mark.parametrize("name", [
    "kim\n2026-11-21 INFO login ok", "{0.__class__}", "\x1b[2Jkim", "<red>kim</red>", "%s%n", PASSWORD])
def test_log_injection_a_name_that_nobody_has_never_reaches_the_log(web: Web, kim: int, logged: list[str], name: str) -> None:
    with Browser(web) as browser:
        assert browser.log_in(name, "wrong").status_code == 401
        browser.log_in("kim", "wrong")
    lines = [line for line in logged if "login_failed" in line]
    assert len(lines) == 2 and "user=kim" in lines[1] and all(line.count("\n") == 1 for line in lines)
    assert not any(part in line for line in lines for part in (PASSWORD, "\x1b", "__class__", "login ok", "wrong"))


@pytest.mark.parametrize("name", [
    "kim\nroot", "a\u202eb", "\u200bkim", "a\x1b[31m", "\u2028", "", " " * 5, "x" * 101, "\ufeffkim"])
def test_log_injection_a_user_or_token_is_never_named_so(web: Web, rows: Rows, name: str) -> None:
    sent = web.ask["admin"].post("/scheduler/users", data={"name": name, "password": PASSWORD, "again": PASSWORD},
                                 headers={"Accept": "text/html"})
    assert sent.status_code == 422
    assert web.ask["admin"].post("/scheduler/tokens", data={"name": name}, headers={"Accept": "text/html"}).status_code == 422
    assert rows.one("SELECT count(*) FROM web_users") == 0
