"""A real daemon to measure, started by the command that people type."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemons import ROOT, Daemon, wait_for


class Node(Daemon):
    """`erp-scheduler start --no-web` in a folder of its own.

    profile  where cProfile is to leave what the daemon's process spent its time on; it makes everything slower
    """

    def __init__(self, dsn: str, folder: Path, workers: int, profile: Path | None = None) -> None:
        super().__init__(dsn, folder, "bench", handlers="benchmarks.jobs", workers=workers)
        self.profile = profile

    def start(self, *, wait: bool = True, **extra: str) -> Node:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        profiled = ["-m", "cProfile", "-o", str(self.profile)] if self.profile else []
        command = [sys.executable, "-u", *profiled, "-m", "scheduler", "start", "--no-web"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**self.environment, **extra}, stdout=output, stderr=output,
                stdin=subprocess.DEVNULL,
            )
        if wait:
            wait_for(lambda: self._is_ready(0), what="the daemon is ready")
        return self


@contextmanager
def running(dsn: str, workers: int, profile: Path | None = None) -> Iterator[Node]:
    """Give a daemon that is ready, stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="erp-bench-") as folder:
        node = Node(dsn, Path(folder), workers, profile)
        try:
            yield node.start()
        finally:
            node.remove()
