"""Attacks by guessing passwords, and by having known one; each test named after its attack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.queries import web_attempts, web_tokens
from tests.doors.conftest import Cli, cli
from tests.support.daemons import Rows
from tests.web.conftest import Web, make_tokens
from tests.web.people import PASSWORD, Browser, add_user, logged_in

__all__ = ["cli"]
NEW = "another horse 8"


@pytest.fixture
def mallory(rows: Rows) -> int:
    add_user(rows.connection, "boss")
    return add_user(rows.connection, "mallory")


def may_enter(web: Web, token: str) -> bool:
    return web.ask["none"].get("/api/v1/status", headers={"Authorization": f"Bearer {token}"}).status_code == 200


# -- a password that somebody knew ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "words"), [("ko", "내가 만든 토큰도 거두기"), ("en", "Revoke the tokens I made, too")])
def test_a_changed_password_ends_the_tokens_of_a_stolen_session(
    web: Web, rows: Rows, mallory: int, language: str, words: str
) -> None:
    stolen, _ = web_tokens.make_token(rows.connection, "back door", "admin", None, "mallory")
    kept, keep = web_tokens.make_token(rows.connection, "창고", "admin", None, "mallory")
    others, other = web_tokens.make_token(rows.connection, "of the boss", "admin", None, "boss")
    with logged_in(web, "mallory", language) as browser:
        browser.send("/scheduler/me", language=language)
        shown = browser.get("/scheduler/me").text
        assert words in shown and shown.count("checked> <bdi>") == 2 and "창고" in shown and "of the boss" not in shown
        ticked = [each for each in rows.all("SELECT id FROM web_tokens ORDER BY id") if each != keep["id"]]
        sent = browser.client.post("/scheduler/me/password", data={
            "csrf": browser.csrf(), "present": PASSWORD, "password": NEW, "again": NEW, "revoke": ticked})
        assert sent.headers["location"] == "/login"
    assert [may_enter(web, token) for token in (stolen, kept, others)] == [False, True, True], "nobody ends the tokens of others"
    assert rows.all("SELECT object FROM audit_log WHERE action = 'token.revoke'") == [f"token:{other['id'] - 2}"]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("door", ["page", "rest", "cli"])
def test_a_password_set_by_an_administrator_ends_the_tokens_unless_they_are_kept(
    web: Web, rows: Rows, mallory: int, cli: Cli, door: str, keep: bool
) -> None:
    token, _ = web_tokens.make_token(rows.connection, "back door", "viewer", None, "mallory")
    others, _ = web_tokens.make_token(rows.connection, "of the boss", "viewer", None, "boss")
    if door == "page":
        with logged_in(web, "boss") as browser:
            shown = browser.get("/scheduler/users").text
            assert "A new password also revokes the tokens of this person:" in shown and "back door" in shown
            more = {"keep_tokens": "true"} if keep else {}
            assert browser.send(f"/scheduler/users/{mallory}/password", password=NEW, again=NEW, **more).status_code == 303
        assert "비밀번호를 새로 정하면 이 사람이 만든 토큰도 거둡니다" in web.page("/scheduler/users").text
    elif door == "rest":
        wanted = {"password": NEW, **({"keep_tokens": True} if keep else {})}
        assert web.ask["admin"].patch(f"/api/v1/users/{mallory}", json=wanted).status_code == 200
    else:
        said = cli("user", "password", "mallory", "--password-stdin", *(["--keep-tokens"] if keep else []), input=f"{NEW}\n")
        assert ("token back door: revoked" in said.stdout) is not keep
    assert may_enter(web, token) is keep and may_enter(web, others)
    assert rows.one("SELECT count(*) FROM audit_log WHERE action = 'token.revoke'") == (0 if keep else 1)


# -- guessing to keep somebody out ------------------------------------------------------------------------------------


@pytest.fixture
def far(database: str, connection: psycopg.Connection[Any], tmp_path: Path) -> Iterator[Web]:
    """Give a web behind a proxy, which says from where each request comes."""
    make_tokens(connection)
    made = Web(database, tmp_path, web_behind_proxy=True)
    yield made
    made.close()


def try_from(web: Web, address: str, name: str = "boss", password: str = PASSWORD) -> int:
    with Browser(web, **{"X-Forwarded-For": address}) as browser:
        return browser.log_in(name, password).status_code


def test_strangers_who_guess_at_one_address_do_not_keep_the_boss_out_at_another(far: Web, rows: Rows, mallory: int) -> None:
    found = [try_from(far, "203.0.113.9", password="wrong") for _ in range(web_attempts.FREE_TRIES + 2)]
    assert found == [401] * web_attempts.FREE_TRIES + [429] * 2
    assert try_from(far, "203.0.113.9") == 429, "not even with the right password, where the guesses come from"
    assert try_from(far, "192.0.2.1") == 303


def spread(rows: Rows, name: str, failures: int) -> None:
    """Let so many wrong tries come, each from an address of its own."""
    for number in range(failures):
        assert web_attempts.knock(rows.connection, name, f"203.0.113.{number}") == 0
    assert 0 < web_attempts.knock(rows.connection, name, "203.0.113.250") <= 5
    # Ten more, whose wait is longer than a test.
    rows.connection.execute("UPDATE web_attempts SET failures = failures + 10 WHERE subject LIKE 'name:%'")


def test_an_attack_spread_over_many_addresses_is_slowed_but_not_for_the_boss_at_a_known_one(
    far: Web, rows: Rows, mallory: int
) -> None:
    assert try_from(far, "192.0.2.1") == 303
    spread(rows, "boss", web_attempts.FREE_TRIES_OF_ALL)
    for address in ("203.0.113.200", "198.51.100.7"):
        assert try_from(far, address) == 429, "a new address has no free try"
    assert try_from(far, "198.51.100.7", name="mallory") == 303, "nobody else is slowed"
    assert try_from(far, "192.0.2.1", password="wrong") == 401 and try_from(far, "192.0.2.1") == 303
    assert try_from(far, "192.0.2.1", name="nobody", password="wrong") == 401, "known is the address of a person, not of all"


def test_a_known_address_is_forgotten_after_a_month_and_has_a_limit_of_its_own(far: Web, rows: Rows, mallory: int) -> None:
    assert try_from(far, "192.0.2.1") == 303
    spread(rows, "boss", web_attempts.FREE_TRIES_OF_ALL)
    found = [try_from(far, "192.0.2.1", password="wrong") for _ in range(web_attempts.FREE_TRIES + 1)]
    assert found == [401] * web_attempts.FREE_TRIES + [429]
    rows.connection.execute("DELETE FROM web_attempts WHERE subject NOT LIKE 'name:%'")
    rows.connection.execute("UPDATE web_known_addresses SET seen_at = now() - interval '31 days'")
    assert try_from(far, "192.0.2.1") == 429


def test_a_guesser_with_an_account_does_not_free_the_guesses_at_another(far: Web, rows: Rows, mallory: int) -> None:
    found = []
    for _ in range(web_attempts.FREE_TRIES - 1):
        found.append(try_from(far, "203.0.113.9", password="wrong"))
    assert try_from(far, "203.0.113.9", name="mallory") == 303
    found += [try_from(far, "203.0.113.9", password="wrong") for _ in range(2)]
    assert found == [401] * web_attempts.FREE_TRIES + [429]
    assert "boss" not in str(rows.all("SELECT subject FROM web_attempts"))
