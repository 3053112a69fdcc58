"""Numbered SQL files, forward only, each in its own transaction under one advisory lock, noted with a checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg

from scheduler.errors import ConfigError

MIGRATOR_LOCK = 7_261_993_041

ENSURE_TABLE = """
CREATE TABLE IF NOT EXISTS schedule_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE schedule_migrations IS '적용된 스키마 변경
Schema changes that were applied';
COMMENT ON COLUMN schedule_migrations.number IS '번호
Number';
COMMENT ON COLUMN schedule_migrations.name IS '이름
Name';
COMMENT ON COLUMN schedule_migrations.checksum IS '파일의 SHA-256
SHA-256 of the file';
COMMENT ON COLUMN schedule_migrations.applied_at IS '적용 시각
When it was applied';
"""
TABLE_EXISTS = "SELECT to_regclass('schedule_migrations') IS NOT NULL"
APPLIED = "SELECT number, name, checksum FROM schedule_migrations ORDER BY number"
NOTE = "INSERT INTO schedule_migrations (number, name, checksum) VALUES (%(number)s, %(name)s, %(checksum)s)"
LOCK = "SELECT pg_advisory_xact_lock(%(key)s)"

# A role named like one of our schemas would find that schema first ("$user"): what is made later goes where the first was.
STAY_IN_SCHEMA = """
SELECT set_config('search_path', quote_ident(namespace.nspname) || ', ' || current_setting('search_path'), true)
  FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE class.oid = 'schedule_migrations'::regclass
"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """Return the migrations of this release, in order: beside the package in a checkout, inside it when installed."""
    beside = Path(__file__).resolve().parents[2] / "sql" / "migrations"
    if beside.is_dir():
        texts = {path.name: path.read_text(encoding="utf-8") for path in beside.glob("[0-9]*.sql")}
    else:
        folder = files("scheduler.sql.migrations")
        texts = {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.endswith(".sql")}
    return [
        Migration(int(name.partition("_")[0]), name.removesuffix(".sql").partition("_")[2], text)
        for name, text in sorted(texts.items())
    ]


def pending(connection: psycopg.Connection[Any]) -> list[Migration]:
    """Return what is not applied yet.

    Raises  ConfigError when an applied file has been changed since, or the database is newer than this release
    """
    known = {migration.number: migration for migration in available()}
    row = connection.execute(TABLE_EXISTS).fetchone()
    applied = connection.execute(APPLIED).fetchall() if row and row[0] else []
    for number, name, checksum in applied:
        if number not in known:
            raise ConfigError(f"the database has migration {number} ({name}), unknown to this release; upgrade it")
        if known[number].checksum != checksum:
            raise ConfigError(f"migration {number} ({name}) was changed after it had been applied; restore the file")
    done = {number for number, _, _ in applied}
    return [migration for migration in known.values() if migration.number not in done]


def migrate(connection: psycopg.Connection[Any], tell: Callable[[Migration], None] | None = None) -> list[Migration]:
    """Apply what is pending, one transaction each; safe when several nodes start at once.

    tell     called with each migration right after it was applied
    Returns  the migrations applied by this call
    """
    with connection.transaction():
        connection.execute(LOCK, {"key": MIGRATOR_LOCK})
        connection.execute(ENSURE_TABLE)
    applied: list[Migration] = []
    while True:
        with connection.transaction():
            connection.execute(LOCK, {"key": MIGRATOR_LOCK})
            waiting = pending(connection)
            if not waiting:
                return applied
            migration = waiting[0]
            connection.execute("SET LOCAL lock_timeout = '10s'")
            connection.execute(STAY_IN_SCHEMA)
            connection.execute(migration.sql.encode())
            connection.execute(
                NOTE, {"number": migration.number, "name": migration.name, "checksum": migration.checksum}
            )
        applied.append(migration)
        if tell:
            tell(migration)
