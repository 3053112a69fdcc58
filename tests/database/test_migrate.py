"""Migrations: in order, once, whole or not at all, and never behind the operator's back."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scheduler.database import migrate as module
from scheduler.database.migrate import Migration, available, migrate, pending
from scheduler.errors import ConfigError
from tests.support.cluster import Cluster

FOLDER = Path(__file__).parents[2] / "sql" / "migrations"
UNCOMMENTED = """
SELECT class.relname || coalesce('.' || attribute.attname, '')
  FROM pg_class AS class
  LEFT JOIN pg_attribute AS attribute
         ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
 WHERE class.relnamespace IN ('public'::regnamespace, 'erp'::regnamespace) AND class.relkind IN ('r', 'p')
   AND (obj_description(class.oid, 'pg_class') IS NULL
        OR coalesce(col_description(class.oid, attribute.attnum), '') !~ '[가-힣].*\\n.*[A-Za-z]')
"""


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """Give the DSN of a database without any table."""
    cluster.start()
    name = cluster.create()
    yield cluster.dsn(name)
    cluster.drop(name)


@pytest.fixture
def bare(empty: str) -> Iterator[psycopg.Connection[Any]]:
    """Give an autocommit connection to a database without any table."""
    with psycopg.connect(empty, autocommit=True) as opened:
        yield opened


def noted(connection: psycopg.Connection[Any]) -> list[int]:
    return [row[0] for row in connection.execute("SELECT number FROM schedule_migrations ORDER BY applied_at, number")]


def carried(monkeypatch: pytest.MonkeyPatch, *migrations: Migration) -> None:
    monkeypatch.setattr(module, "available", lambda: list(migrations))


def test_an_empty_database_gets_all_in_order_and_nothing_twice(bare: psycopg.Connection[Any]) -> None:
    told: list[int] = []
    applied = migrate(bare, lambda migration: told.append(migration.number))

    assert applied == available()
    assert told == noted(bare) == sorted(migration.number for migration in applied)
    assert migrate(bare) == []
    assert pending(bare) == []


def test_file_names_have_one_number_each_without_a_gap() -> None:
    names = sorted(path.name for path in FOLDER.glob("*.sql"))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.sql", name) for name in names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_asking_what_is_pending_changes_nothing(bare: psycopg.Connection[Any]) -> None:
    assert pending(bare) == available()
    row = bare.execute("SELECT to_regclass('schedule_migrations')").fetchone()
    assert row == (None,)


def test_nodes_that_start_at_once_apply_each_migration_once(empty: str) -> None:
    applied: list[Migration] = []
    errors: list[BaseException] = []

    def start() -> None:
        try:
            with psycopg.connect(empty, autocommit=True) as connection:
                applied.extend(migrate(connection))
        except BaseException as error:
            errors.append(error)

    nodes = [threading.Thread(target=start) for _ in range(4)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join(60)
    assert errors == []
    assert sorted(migration.number for migration in applied) == [migration.number for migration in available()]


def test_a_migration_that_fails_leaves_nothing_and_keeps_those_before(
    bare: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Migration(1, "good", "CREATE TABLE good (n integer)")
    carried(monkeypatch, good, Migration(2, "bad", "CREATE TABLE half (n integer); SELECT 1/0"))
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(bare)
    assert noted(bare) == [1]
    assert bare.execute("SELECT to_regclass('good')::text, to_regclass('half')::text").fetchone() == ("good", None)

    carried(monkeypatch, good, Migration(2, "bad", "CREATE TABLE half (n integer)"))
    assert [migration.number for migration in migrate(bare)] == [2]


def test_a_changed_file_is_refused(bare: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    carried(monkeypatch, Migration(1, "first", "CREATE TABLE first (n integer)"))
    migrate(bare)
    carried(monkeypatch, Migration(1, "first", "CREATE TABLE first (n bigint)"))
    with pytest.raises(ConfigError, match=r"migration 1 \(first\) was changed"):
        migrate(bare)


def test_a_newer_database_is_refused(bare: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first = Migration(1, "first", "CREATE TABLE first (n integer)")
    carried(monkeypatch, first, Migration(2, "second", "CREATE TABLE second (n integer)"))
    migrate(bare)
    carried(monkeypatch, first)
    with pytest.raises(ConfigError, match=r"migration 2 \(second\), unknown to this release"):
        migrate(bare)


def test_percent_signs_and_many_statements_pass_unchanged(
    bare: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "CREATE TABLE said (word text); INSERT INTO said VALUES (format('%s %I', '가', 'x')), ('100%')"
    carried(monkeypatch, Migration(1, "said", text))
    migrate(bare)
    assert bare.execute("SELECT array_agg(word ORDER BY word) FROM said").fetchone() == (["100%", "가 x"],)


def test_a_table_in_use_makes_it_wait_and_not_deadlock(
    empty: str, bare: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Migration(1, "first", "CREATE TABLE first (n integer)")
    carried(monkeypatch, first)
    migrate(bare)
    carried(monkeypatch, first, Migration(2, "second", "ALTER TABLE first ADD COLUMN m integer"))
    with psycopg.connect(empty) as reader:
        reader.execute("SELECT * FROM first")
        waiting = threading.Thread(target=migrate, args=(bare,))
        waiting.start()
        _until_blocked(reader, bare.info.backend_pid)
    waiting.join(15)
    assert not waiting.is_alive()
    assert noted(bare) == [1, 2]


def test_tables_go_to_the_default_schema_of_the_connection(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA company")
        connection.execute("SET search_path = company")
        migrate(connection)
        places = connection.execute(
            "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class WHERE relname IN "
            "('schedule_migrations', 'schedule_jobs', 'schedule_locks', 'job_executions')"
        ).fetchall()
    assert places == [("company",)]


def test_no_extension_is_needed(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute("SELECT extname FROM pg_extension").fetchall()
    assert rows == [("plpgsql",)]


def test_every_table_and_column_is_explained_in_korean_and_english(connection: psycopg.Connection[Any]) -> None:
    assert [row[0] for row in connection.execute(UNCOMMENTED)] == []
    connection.execute("CREATE TABLE bare (n integer); COMMENT ON TABLE bare IS '표'")
    assert [row[0] for row in connection.execute(UNCOMMENTED)] == ["bare.n"]


def _until_blocked(connection: psycopg.Connection[Any], pid: int) -> None:
    for _ in range(2000):
        row = connection.execute("SELECT cardinality(pg_blocking_pids(%s)), pg_sleep(0.005)", (pid,)).fetchone()
        if row and row[0]:
            return
    pytest.fail("the migration did not wait")
