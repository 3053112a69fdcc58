"""Backups of a real PostgreSQL: what is in the file, what is refused, and what a restore proves."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from handlers import database_backup
from handlers.backup import manifest, safe_files
from handlers.backup.verify import BackupCorrupt
from handlers.database_backup import back_up_database
from scheduler.handler import GiveUp
from tests.handlers import backup_support
from tests.handlers.backup_support import a_context, databases, files, real_tools, stored
from tests.support.cluster import Cluster

root = backup_support.root
shop = backup_support.shop


def test_the_whole_database_is_dumped_checked_and_listed(
    database: str, shop: psycopg.Connection[Any], root: Path, cluster: Cluster
) -> None:
    context = a_context(database, root)

    result = back_up_database(context)

    path = Path(result["file"])
    content = path.read_bytes()
    assert result["bytes"] == len(content) > 1000
    assert result["sha256"] == hashlib.sha256(content).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((root / "manifest.json").stat().st_mode) == 0o600
    assert manifest.OURS.fullmatch(path.name) and path.name.endswith(f"_{context.execution_id}.dump")
    assert result["tool"].startswith(f"pg_dump {cluster.major}.")
    assert (result["verified"], result["deleted"]) == ("listed", [])
    entry = stored(root)["backups"][0]
    assert entry["sha256"] == result["sha256"] and entry["execution_id"] == context.execution_id
    assert {"public.schedule_jobs", "shop.sales"} <= set(entry["tables"]) and len(entry["tables"]) == result["tables"]
    assert stored(root)["pending"] == [] and files(root) == {path.name}
    assert context.link.reports[-1]["done"] == len(content)  # type: ignore[attr-defined]


def test_a_restore_proves_the_rows_of_the_whole_database(
    database: str, shop: psycopg.Connection[Any], root: Path, cluster: Cluster
) -> None:
    before = databases(cluster)

    result = back_up_database(a_context(database, root), verify_restore=True)

    assert result["verified"] == stored(root)["backups"][0]["verified"] == "restored"
    assert databases(cluster) == before


def test_chosen_tables_are_all_that_the_file_holds_and_they_restore(
    database: str, shop: psycopg.Connection[Any], root: Path, cluster: Cluster
) -> None:
    wanted = ["sales", "shop.days", 'shop.주문; DROP "x" *', "public.schedule_jobs"]

    result = back_up_database(a_context(database, root), tables=wanted, verify_restore=True)

    listing = subprocess.run(
        [real_tools(cluster).restore, "-l", result["file"]], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    assert "TABLE DATA shop sales" in listing and "TABLE DATA shop days_2026" in listing
    assert 'TABLE DATA shop 주문; DROP "x" *' in listing and "customers" not in listing.replace("customer_fkey", "")
    assert result["tables"] == 5 and result["verified"] == "restored"


def test_rows_written_during_the_dump_do_not_spoil_the_comparison(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    context = a_context(database, root)
    context.link.on_report = lambda link: shop.execute("INSERT INTO shop.customers (name) VALUES ('늦은 손님')")  # type: ignore[attr-defined]

    result = back_up_database(context, tables=["customers"], verify_restore=True)

    assert result["verified"] == "restored"
    assert shop.execute("SELECT count(*) > 501 FROM shop.customers").fetchone() == (True,)


def test_an_unknown_table_is_named_with_its_nearest(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    with pytest.raises(GiveUp, match=r"unknown table 'shop.salse'; did you mean 'shop.sales'"):
        back_up_database(a_context(database, root), tables=["shop.salse"])
    with pytest.raises(GiveUp, match="patterns are not allowed"):
        back_up_database(a_context(database, root), tables=["shop.*"])
    with pytest.raises(GiveUp, match="unknown table"):
        back_up_database(a_context(database, root), tables=["sa\0les"])

    assert files(root) == set() and stored(root)["pending"] == []


def test_a_name_found_in_two_schemas_has_to_be_qualified(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    shop.execute("CREATE SCHEMA other; CREATE TABLE other.sales ()")

    with pytest.raises(GiveUp, match=r"write one of other\.sales, shop\.sales"):
        back_up_database(a_context(database, root), tables=["sales"])


def test_a_role_without_rights_gives_up_naming_the_table(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    shop.execute("DROP ROLE IF EXISTS backup_reader; CREATE ROLE backup_reader LOGIN")
    dsn = make_conninfo(database, user="backup_reader")
    try:
        with pytest.raises(GiveUp, match=r"role 'backup_reader' may not read shop\.sales; GRANT SELECT"):
            back_up_database(a_context(dsn, root), tables=["sales"])
        shop.execute("GRANT pg_read_all_data TO backup_reader")
        assert back_up_database(a_context(dsn, root), tables=["sales"])["tables"] == 1
        with pytest.raises(GiveUp, match="ALTER ROLE backup_reader CREATEDB"):
            back_up_database(a_context(dsn, root), tables=["sales"], verify_restore=True)
    finally:
        shop.execute("DROP ROLE backup_reader")


def test_a_restore_that_lacks_rows_is_no_backup(
    database: str, shop: psycopg.Connection[Any], root: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = databases(cluster)
    count = database_backup.source.count_rows
    monkeypatch.setattr(  # the first count, in the snapshot, sees one row more than the file will hold
        database_backup.source, "count_rows",
        lambda *given: {table: rows + (table[1] == "sales") for table, rows in count(*given).items()},
    )

    with pytest.raises(BackupCorrupt, match=r"row counts differ: shop\.sales 300 instead of 301"):
        back_up_database(a_context(database, root), tables=["sales"], verify_restore=True)

    assert files(root) == set() and stored(root)["backups"] == []
    assert databases(cluster) == before


def test_a_full_disk_is_said_before_anything_is_written(
    database: str, shop: psycopg.Connection[Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_files.Folder, "free_bytes", lambda folder: 1000)

    with pytest.raises(OSError, match="1,000 bytes free"):
        back_up_database(a_context(database, root))

    assert files(root) == set()
