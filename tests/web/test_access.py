"""Coming in: set-up, login, sessions, users, tokens, what a person likes, the audit log and the settings."""

from __future__ import annotations

import re

import pytest

from scheduler.queries import web_accounts, web_tokens
from scheduler.words import set_language
from tests.support.daemons import Rows
from tests.web.conftest import HTML, Web
from tests.web.people import PASSWORD, Browser, add_user, logged_in

HANGUL = re.compile("[가-힣]")


def test_the_set_up_link_makes_the_first_admin_once_and_logs_in(web: Web, rows: Rows) -> None:
    former, secret = web_accounts.invite(rows.connection), web_accounts.invite(rows.connection)
    assert secret and former
    with Browser(web) as browser:
        assert browser.get(f"/scheduler/setup/{former}").status_code == 404
        assert "administrator" in browser.get(f"/scheduler/setup/{secret}").text
        for wrong in ({"password": "short", "again": "short"}, {"password": PASSWORD, "again": "another one"},
                      {"name": "a\u202eb"}, {"name": " "}, {"password": "aaaaaaaaaaaa", "again": "aaaaaaaaaaaa"}):
            fields = {"name": "kim", "password": PASSWORD, "again": PASSWORD, **wrong}
            refused = browser.client.post(f"/scheduler/setup/{secret}", data=fields)
            assert refused.status_code == 422 and 'role="alert"' in refused.text
        done = browser.client.post(f"/scheduler/setup/{secret}", data={"name": "kim", "password": PASSWORD, "again": PASSWORD})
        assert (done.status_code, done.headers["location"]) == (303, "/scheduler")
        assert browser.get("/scheduler/users").status_code == 200
        again = browser.client.post(f"/scheduler/setup/{secret}", data={"name": "eve", "password": PASSWORD, "again": PASSWORD})
        assert again.status_code == 404 and "erp-scheduler user create" in again.text
    assert rows.one("SELECT name, role, language FROM web_users") == ("kim", "admin", "en")
    assert web_accounts.invite(rows.connection) is None and rows.one("SELECT count(*) FROM web_invitations") == 0
    assert rows.one("SELECT array_agg(action ORDER BY id) FROM audit_log") == ["session.begin", "user.create"]


def test_an_invitation_ends_after_a_day_and_with_the_first_user(web: Web, rows: Rows) -> None:
    secret = web_accounts.invite(rows.connection)
    rows.connection.execute("UPDATE web_invitations SET expires_at = now() - interval '1 second'")
    assert web.ask["none"].get(f"/scheduler/setup/{secret}").status_code == 404
    secret = web_accounts.invite(rows.connection)
    add_user(rows.connection, "kim")
    assert web.ask["none"].get(f"/scheduler/setup/{secret}").status_code == 404
    sent = web.ask["none"].post(f"/scheduler/setup/{secret}", data={"name": "eve", "password": PASSWORD, "again": PASSWORD})
    assert sent.status_code == 404 and rows.one("SELECT count(*) FROM web_users") == 1


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_login_page_speaks_the_language_and_a_wrong_one_is_told(web: Web, rows: Rows, language: str) -> None:
    set_language("en")
    with Browser(web, language) as browser:
        shown = browser.get("/login").text
        assert "erp-scheduler user create" in shown and bool(HANGUL.search(shown)) is (language == "ko")
        add_user(rows.connection, "kim")
        assert "erp-scheduler user create" not in browser.get("/login").text
        for name, password in (("kim", "wrong wrong"), ("nobody", PASSWORD)):
            refused = browser.log_in(name, password)
            words = "이름이나 비밀번호가 맞지 않습니다" if language == "ko" else "The name or the password is not right"
            assert refused.status_code == 401 and words in refused.text
        came = browser.log_in("kim", next="/scheduler/locks?x=1")
        assert (came.status_code, came.headers["location"]) == (303, "/scheduler/locks?x=1")
        assert browser.get("/login").headers["location"] == "/scheduler"
    assert rows.one("SELECT last_login_at IS NOT NULL FROM web_users")


def test_a_person_chooses_language_colours_and_keys_and_finds_them_again(web: Web, rows: Rows) -> None:
    add_user(rows.connection, "kim", "viewer")
    with logged_in(web, "kim") as browser:
        sent = browser.send("/scheduler/me", language="ko", back="/scheduler/locks")
        assert sent.headers["location"] == "/scheduler/locks" and "erps_lang=ko" in sent.headers["set-cookie"]
        assert "잠금" in browser.get("/scheduler/locks").text
        assert browser.send("/scheduler/me", theme="dark", single_keys="off").headers["location"] == "/scheduler/me"
        shown = browser.get("/scheduler/me").text
        assert 'data-theme="dark"' in shown and 'data-keys="off"' in shown and "kim" in shown
        assert browser.send("/scheduler/me", theme="pink").status_code == 422
        assert browser.send("/scheduler/me", theme="auto", back="//evil.example").headers["location"] == "/scheduler/me"
    with logged_in(web, "kim") as other:
        assert "잠금" in other.get("/scheduler/locks").text


def test_a_person_changes_their_password_and_is_logged_out_everywhere(web: Web, rows: Rows) -> None:
    add_user(rows.connection, "kim", "viewer")
    with logged_in(web, "kim") as here, logged_in(web, "kim") as there:
        assert here.get("/scheduler/me").text.count("data-label=\"Address\"") == 2
        fields = {"present": PASSWORD, "password": "another horse 8", "again": "another horse 8"}
        assert here.send("/scheduler/me/password", **{**fields, "present": "wrong"}).status_code == 422
        assert here.send("/scheduler/me/password", **fields).headers["location"] == "/login"
        assert there.get("/scheduler/me").headers["location"].startswith("/login")
        assert there.log_in("kim").status_code == 401 and there.log_in("kim", "another horse 8").status_code == 303
        assert there.send("/scheduler/me/sessions/end").headers["location"] == "/login"
        assert there.get("/scheduler/me").status_code == 303
    assert rows.one("SELECT count(*) FROM web_sessions") == 0


def test_an_admin_manages_users_and_the_last_admin_stays(web: Web, rows: Rows) -> None:
    kim = add_user(rows.connection, "kim")
    with logged_in(web, "kim") as browser:
        refused = [browser.send(f"/scheduler/users/{kim}/role", role="viewer"), browser.send(f"/scheduler/users/{kim}/disable")]
        assert [each.status_code for each in refused] == [409, 409] and "last administrator" in refused[0].text
        browser.send("/scheduler/users", name="이순신", role="operator", password=PASSWORD, again=PASSWORD)
        assert browser.send("/scheduler/users", name="KIM", role="viewer", password=PASSWORD, again=PASSWORD).status_code == 409
        assert browser.send("/scheduler/users", name="x", role="root", password=PASSWORD, again=PASSWORD).status_code == 422
        lee = rows.one("SELECT id FROM web_users WHERE name = '이순신'")
        shown = browser.get("/scheduler/users").text
        assert "이순신" in shown and "Operator" in shown
        with logged_in(web, "이순신") as other:
            assert other.get("/scheduler/users").status_code == 403
            browser.send(f"/scheduler/users/{lee}/role", role="admin")
            assert other.get("/scheduler/users").status_code == 303, "a role that changes ends the session"
            assert other.log_in("이순신").status_code == 303 and other.get("/scheduler/users").status_code == 200
            web_tokens.make_token(rows.connection, "이순신's", "admin", None, "이순신")
            browser.send(f"/scheduler/users/{lee}/disable")
            assert other.get("/scheduler/users").status_code == 303 and other.log_in("이순신").status_code == 401
            assert rows.one("SELECT revoked_at IS NOT NULL FROM web_tokens WHERE made_by = '이순신'")
            browser.send(f"/scheduler/users/{lee}/enable")
            browser.send(f"/scheduler/users/{lee}/password", password="another horse 8", again="another horse 8")
            assert other.log_in("이순신", "another horse 8").status_code == 303
            browser.send(f"/scheduler/users/{lee}/sessions/end")
            assert other.get("/scheduler/locks").status_code == 303
        assert browser.send("/scheduler/users/999/disable").status_code == 404
        assert browser.get(f"/scheduler/users/{lee}").headers["location"] == f"/scheduler/users#user-{lee}"
    done = set(rows.one("SELECT array_agg(DISTINCT action) FROM audit_log"))
    assert {"user.create", "user.role", "user.disable", "user.enable", "user.password", "user.sessions", "token.revoke"} <= done


def test_a_token_is_shown_once_and_works_until_it_is_revoked(web: Web, rows: Rows) -> None:
    add_user(rows.connection, "kim")
    with logged_in(web, "kim") as browser:
        made = browser.send("/scheduler/tokens", name="창고", role="operator", days="30")
        found = re.search(r'id="token">(erps_[\w-]{43})<', made.text)
        assert made.status_code == 200 and found and made.headers["cache-control"] == "no-store"
        token = {"Authorization": f"Bearer {found[1]}"}
        shown = browser.get("/scheduler/tokens").text
        assert "창고" in shown and found[1] not in shown and found[1][:11] in shown
        assert web.ask["none"].get("/api/v1/status", headers=token).status_code == 200
        assert rows.one("SELECT last_used_at IS NOT NULL, made_by FROM web_tokens WHERE name = '창고'") == (True, "kim")
        assert browser.send("/scheduler/tokens", name="창고", role="viewer").status_code == 409
        assert browser.send("/scheduler/tokens", name="x", role="viewer", days="9999").status_code == 422
        number = rows.one("SELECT id FROM web_tokens WHERE name = '창고'")
        assert browser.send(f"/scheduler/tokens/{number}/revoke").status_code == 303
        assert web.ask["none"].get("/api/v1/status", headers=token).status_code == 401
        assert "창고" not in browser.get("/scheduler/tokens").text
        assert "revoked" in browser.get("/scheduler/tokens?every=true").text
        made = browser.send("/scheduler/tokens", name="창고", role="viewer", days="")
        found = re.search(r'id="token">(erps_[\w-]{43})<', made.text)
        rows.connection.execute("UPDATE web_tokens SET expires_at = now() - interval '1 second' WHERE revoked_at IS NULL")
        assert found
        expired = web.ask["none"].get("/api/v1/status", headers={"Authorization": f"Bearer {found[1]}"})
        assert expired.status_code == 401


def test_the_audit_log_shows_names_to_operators_and_values_to_admins(web: Web, rows: Rows) -> None:
    job = rows.add_job("<i>재고</i>")
    rows.connection.execute("INSERT INTO schedule_locks (job_id) VALUES (%s)", (job,))
    assert "Nothing was done yet" in web.page("/scheduler/audit", "operator", "en").text
    web.ask["operator"].post(f"/scheduler/locks/{job}/release", data={"force": "true"}, headers=HTML)
    operators, admins = (web.page("/scheduler/audit", role, "en").text for role in ("operator", "admin"))
    for shown in (operators, admins):
        assert ">lock released</a>" in shown and f'href="/scheduler/jobs/{job}"' in shown and "operator" in shown
    assert "127.0.0.1" in admins and "127.0.0.1" not in operators and "force" in admins and "force" not in operators
    for query, there in (("actor=operator", True), ("actor=kim", False), ("action=lock", True), ("action=job", False),
                         ("action=lock.release", True), (f"object=job:{job}", True), ("object=job:0", False),
                         ("since=1h", True), ("since=2999-01-01", False)):
        assert (">lock released</a>" in web.page(f"/scheduler/audit?{query}", language="en").text) is there, query
    assert "Clear the filter" in web.page("/scheduler/audit?actor=kim", language="en").text
    for wrong in ("since=soon", "before=x", f"before={10**30}"):
        assert web.page(f"/scheduler/audit?{wrong}").status_code == 422


def test_the_audit_log_is_read_page_by_page(web: Web, rows: Rows) -> None:
    rows.connection.execute("INSERT INTO audit_log (actor, via, action, object) SELECT 'kim', 'web', 'job.run', 'job:' || n"
                            " FROM generate_series(1, 120) AS n")
    path, seen = "/scheduler/audit", []
    while path:
        shown = web.page(path, "operator", "en").text
        seen += re.findall(r"/scheduler/jobs/(\d+)", shown)
        older = re.search(r'rel="next" href="([^"]+)"', shown)
        path = older[1].replace("&amp;", "&") if older else ""
    assert [int(each) for each in seen] == list(range(120, 0, -1))


def test_an_edit_of_a_job_is_undone_or_restored_by_admins_only(web: Web, rows: Rows) -> None:
    job = rows.add_job("재고")
    rows.connection.execute("UPDATE schedule_jobs SET description = 'one' WHERE id = %s", (job,))
    rows.connection.execute("UPDATE schedule_jobs SET description = 'two' WHERE id = %s", (job,))
    assert "/audit/restore" not in web.page("/scheduler/audit?tab=edits", "operator").text
    shown = web.page(f"/scheduler/audit?tab=edits&object=job:{job}", "admin", "en").text
    assert shown.count("/audit/restore") == 3 and "Undo this edit" in shown and "Description" in shown
    send = web.ask["operator"].post("/scheduler/audit/restore", data={"job_id": job}, headers=HTML)
    assert send.status_code == 403
    web.ask["admin"].post("/scheduler/audit/restore", data={"job_id": job}, headers=HTML)
    assert rows.one("SELECT description FROM schedule_jobs") == "one"
    web.ask["admin"].post("/scheduler/audit/restore", data={"job_id": job, "revision": 3}, headers=HTML)
    assert rows.one("SELECT description FROM schedule_jobs") == "two"
    rows.connection.execute("DELETE FROM schedule_jobs WHERE id = %s", (job,))
    web.ask["admin"].post("/scheduler/audit/restore", data={"job_id": job}, headers=HTML)
    assert rows.one("SELECT name FROM schedule_jobs") == "재고"
    assert ">작업 되돌림</a>" in web.page("/scheduler/audit").text


def test_settings_show_no_secret_and_admins_set_the_limits(web: Web, rows: Rows) -> None:
    shown = web.page("/scheduler/settings", "viewer", "en").text
    assert "PostgreSQL" in shown and "5 minutes" in shown and "<form class=\"line\"" not in shown and not HANGUL.search(shown)
    limits = {"minimum_interval": "1m", "maximum_interval": "40d"}
    assert web.ask["operator"].post("/scheduler/settings/limits", data=limits, headers=HTML).status_code == 403
    assert web.ask["admin"].post("/scheduler/settings/limits", data=limits, headers=HTML).status_code == 303
    assert rows.one("SELECT value FROM scheduler_settings WHERE name = 'minimum_interval'") == "1 minute"
    for wrong in ({"minimum_interval": "60d"}, {"minimum_interval": "0s"}, {"minimum_interval": "'; DROP"}):
        assert web.ask["admin"].post("/scheduler/settings/limits", data={**limits, **wrong}, headers=HTML).status_code == 422
    changed = rows.one("SELECT before ->> 'minimum_interval', after ->> 'minimum_interval' FROM audit_log")
    assert changed == ("5 minutes", "1 minute")


@pytest.mark.parametrize("path", [
    "/scheduler/me", "/scheduler/users", "/scheduler/tokens", "/scheduler/audit", "/scheduler/settings",
    "/scheduler/audit?tab=edits"])
def test_each_page_is_in_one_language_with_one_heading(web: Web, path: str) -> None:
    for language in ("ko", "en"):
        shown = web.page(path, "admin", language).text
        assert shown.count("<h1>") == 1 and bool(HANGUL.search(shown)) is (language == "ko"), path
