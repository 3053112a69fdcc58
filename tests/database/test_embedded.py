"""The private PostgreSQL: its life, its settings and its folders, whoever starts it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from scheduler.database.embedded import Embedded
from scheduler.database.programs import bin_folders
from scheduler.errors import ConfigError
from tests.database.embedded_support import data_of, pid_of, value

REPOSITORY = Path(__file__).parents[2]
START = "import sys; from pathlib import Path; from scheduler.database.embedded import Embedded; "


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


def test_a_folder_open_to_others_is_refused_and_left_alone(private: Embedded) -> None:
    opened = data_of(private).parent / "socket"
    opened.chmod(0o777)
    with pytest.raises(ConfigError, match="chmod 700"):
        private.start()
    assert stat.S_IMODE(opened.stat().st_mode) == 0o777
    opened.chmod(0o700)
    private.start()


def test_a_broken_setting_is_told_at_once_in_postgresqls_words(private: Embedded) -> None:
    settings = data_of(private) / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(before + "no_such_setting = 1\n")
    with pytest.raises(ConfigError, match=r"did not start: .*(configuration file|no_such_setting).*server\.log"):
        private.start()
    settings.write_text(before)
    private.start()


# -- processes -------------------------------------------------------------------------------------------------------


def test_a_fork_of_the_starter_sees_the_server_alive(private: Embedded) -> None:
    private.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if private.is_running() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert private.is_running()


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
