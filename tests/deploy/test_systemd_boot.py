"""The unit as shipped, under a real systemd in a container, with the embedded PostgreSQL inside all its limits.

Opt-in (ERP_TEST_SYSTEMD=1): needs root, debootstrap and systemd-nspawn, and a Debian whose Python is the container's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.deploy.live import until

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.skipif(os.environ.get("ERP_TEST_SYSTEMD") != "1", reason="opt-in: ERP_TEST_SYSTEMD=1"),
]

CHECKOUT = Path(__file__).parents[2]
SYSTEM = Path("/var/cache/erp-scheduler-tests/bookworm")
INSTALLED = Path("/opt/erp-scheduler")
PACKAGES = "systemd,systemd-sysv,dbus,python3,libnss-systemd"
LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "__pycache__", "*.egg-info", "node_modules", ".*_cache")


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """Give the checkout installed as the README says; systems that have one there already are left alone."""
    if INSTALLED.exists():
        pytest.skip(f"{INSTALLED} exists")
    shutil.copytree(CHECKOUT, INSTALLED, ignore=LEFT_OUT)
    try:
        subprocess.run(["make", "-C", INSTALLED, "install", "PYTHON=/usr/bin/python3"], check=True, timeout=600)
        yield INSTALLED
    finally:
        shutil.rmtree(INSTALLED)


class Machine:
    """A booted container; words are run inside it."""

    def __init__(self, init_pid: int) -> None:
        self.init_pid = init_pid

    def run(self, *words: str) -> str:
        inside = ["nsenter", "-t", str(self.init_pid), "-m", "-u", "-i", "-n", "-p", "-C", *words]
        answer = subprocess.run(inside, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        return answer.stdout.strip()

    def show(self, name: str) -> str:
        return self.run("systemctl", "show", "--value", "-p", name, "erp-scheduler")

    def server_log(self) -> list[str]:
        return self.run("sh", "-c", "tail -n 20 /var/lib/erp-scheduler/postgres/*.log").splitlines()

    def start(self) -> None:
        self.run("systemctl", "start", "erp-scheduler")
        assert self.show("ActiveState") == "active", self.run("journalctl", "-u", "erp-scheduler", "--no-pager")


@pytest.fixture(scope="module")
def machine(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if not (SYSTEM / "usr" / "bin" / "systemctl").exists():
        SYSTEM.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(SYSTEM)]
        subprocess.run(command, check=True, timeout=900, stdout=subprocess.DEVNULL)
    root = tmp_path_factory.mktemp("systemd") / "root"
    subprocess.run(["cp", "-a", str(SYSTEM), str(root)], check=True)
    subprocess.run(
        ["chroot", root, "useradd", "--system", "--home-dir", "/var/lib/erp-scheduler", "erp-scheduler"], check=True
    )
    shutil.copy(CHECKOUT / "deploy" / "erp-scheduler.service", root / "etc" / "systemd" / "system")
    (root / "opt" / "erp-scheduler").mkdir()
    container = subprocess.Popen(
        ["systemd-nspawn", "-D", root, "--register=no", "--keep-unit", f"--bind-ro={installed}", "--boot"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        yield Machine(until(lambda: booted(container.pid), "booted container", 60))
    finally:
        container.terminate()
        container.wait(60)


def booted(container_pid: int) -> int | None:
    """Return the container's first process, once systemd inside says that it is up."""
    for child in psutil.Process(container_pid).children():
        if Machine(child.pid).run("systemctl", "is-system-running") in ("running", "degraded"):
            return child.pid
    return None


def test_it_starts_lives_through_kill_9_and_stops_cleanly(machine: Machine) -> None:
    machine.start()
    assert machine.show("StatusText")
    first = int(machine.show("MainPID"))

    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", "erp-scheduler")
    until(lambda: machine.show("NRestarts") == "1" and machine.show("ActiveState") == "active", "restart")
    assert int(machine.show("MainPID")) not in (0, first)

    machine.run("systemctl", "stop", "erp-scheduler")
    assert "database system is shut down" in machine.server_log()[-1]
    assert (machine.show("ActiveState"), machine.show("Result")) == ("inactive", "success")


def test_an_execution_runs_inside_the_limits(machine: Machine) -> None:
    machine.start()
    program = str(INSTALLED / ".venv" / "bin" / "erp-scheduler")
    as_service = ["runuser", "-u", "erp-scheduler", "--", "env", "ERP_SCHEDULER_STATE_DIR=/var/lib/erp-scheduler", program]

    machine.run(*as_service, "jobs", "add", "--name", "backup", "--type", "database_backup", "--by-hand")
    machine.run(*as_service, "jobs", "run", "backup", "--wait", "--timeout", "60s")

    assert '"success"' in machine.run(*as_service, "executions", "list", "--json")
