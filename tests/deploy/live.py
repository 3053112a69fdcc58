"""A real daemon's surroundings: settings, a job whose execution ends when the test says so, and how to wait for rows."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg

PROGRAM = Path(sys.executable).parent / "erp-scheduler"
LIMIT_SECONDS = 40.0
SERVICE_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "NODE_CHANNEL_FD")
HANDLER = f"""
import os, pathlib, time
from scheduler.handler import handler

@handler("wait_for_file")
def wait(path: str) -> dict:
    while not pathlib.Path(path).exists():
        time.sleep(0.05)
    return {{"inherited": [name for name in {SERVICE_VARIABLES!r} if name in os.environ]}}
"""

Found = TypeVar("Found")


class Surroundings:
    """A short folder of its own (sockets have short names), the settings of one daemon, and its database."""

    def __init__(self, database: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="erp-live-"))
        self.gate = self.folder / "gate"
        self.database = psycopg.connect(database, autocommit=True)
        (self.folder / "live_jobs.py").write_text(HANDLER, encoding="utf-8")
        self.settings = {
            "DATABASE_URL": database,
            "ERP_SCHEDULER_HANDLERS": "live_jobs",
            "ERP_SCHEDULER_STATE_DIR": str(self.folder / "state"),
            "ERP_SCHEDULER_LOG_DIR": str(self.folder / "logs"),
            "ERP_SCHEDULER_WORKERS": "2",
            "ERP_SCHEDULER_DRAIN_SECONDS": "30",
            "ERP_SCHEDULER_LANG": "en",
            "PYTHONPATH": str(self.folder),
        }
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}

    def remove(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def one(self, sql: str) -> Any:
        """Return the first column of the first row, None without one."""
        row = self.database.execute(sql.encode()).fetchone()
        return row and row[0]

    def start_execution(self) -> None:
        """Add a job that waits for the gate, ask for it now, and wait until it runs."""
        self.database.execute(
            "INSERT INTO schedule_jobs (name, job_type, parameters) "
            "VALUES ('gate', 'wait_for_file', jsonb_build_object('path', %s::text))",
            [str(self.gate)],
        )
        self.database.execute("INSERT INTO job_executions (job_id) SELECT id FROM schedule_jobs WHERE name = 'gate'")
        until(lambda: self.one("SELECT id FROM job_executions WHERE status = 'running'"), "a running execution")

    def live_pid(self) -> int | None:
        """Return the process id of the daemon that has started last and works, as the database knows it."""
        pid: int | None = self.one(
            "SELECT pid FROM scheduler_nodes WHERE state = 'running' ORDER BY started_at DESC LIMIT 1"
        )
        return pid


def until(probe: Callable[[], Found | None], what: str, seconds: float = LIMIT_SECONDS) -> Found:
    """Return what *probe* finds, as soon as it finds something. Raises TimeoutError naming what was missing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"no {what} within {seconds:g} s")
