"""Backups never leave their folder: unsafe names, links, and links that appear meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handlers.backup import safe_files
from handlers.database_backup import back_up_database
from scheduler.handler import GiveUp
from tests.handlers import backup_support
from tests.handlers.backup_support import Link, a_context, stored
from tests.support.cluster import Cluster

root = backup_support.root
shop = backup_support.shop


@pytest.mark.parametrize(
    "folder",
    ["../up", "/etc", "a/../../b", "a//b", ".hidden", "a\0b", "a\nb", "가" * 86, "x" * 300, "\udc80", "a\\b", "a/" * 9 + "a"],
)
def test_unsafe_folder_names_are_refused(folder: str, root: Path) -> None:
    with pytest.raises(GiveUp, match="folder"), safe_files.open_folder(root, folder):
        pass

    assert not root.exists()


def test_both_spellings_of_hangul_are_one_folder(root: Path) -> None:
    composed, decomposed = "가게/백업", "가게/백업"

    with safe_files.open_folder(root, composed) as first, safe_files.open_folder(root, decomposed) as second:
        assert os.fstat(first.fd).st_ino == os.fstat(second.fd).st_ino
    (root / "맥").mkdir()
    with safe_files.open_folder(root, "맥") as found:
        assert found.path == root / "맥"


def test_a_link_below_the_root_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root.mkdir()
    (root / "daily").symlink_to(outside)

    for folder in ("daily", "daily/inner"):
        with pytest.raises(GiveUp, match="links are not followed"), safe_files.open_folder(root, folder):
            pass

    assert list(outside.iterdir()) == []


def test_a_folder_swapped_for_a_link_during_the_dump_catches_nothing(
    database: str, shop: psycopg.Connection[Any], root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    context = a_context(database, root)

    def swap(link: Link) -> None:
        if not (root / "moved").exists():
            (root / "daily").rename(root / "moved")
            (root / "daily").symlink_to(outside)

    context.link.on_report = swap  # type: ignore[attr-defined]
    result = back_up_database(context, tables=["sales"], folder="daily")

    assert list(outside.iterdir()) == []
    assert (root / "moved" / Path(result["file"]).name).stat().st_size == result["bytes"]


def test_a_racing_link_never_leads_outside(root: Path, tmp_path: Path) -> None:
    """When: another process exchanges the folder for a link as fast as it can while we open and write."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "daily").mkdir(parents=True)
    done = threading.Event()

    def exchange() -> None:
        while not done.is_set():
            (root / "daily").rename(root / "aside")
            with contextlib.suppress(OSError):
                (root / "daily").symlink_to(outside)
                (root / "daily").unlink()
            while (root / "aside").exists():
                try:
                    (root / "aside").rename(root / "daily")
                except OSError:  # the other side has made the folder anew meanwhile
                    shutil.rmtree(root / "daily", ignore_errors=True)

    racer = threading.Thread(target=exchange)
    racer.start()
    opened = refused = 0
    try:
        for number in range(300):
            try:
                with safe_files.open_folder(root, "daily") as folder:
                    os.close(folder.create(f"file{number}"))
                    opened += 1
            except (GiveUp, OSError):
                refused += 1
    except BaseException:
        done.set()
        raise
    finally:
        done.set()
        racer.join(10)

    assert opened + refused == 300
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["-x", "a b='c", "가게\"; --"])
def test_harmful_database_names_are_only_names(name: str, cluster: Cluster, root: Path) -> None:
    with cluster.admin() as admin:
        admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    try:
        with psycopg.connect(cluster.dsn(name), autocommit=True) as connection:
            connection.execute("CREATE TABLE one AS SELECT 1")
        result = back_up_database(a_context(cluster.dsn(name), root), verify_restore=name == "-x")
        assert result["tables"] == 1 and Path(result["file"]).parent == root
        assert stored(root)["backups"][0]["database"] == name
    finally:
        cluster.drop(name)
