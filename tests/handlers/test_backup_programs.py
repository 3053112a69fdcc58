"""The programs behind a backup: the right version, no password shown, and nothing left of what was ended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from handlers import database_backup
from handlers.backup import programs, safe_files
from handlers.backup.programs import ProgramFailed, find_tools
from handlers.database_backup import back_up_database
from scheduler.handler import Cancelled, GiveUp
from tests.handlers import backup_support
from tests.handlers.backup_support import Link, a_context, databases, fake_bin, files, real_tools, stored
from tests.support.cluster import Cluster

root = backup_support.root
shop = backup_support.shop
PASSWORD = "canary-7f3a"


def test_the_password_is_nowhere_to_be_seen(
    database: str, shop: psycopg.Connection[Any], root: Path, tmp_path: Path, cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given: a pg_dump that writes down its arguments, says the password it was given, and fails."""
    monkeypatch.setenv("OTHER_SECRET", "canary-other")
    monkeypatch.setenv("PGAPPNAME", "erp-exec-77")
    seen = tmp_path / "seen"
    script = (
        f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {cluster.major}.1" && exit 0\n'
        f'tr "\\0" " " < /proc/$$/cmdline > {seen}; env >> {seen}.env\n'
        'echo "cannot log in with $PGPASSWORD" >&2; exit 1'
    )
    fake = fake_bin(tmp_path / "bin", script)
    context = a_context(make_conninfo(database, password=PASSWORD), root, pg_bin=str(fake))

    with pytest.raises(ProgramFailed) as caught:
        back_up_database(context)

    assert PASSWORD not in seen.read_text() and "--format=custom" in seen.read_text()
    environment = Path(f"{seen}.env").read_text()
    assert f"PGPASSWORD={PASSWORD}" in environment and "PGAPPNAME=erp-exec-77" in environment
    assert "canary-other" not in environment
    assert "cannot log in with ***" in str(caught.value)
    assert PASSWORD not in repr(caught.value) + repr(context.link.lines)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url", [f"postgresql://u:{PASSWORD}@[::1/x", f"host=x passwort={PASSWORD}", f"postgresql://u:{PASSWORD}@h/d?no=1", None]
)
def test_an_unreadable_address_is_not_repeated(url: str | None, root: Path) -> None:
    with pytest.raises(GiveUp) as caught:
        back_up_database(a_context(url or "", root))

    assert PASSWORD not in str(caught.value) and caught.value.__cause__ is None


def test_a_refused_login_does_not_show_the_password(database: str, root: Path) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        back_up_database(a_context(make_conninfo(database, user="nobody_here", password=PASSWORD), root))

    assert "nobody_here" in str(caught.value) and PASSWORD not in str(caught.value)


def test_the_program_of_the_servers_own_version_is_chosen(tmp_path: Path) -> None:
    folders = {
        major: fake_bin(tmp_path / major, f'echo "pg_dump (PostgreSQL) {major}.4"') for major in ("14", "15", "19", "20")
    }
    fake_bin(tmp_path / "bad", "echo nonsense")
    everywhere = [tmp_path / "missing", tmp_path / "bad", folders["20"], folders["14"], folders["19"], folders["15"]]

    assert find_tools(15, everywhere).folder == folders["15"]
    assert find_tools(18, everywhere).folder == folders["19"]
    with pytest.raises(GiveUp, match=r"no pg_dump for PostgreSQL 18 \(found: 14\.4 in .*install postgresql-client-18"):
        find_tools(18, [folders["14"], tmp_path / "bad"])
    with pytest.raises(GiveUp, match="found: none"):
        find_tools(18, [])


def test_a_wrong_version_in_the_path_is_not_used(
    database: str, shop: psycopg.Connection[Any], root: Path, tmp_path: Path, cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = tmp_path / "used"
    fake = fake_bin(tmp_path / "bin", f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 13.2" && exit; touch {used}')
    monkeypatch.setenv("PATH", str(fake), prepend=os.pathsep)

    result = back_up_database(a_context(database, root, pg_bin=str(fake)), tables=["sales"])

    assert result["tool"].startswith(f"pg_dump {cluster.major}.") and not used.exists()


def test_a_newer_program_dumps_with_a_warning_but_may_not_prove_a_restore(
    database: str, shop: psycopg.Connection[Any], root: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = real_tools(cluster).folder
    if cluster.major == 15:
        newest = find_tools(18, programs.candidate_folders(None, needs_tls=False)).folder
    monkeypatch.setattr(programs, "candidate_folders", lambda *given, **named: [newest])
    monkeypatch.setattr(database_backup.source, "server_major", lambda connection: 14)
    context = a_context(database, root)

    assert back_up_database(context, tables=["sales"])["bytes"] > 0
    with pytest.raises(GiveUp, match="verify_restore needs pg_restore 14"):
        back_up_database(a_context(database, root), tables=["sales"], verify_restore=True)

    assert ("WARNING", "backup.newer_tool") in [line[:2] for line in context.link.lines]  # type: ignore[attr-defined]


@pytest.fixture
def slow_bin(tmp_path: Path, cluster: Cluster) -> Iterator[Path]:
    """Give a pg_dump that says its pid, starts a child and never ends by itself."""
    script = (
        f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {cluster.major}.1" && exit 0\n'
        f'sleep 60 & echo $$ $! > {tmp_path}/pids; wait'
    )
    yield fake_bin(tmp_path / "slow", script)


def test_a_cancelled_backup_ends_its_program_and_leaves_nothing(
    database: str, shop: psycopg.Connection[Any], root: Path, slow_bin: Path, tmp_path: Path
) -> None:
    context = a_context(database, root, pg_bin=str(slow_bin))

    def cancel(link: Link) -> None:
        link.cancelled = (tmp_path / "pids").exists()

    context.link.on_report = cancel  # type: ignore[attr-defined]
    with pytest.raises(Cancelled):
        back_up_database(context)

    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert not any(is_running(pid) for pid in pids)
    assert files(root) == set() and stored(root)["pending"] == []


def is_running(pid: int) -> bool:
    """Say whether a process is alive; a zombie is not. A killed orphan gets two seconds to go."""
    limit = time.monotonic() + 2
    while time.monotonic() < limit:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "ZX":
            return False
        time.sleep(0.02)
    return True


def test_leftovers_of_a_killed_execution_are_cleared_at_the_next_start(
    database: str, shop: psycopg.Connection[Any], root: Path, cluster: Cluster
) -> None:
    """Given: a dead part, a live part, a foreign part, a scratch database, and one file renamed but not yet listed."""
    done = Path(back_up_database(a_context(database, root), tables=["sales"])["file"])
    content = stored(root)
    dead, alive, foreign = (f".backup_x_20260101T000000Z_{n}.dump.part" for n in (91, 92, 93))
    scratch = "erp_verify_91_0123abcd"
    for name in (dead, alive, foreign):
        (root / name).write_text("part")
    shop.execute(f"CREATE DATABASE {scratch}")
    shop.execute("CREATE DATABASE erp_precious")
    content["pending"] = [
        {"name": dead, "scratch": scratch}, {"name": alive}, {"name": f".{done.name}.part", "scratch": "erp_precious",
                                                             "finished": content["backups"].pop()},
    ]
    (root / "manifest.json").write_text(json.dumps(content))

    with (root / alive).open() as held:
        safe_files.hold(held.fileno())
        back_up_database(a_context(database, root), tables=["sales"])

    try:
        assert files(root) >= {alive, foreign, done.name} and dead not in files(root)
        assert [pending["name"] for pending in stored(root)["pending"]] == [alive]
        assert done.name in [entry["name"] for entry in stored(root)["backups"]]
        assert scratch not in databases(cluster) and "erp_precious" in databases(cluster)
    finally:
        cluster.drop("erp_precious")
