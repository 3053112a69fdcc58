"""Backups of a real PostgreSQL: what is in the file, what is refused, what stays when something goes wrong."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from handlers import database_backup
from handlers.backup import manifest, programs, safe_files
from handlers.backup.programs import ProgramFailed, Tools, find_tools
from handlers.backup.verify import BackupCorrupt
from handlers.database_backup import back_up_database
from scheduler.handler import Cancelled, Context, GiveUp
from tests.support.cluster import Cluster

PASSWORD = "canary-7f3a"
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


def spoiled_bin(cluster: Cluster, folder: Path, after: str) -> Path:
    """Make a pg_dump of the right version whose output goes through *after*."""
    real = real_tools(cluster)
    script = f'[ "$1" = --version ] && exec {real.dump} --version\n{real.dump} "$@" | {after}'
    return fake_bin(folder, script, f'exec {real.restore} "$@"')


def databases(cluster: Cluster) -> set[str]:
    with cluster.admin() as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


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
