"""The pm2 process file with a real pm2 and a real daemon. `pm2 startup` is never called: it would write a system unit."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.live import PROGRAM, Surroundings, until

VERSION = "7.0.4"
PROCESS_FILE = Path(__file__).parents[2] / "deploy" / "ecosystem.config.js"
INSTALL_SECONDS = 300


@pytest.fixture(scope="session")
def pm2_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a pm2 installed for the tests alone; without npm there is none, which CI does not accept."""
    if shutil.which("npm") is None:
        assert not os.environ.get("CI"), "npm is missing, and CI must test pm2"
        pytest.skip("npm is not installed")
    folder = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "erp-scheduler" / f"pm2-{VERSION}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        folder = tmp_path_factory.mktemp("pm2")
    program = folder / "node_modules" / "pm2" / "bin" / "pm2"
    if not program.exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), f"pm2@{VERSION}"]
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL, cwd=folder)
    return program


class Pm2:
    """One pm2 with a home of its own, and the process file in a checkout of its own."""

    def __init__(self, program: Path, surroundings: Surroundings) -> None:
        checkout = surroundings.folder
        (checkout / "deploy").mkdir()
        (checkout / ".venv" / "bin").mkdir(parents=True)
        (checkout / ".venv" / "bin" / PROGRAM.name).symlink_to(PROGRAM)
        lines = [f"{name}={value}\n" for name, value in surroundings.settings.items()]
        (checkout / "deploy" / ".env").write_text("# settings\n\n" + "".join(lines), encoding="utf-8")
        self.process_file = Path(shutil.copy(PROCESS_FILE, checkout / "deploy"))
        self.environment = surroundings.environment | {"PM2_HOME": str(checkout / "pm2")}
        self.program = program

    def __call__(self, *words: str) -> str:
        answer = subprocess.run(
            [self.program, *words], env=self.environment, capture_output=True, text=True, timeout=90,
            stdin=subprocess.DEVNULL,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def app(self) -> dict[str, Any]:
        (found,) = json.loads(self("jlist").splitlines()[-1])
        return dict(found)

    def log(self) -> str:
        return Path(self.environment["PM2_HOME"], "pm2.log").read_text(encoding="utf-8")


@pytest.fixture
def pm2(pm2_program: Path, surroundings: Surroundings) -> Iterator[Pm2]:
    made = Pm2(pm2_program, surroundings)
    try:
        made("start", str(made.process_file))
        yield made
    finally:
        surroundings.gate.touch()
        made("kill")


def test_start_waits_until_ready_and_stop_waits_for_the_drain(pm2: Pm2, surroundings: Surroundings) -> None:
    app = pm2.app()
    assert (app["name"], app["pm2_env"]["status"]) == ("erp-scheduler", "online")
    assert surroundings.live_pid() == app["pid"]
    assert app["pm2_env"]["kill_timeout"] == 1000 * (int(surroundings.settings["ERP_SCHEDULER_DRAIN_SECONDS"]) + 30)
    surroundings.start_execution()

    stop = threading.Thread(target=pm2, args=("stop", "erp-scheduler"))
    stop.start()
    until(lambda: surroundings.one("SELECT pid FROM scheduler_nodes WHERE state = 'draining'"), "draining daemon")
    surroundings.gate.touch()
    stop.join()

    assert surroundings.one("SELECT status FROM job_executions") == "success"
    assert surroundings.one("SELECT result -> 'inherited' FROM job_executions") == []
    assert pm2.app()["pm2_env"]["status"] == "stopped"
    assert "exited with code [0] via signal [SIGINT]" in pm2.log()
    assert "SIGKILL" not in pm2.log()


def test_a_restart_and_a_crash_both_bring_a_new_daemon(pm2: Pm2, surroundings: Surroundings) -> None:
    first = surroundings.live_pid()

    pm2("restart", "erp-scheduler")
    second = until(lambda: other_than(surroundings.live_pid(), first), "daemon after the restart")
    assert pm2.app()["pid"] == second

    os.kill(second, signal.SIGKILL)
    third = until(lambda: other_than(surroundings.live_pid(), second), "daemon after kill -9")
    assert pm2.app()["pid"] == third
    assert pm2.app()["pm2_env"]["status"] == "online"


def test_what_was_saved_comes_back(pm2: Pm2, surroundings: Surroundings) -> None:
    before = surroundings.live_pid()
    pm2("save")

    pm2("kill")
    assert surroundings.one("SELECT count(*) FROM scheduler_nodes WHERE state = 'running'") == 0
    pm2("resurrect")

    assert until(lambda: other_than(surroundings.live_pid(), before), "daemon after the resurrection")
    assert pm2.app()["pm2_env"]["status"] == "online"


def other_than(pid: int | None, before: int | None) -> int | None:
    return pid if pid != before else None
