"""A company's database to back up, and what the tests of backups ask of the folder and its manifest."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handlers.backup import programs
from handlers.backup.programs import Tools, find_tools
from scheduler.handler import Context
from tests.support.cluster import Cluster

_ids = itertools.count(1)


class Link:
    """Keeps what the handler says; is cancelled on the report that a test chooses."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self.reports: list[dict[str, Any]] = []
        self.on_report: Callable[[Link], None] = lambda link: None
        self.cancelled = False

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self.lines.append((level, message, dict(fields)))

    def report(self, progress: Mapping[str, Any]) -> None:
        self.reports.append(dict(progress))
        self.on_report(self)

    def is_cancelled(self) -> bool:
        return self.cancelled


def a_context(dsn: str, root: Path, **settings: Any) -> Context:
    number = next(_ids)
    return Context(
        job="백업", job_id=1, job_type="database_backup", execution_id=number, attempt=1,
        scheduled_for=datetime.now(UTC), market_codes=[], deadline=time.clock_gettime(time.CLOCK_BOOTTIME) + 600,
        idempotency_key=f"1:{number}", link=Link(),  # type: ignore[arg-type]
        settings={"backup_dir": str(root), "database_url": dsn, **settings},
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def shop(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Give a connection to a database with a company's tables, some of them named to do harm."""
    connection.execute("""
        CREATE SCHEMA IF NOT EXISTS shop;
        CREATE TYPE shop.state AS ENUM ('paid', 'sent');
        CREATE TABLE shop.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
        CREATE TABLE shop.sales (id bigint PRIMARY KEY, customer bigint REFERENCES shop.customers, state shop.state);
        CREATE TABLE shop."주문; DROP ""x"" *" (id int);
        CREATE TABLE shop.days (day date) PARTITION BY RANGE (day);
        CREATE TABLE shop.days_2026 PARTITION OF shop.days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        INSERT INTO shop.customers (name) SELECT '손님 ' || n FROM generate_series(1, 500) AS n;
        INSERT INTO shop.sales SELECT n, n, 'paid' FROM generate_series(1, 300) AS n;
        INSERT INTO shop."주문; DROP ""x"" *" SELECT generate_series(1, 7);
        INSERT INTO shop.days SELECT date '2026-01-01' + n FROM generate_series(1, 20) AS n;
    """)
    return connection


def stored(root: Path) -> dict[str, Any]:
    return json.loads((root / "manifest.json").read_text())


def files(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()} - {"manifest.json", ".manifest.lock"}


def age(root: Path, name: str, days: int) -> None:
    """Make the manifest say that a backup is *days* old."""
    content = stored(root)
    for entry in content["backups"]:
        if entry["name"] == name:
            entry["created_at"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    (root / "manifest.json").write_text(json.dumps(content))


def real_tools(cluster: Cluster) -> Tools:
    return find_tools(cluster.major, programs.candidate_folders(None, needs_tls=False))


def fake_bin(folder: Path, pg_dump: str, restore: str = "exit 0") -> Path:
    folder.mkdir()
    for name, script in (("pg_dump", pg_dump), ("pg_restore", restore)):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def databases(cluster: Cluster) -> set[str]:
    with cluster.admin() as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
