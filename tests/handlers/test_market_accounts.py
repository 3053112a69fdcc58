"""The table of accounts lets no plain secret and no wrong address in."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

INSERT = "INSERT INTO market_accounts (market_code, base_url, credentials) VALUES (%s, %s, %s)"
GOOD = {"vendor_id": "A00012345", "access_key": "secret://env/A", "secret_key": "secret://file/run/secrets/key"}


def insert(connection: psycopg.Connection[Any], **more: Any) -> None:
    row = {"market_code": "coupang", "base_url": "https://api-gateway.coupang.com", "credentials": GOOD, **more}
    connection.execute(INSERT, (row["market_code"], row["base_url"], json.dumps(row["credentials"])))


def test_a_good_row_gets_its_defaults(connection: psycopg.Connection[Any]) -> None:
    insert(connection)

    assert connection.execute("SELECT account, enabled, calls_per_second FROM market_accounts").fetchall() == [
        ("default", True, 5.0)
    ]


@pytest.mark.parametrize(("more", "words"), [
    ({"credentials": {"secret_key": "hunter2-hunter2"}}, "credentials.secret_key is not a reference"),
    ({"credentials": {"access_key": "secret://elsewhere/X"}}, "credentials.access_key is not a reference"),
    ({"credentials": {"access_key": 5}}, "credentials.access_key is not a text"),
    ({"credentials": ["secret://env/A"]}, "credentials is a JSON array"),
    ({"base_url": "ftp://market"}, "base_url"),
    ({"base_url": "https://user:word@market"}, "base_url"),
    ({"base_url": "https://market/?key=1"}, "base_url"),
    ({"market_code": "Coupang"}, "market_code"),
])
def test_a_wrong_row_is_refused_without_repeating_the_value(
    connection: psycopg.Connection[Any], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as failure:
        insert(connection, **more)

    assert words in str(failure.value)
    assert "hunter2" not in str(failure.value)
    assert "secret://env/" in (failure.value.diag.message_hint or "")


def test_the_sandbox_on_this_machine_is_a_fit_address(connection: psycopg.Connection[Any]) -> None:
    insert(connection, base_url="http://127.0.0.1:40123")


def test_one_account_is_there_once(connection: psycopg.Connection[Any]) -> None:
    insert(connection)
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(connection)


def test_every_table_view_and_column_is_explained_in_both_languages(connection: psycopg.Connection[Any]) -> None:
    unexplained = connection.execute(
        """
        SELECT attrelid::regclass, attname
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE (relnamespace = 'erp'::regnamespace OR attrelid = 'market_accounts'::regclass)
           AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
           AND (coalesce(col_description(attrelid, attnum), '') !~ E'[가-힣].*\\n.+'
                OR coalesce(obj_description(attrelid, 'pg_class'), '') !~ E'[가-힣].*\\n.+')
        """
    ).fetchall()

    assert unexplained == []
