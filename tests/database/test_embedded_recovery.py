"""The private PostgreSQL after a crash: killed servers, false pid files, strangers and locks."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from scheduler.database import cluster as cluster_module
from scheduler.database.embedded import Embedded
from scheduler.database.postmaster import PID_FILE, server_pid, take_lock, until
from scheduler.errors import ConfigError
from tests.database.embedded_support import ROOT, data_of, pid_of, value
from tests.support.cluster import Cluster


def change(server: Embedded, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement)


def kill(server: Embedded) -> None:
    """Kill the postmaster as the out-of-memory killer would, and wait for nothing."""
    os.kill(pid_of(server), signal.SIGKILL)


def write_as_owner(file: Path, text: str) -> None:
    file.write_text(text)
    os.chown(file, file.parent.stat().st_uid, file.parent.stat().st_gid)


@pytest.fixture
def stranger(private: Embedded) -> Iterator[psutil.Process]:
    """Give a living process of the very user who runs the server, for which PostgreSQL would wait for ever."""
    owner = data_of(private).stat()
    identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if ROOT else {}
    process = subprocess.Popen(["sleep", "60"], **identity)  # type: ignore[call-overload]
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def test_after_kill_9_it_starts_again_with_every_committed_row(private: Embedded) -> None:
    private.start()
    change(private, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS n")
    open_transaction = psycopg.connect(private.url())
    open_transaction.execute("INSERT INTO kept VALUES (2)")
    kill(private)
    private.start()
    open_transaction.close()
    assert value(private, "SELECT count(*) FROM kept") == 1


def test_a_backend_that_survives_its_postmaster_is_ended_before_the_next_start(
    private: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "RETRY_SECONDS", 3.0)
    private.start()
    busy = psycopg.connect(private.url(), autocommit=True)
    backend = busy.info.backend_pid
    endless = "SELECT count(*) FROM generate_series(1, 1e12)"
    query = threading.Thread(target=_ignoring_errors, args=(busy.execute, endless))
    query.start()
    assert until(lambda: value(private, f"SELECT state FROM pg_stat_activity WHERE pid = {backend}") == "active", 10)
    kill(private)

    private.start()

    query.join(10)
    assert not query.is_alive()
    assert value(private, "SELECT 1") == 1


def test_immediate_stop_recovers(private: Embedded) -> None:
    private.start()
    change(private, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    private.stop("immediate")
    private.start()
    assert value(private, "SELECT count(*) FROM kept") == 1000


def test_a_pid_file_naming_a_living_stranger_is_not_believed_nor_the_stranger_signalled(
    private: Embedded, stranger: psutil.Process
) -> None:
    data = data_of(private)
    write_as_owner(data / PID_FILE, f"{stranger.pid}\n{data}\n1\n5432\n\n\n\nready   \n")
    assert private.is_running() is False
    private.stop()
    private.start()
    assert value(private, "SELECT 1") == 1
    assert stranger.is_running() and stranger.status() != psutil.STATUS_ZOMBIE


def test_a_socket_lock_naming_a_living_stranger_is_cleared(private: Embedded, stranger: psutil.Process) -> None:
    write_as_owner(data_of(private).parent / "socket" / ".s.PGSQL.5432.lock", f"{stranger.pid}\n")
    private.start()
    assert value(private, "SELECT 1") == 1
    assert stranger.is_running()


def test_a_pid_file_naming_a_zombie_is_cleared(private: Embedded) -> None:
    data = data_of(private)
    zombie = subprocess.Popen(["true"])
    assert until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE, 10)
    write_as_owner(data / PID_FILE, f"{zombie.pid}\n{data}\n")
    private.start()
    assert value(private, "SELECT 1") == 1
    zombie.wait()


def test_the_postgresql_of_another_folder_is_not_ours(private: Embedded, cluster: Cluster) -> None:
    write_as_owner(data_of(private) / PID_FILE, f"{cluster.pid}\n{data_of(private)}\n")
    assert server_pid(cluster.data) == cluster.pid
    assert private.is_running() is False
    private.stop("immediate")
    private.start()
    assert cluster.pid is not None


def test_data_in_use_by_a_server_out_of_sight_is_left_alone(
    private: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "RETRY_SECONDS", 1.0)
    home = data_of(private).parent
    handle = take_lock(home / "server.lock", 5)
    assert handle is not None
    write_as_owner(home / "data" / PID_FILE, "999999999\n")
    with pytest.raises(ConfigError, match="in use by a server that this process cannot see"):
        private.start()
    assert (home / "data" / PID_FILE).exists()
    os.close(handle)
    private.start()


def test_the_lock_is_held_as_long_as_the_server_lives(private: Embedded) -> None:
    private.start()
    lock = data_of(private).parent / "server.lock"
    assert take_lock(lock, 0) is None
    private.stop()
    handle = take_lock(lock, 5)
    assert handle is not None
    os.close(handle)


@pytest.mark.parametrize("text", ["", "\n", "0\n", "1\n", "-7\n", "가\n", "99999999999999999999\n"])
def test_a_pid_file_with_nonsense_is_cleared(private: Embedded, text: str) -> None:
    write_as_owner(data_of(private) / PID_FILE, text)
    assert private.is_running() is False
    private.stop()
    private.start()
    assert value(private, "SELECT 1") == 1


def test_a_first_start_that_was_cut_off_leaves_nothing_half_made(fresh: Embedded) -> None:
    home = fresh.state_dir / "postgres"
    (home / "data.new" / "base").mkdir(parents=True)
    home.chmod(0o711 if ROOT else 0o700)
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    fresh.start()
    assert value(fresh, "SELECT 1") == 1
    assert not (home / "data.new").exists()


def _ignoring_errors(call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except psycopg.Error:
        pass
