"""Real daemons for tests, as processes of their own, and ways to wait for what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 30.0


def wait_for(check: Callable[[], Any], limit: float = LIMIT, what: str = "") -> Any:
    """Return the first true answer of *check*; fail the test when the limit passes."""
    until = time.monotonic() + limit
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"not within {limit:g} s: {what or check}")
        time.sleep(0.01)


class Daemon:
    """One `erp-scheduler start` in the foreground, with a state folder and logs of its own."""

    def __init__(self, dsn: str, folder: Path, node: str = "a", **settings: Any) -> None:
        self.dsn = dsn
        self.folder = folder
        self.node = node
        self.state_dir = folder / f"state-{node}"
        self.log_dir = folder / f"logs-{node}"
        self.output = folder / f"output-{node}.txt"
        self.settings = {"handlers": "tests.support.jobs", "workers": 4, "drain_seconds": 1, "kill_seconds": 1, **settings}
        self.arguments: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        named = {f"ERP_SCHEDULER_{name.upper()}": str(value) for name, value in self.settings.items()}
        return {
            **os.environ, "DATABASE_URL": self.dsn, "ERP_SCHEDULER_STATE_DIR": str(self.state_dir),
            "ERP_SCHEDULER_LOG_DIR": str(self.log_dir), "ERP_SCHEDULER_NODE": self.node, "ERP_SCHEDULER_LANG": "en", **named,
        }

    def start(self, *, wait: bool = True, **extra: str) -> Daemon:
        """Start it; returns once it has said that it is ready."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            mark = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "tests.support.run_daemon", *self.arguments],
                cwd=ROOT, env={**self.environment, **extra}, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            )
        if wait:
            wait_for(lambda: self._is_ready(mark), what=f"daemon {self.node} ready")
        return self

    def _is_ready(self, mark: int) -> bool:
        said = self.output.read_bytes()[mark:]
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"daemon {self.node} ended with {self.process.returncode}:\n{said.decode()}")
        return b"scheduler running" in said

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL, and see it gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, limit: float = LIMIT) -> int:
        """SIGTERM, and wait for the end."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit)

    def remove(self) -> None:
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Rows:
    """What a test asks and tells the database, in the operators' own SQL."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def one(self, query: str, *values: Any) -> Any:
        """Return the first row; its only value when it has one column; None without a row."""
        row = self.connection.execute(query, values or None).fetchone()
        return row if row is None or len(row) > 1 else row[0]

    def all(self, query: str, *values: Any) -> list[Any]:
        rows = self.connection.execute(query, values or None).fetchall()
        return [row[0] for row in rows] if rows and len(rows[0]) == 1 else rows

    def add_job(self, name: str, job_type: str = "noop", **columns: Any) -> int:
        """Insert a job; by hand only unless a schedule is among *columns*."""
        given = {"name": name, "job_type": job_type, **columns}
        names, marks = ", ".join(given), ", ".join(f"%({column})s" for column in given)
        row = self.connection.execute(f"INSERT INTO schedule_jobs ({names}) VALUES ({marks}) RETURNING id", given).fetchone()
        assert row is not None
        return int(row[0])

    def run_now(self, job_id: int) -> int:
        """Queue an execution by the plainest SQL there is."""
        return int(self.one("INSERT INTO job_executions (job_id) VALUES (%s) RETURNING id", job_id))

    def status(self, execution_id: int) -> str:
        return str(self.one("SELECT status FROM job_executions WHERE id = %s", execution_id))

    def ended(self, execution_id: int, limit: float = LIMIT) -> dict[str, Any]:
        """Wait until the execution has ended; return its row."""
        wait_for(lambda: self.status(execution_id) not in ("queued", "running"), limit, f"execution {execution_id} ended")
        cursor = self.connection.execute("SELECT * FROM job_executions WHERE id = %s", (execution_id,))
        row = cursor.fetchone()
        assert row is not None and cursor.description is not None
        return dict(zip([column.name for column in cursor.description], row, strict=True))

    def running(self, execution_id: int, limit: float = LIMIT) -> None:
        wait_for(lambda: self.status(execution_id) == "running", limit, f"execution {execution_id} running")
