"""Which backups go and which stay: only listed files of our own go, and only after a good new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handlers.backup.programs import ProgramFailed
from handlers.backup.verify import BackupCorrupt
from handlers.database_backup import back_up_database
from tests.handlers import backup_support
from tests.handlers.backup_support import a_context, age, fake_bin, files, real_tools, stored
from tests.support.cluster import Cluster

root = backup_support.root
shop = backup_support.shop


def spoiled_bin(cluster: Cluster, folder: Path, after: str) -> Path:
    """Make a pg_dump of the right version whose output goes through *after*."""
    real = real_tools(cluster)
    script = f'[ "$1" = --version ] && exec {real.dump} --version\n{real.dump} "$@" | {after}'
    return fake_bin(folder, script, f'exec {real.restore} "$@"')


def test_old_backups_go_but_the_newest_few_stay(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    names = [Path(back_up_database(a_context(database, root), tables=["sales"])["file"]).name for _ in range(4)]
    for number, name in enumerate(names):
        age(root, name, 90 - number)

    kept = back_up_database(a_context(database, root), tables=["sales"], keep_days=30, keep_count=3)
    assert kept["deleted"] == [names[1], names[0]]
    young = back_up_database(a_context(database, root), tables=["sales"], keep_days=3650, keep_count=1)
    assert young["deleted"] == []

    assert files(root) == {*names[2:], Path(kept["file"]).name, Path(young["file"]).name}
    assert {entry["name"] for entry in stored(root)["backups"]} == files(root)


def test_backups_of_other_tables_do_not_take_the_place_of_these(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    whole = Path(back_up_database(a_context(database, root))["file"])
    age(root, whole.name, 400)

    for _ in range(2):
        assert back_up_database(a_context(database, root), tables=["sales"], keep_count=1)["deleted"] == []

    assert whole.exists()


def test_retention_touches_only_its_own_files(
    database: str, shop: psycopg.Connection[Any], root: Path, tmp_path: Path
) -> None:
    """Given: a manifest that lists a file outside, a foreign name, a link, a folder and one that was replaced."""
    outside = tmp_path / "outside.dump"
    outside.write_text("precious")
    own = Path(back_up_database(a_context(database, root), tables=["sales"])["file"])
    content = stored(root)
    template = {**content["backups"][0], "created_at": "2001-01-01T00:00:00Z", "size": 8}
    unlisted = root / "backup_db_20010101T000000Z_1.dump"
    unlisted.write_text("unlisted")
    (root / "accounts.xlsx").write_text("precious")
    (root / "backup_db_20010101T000000Z_2.dump").symlink_to(outside)
    (root / "backup_db_20010101T000000Z_3.dump").mkdir()
    (root / "backup_db_20010101T000000Z_4.dump").write_text("longer than eight")
    listed = ["../outside.dump", str(outside), "accounts.xlsx", "manifest.json", "a\0b",
              *(f"backup_db_20010101T000000Z_{n}.dump" for n in (2, 3, 4))]
    content["backups"] += [{**template, "name": name} for name in listed]
    content["pending"] = [{"name": name} for name in ("../outside.dump", "accounts.xlsx", own.name)]
    (root / "manifest.json").write_text(json.dumps(content))
    before = files(root)

    result = back_up_database(a_context(database, root), tables=["sales"], keep_days=1, keep_count=1)

    assert result["deleted"] == []
    assert files(root) == before | {Path(result["file"]).name}
    assert outside.read_text() == "precious"


def test_a_broken_manifest_is_set_aside_and_its_files_are_left(
    database: str, shop: psycopg.Connection[Any], root: Path
) -> None:
    old = Path(back_up_database(a_context(database, root), tables=["sales"])["file"])
    (root / "manifest.json").write_text("{half")

    new = back_up_database(a_context(database, root), tables=["sales"], keep_count=1, keep_days=1)

    assert old.exists() and [entry["name"] for entry in stored(root)["backups"]] == [Path(new["file"]).name]
    assert any(name.startswith("manifest.json.broken-") for name in files(root))


@pytest.mark.parametrize(
    "after", ["head -c 3000", "sed 's/PGDMP/PGDMQ/'", "head -c 0", "(cat >/dev/null; exit 3)"],
)
def test_a_corrupt_dump_keeps_the_old_ones(
    after: str, database: str, shop: psycopg.Connection[Any], root: Path, tmp_path: Path, cluster: Cluster
) -> None:
    old = Path(back_up_database(a_context(database, root), tables=["sales"])["file"])
    age(root, old.name, 400)
    broken = spoiled_bin(cluster, tmp_path / "bin", after)

    with pytest.raises((BackupCorrupt, ProgramFailed)):
        back_up_database(a_context(database, root, pg_bin=str(broken)), tables=["sales"], keep_days=1, keep_count=1)

    assert files(root) == {old.name}
    assert [entry["name"] for entry in stored(root)["backups"]] == [old.name] and stored(root)["pending"] == []
