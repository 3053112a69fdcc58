"""`erp-scheduler user` and `erp-scheduler token`: the same rules as the pages, from the server."""

from __future__ import annotations

import json

import psycopg
import pytest

from scheduler.web import passwords
from scheduler.web.people import digest
from tests.doors.conftest import Cli, cli, document
from tests.web.people import PASSWORD

__all__ = ["cli"]
Connection = psycopg.Connection


def one(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> object:
    found = connection.execute(statement.encode()).fetchone()
    assert found is not None
    return found[0] if len(found) == 1 else found


def test_a_user_is_made_changed_and_shut_out(cli: Cli, connection: Connection[tuple[object, ...]]) -> None:
    made = cli("user", "create", "이순신", "--role", "admin", "--password-stdin", "--json", input=f"{PASSWORD}\n")
    assert document(made)["name"] == "이순신" and PASSWORD not in made.stdout + made.stderr
    assert "password_hash" not in made.stdout
    assert passwords.verify(str(one(connection, "SELECT password_hash FROM web_users")), PASSWORD)
    cli("user", "create", "이순신", "--password-stdin", input=f"{PASSWORD}\n", code=6)
    cli("user", "create", "kim", "--role", "root", "--password-stdin", input=f"{PASSWORD}\n", code=2)
    assert "10 characters" in cli("user", "create", "kim", "--password-stdin", input="short\n", code=2).stderr
    assert "last administrator" in cli("user", "role", "이순신", "viewer", code=4).stderr
    assert "last administrator" in cli("user", "disable", "이순신", "--yes", code=4).stderr
    cli("user", "create", "kim", "--role", "admin", "--password-stdin", input=f"{PASSWORD}\n")
    connection.execute("INSERT INTO web_sessions (hash, user_id, csrf) SELECT 'x', id, '' FROM web_users WHERE name = 'kim'")
    assert len(document(cli("user", "sessions", "kim", "--json"))) == 1
    assert "sessions ended" in cli("user", "sessions", "kim", "--end").stdout
    assert one(connection, "SELECT count(*) FROM web_sessions") == 0
    cli("user", "disable", "kim", code=9)
    assert "disabled" in cli("user", "disable", "kim", "--yes").stdout and "disabled" in cli("user", "list").stdout
    cli("user", "enable", "kim")
    assert "운영" in cli("user", "role", "kim", "operator", "--lang", "ko").stdout
    cli("user", "password", "kim", "--password-stdin", input="another horse 8\n")
    assert passwords.verify(str(one(connection, "SELECT password_hash FROM web_users WHERE name = 'kim'")), "another horse 8")
    assert [each["name"] for each in document(cli("user", "list", "--json"))] == ["kim", "이순신"]
    cli("user", "role", "nobody", "admin", code=5)
    assert one(connection, "SELECT array_agg(DISTINCT via) FROM audit_log") == ["cli"]
    assert one(connection, "SELECT count(*) FROM audit_log") == 7


def test_a_password_is_asked_at_a_terminal_only(cli: Cli) -> None:
    refused = cli("user", "create", "kim", code=2)
    assert "--password-stdin" in refused.stderr


@pytest.mark.parametrize("expires", [None, "90d"])
def test_a_token_is_printed_once_and_revoked(
    cli: Cli, connection: Connection[tuple[object, ...]], expires: str | None,
) -> None:
    more = [] if expires is None else ["--expires", expires]
    made = document(cli("token", "create", "--name", "창고", "--role", "operator", *more, "--json"))
    assert made["token"].startswith("erps_") and len(made["token"]) == 48 and (made["expires_at"] is None) is (expires is None)
    assert one(connection, "SELECT hash FROM web_tokens") == digest(made["token"])
    listed = cli("token", "list", "--json")
    assert made["token"] not in listed.stdout and json.loads(listed.stdout)[0]["name"] == "창고"
    assert "창고" in cli("token", "list").stdout
    cli("token", "create", "--name", "창고", code=6)
    cli("token", "create", "--name", "x", "--expires", "soon", code=2)
    cli("token", "create", "--name", "x", "--expires", "99999d", code=2)
    cli("token", "revoke", "창고", code=9)
    cli("token", "revoke", "창고", "--yes")
    assert document(cli("token", "list", "--json")) == [] and "revoked" in cli("token", "list", "--all").stdout
    cli("token", "revoke", "nothing", "--yes", code=5)
    plain = cli("token", "create", "--name", "창고")
    assert plain.stdout.startswith("erps_") and "cannot be seen again" in plain.stderr
    done = one(connection, "SELECT array_agg(action ORDER BY id) FROM audit_log")
    assert done == ["token.create", "token.revoke", "token.create"]
