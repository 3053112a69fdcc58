"""Programs of users, started as they start them: a file of their own, their output read line by line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = Path(__file__).with_name("examples")
LIMIT = 60.0


def example(name: str) -> str:
    """Return an example as its users have it, only its imports changed."""
    return (EXAMPLES / f"{name}.txt").read_text(encoding="utf-8")


class Program:
    """One running program over a database of the test's own."""

    def __init__(self, file: Path, dsn: str, **more: str) -> None:
        self.output = file.with_suffix(".out")
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {
            **os.environ, "DATABASE_URL": dsn, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "ERP_SCHEDULER_LANG": "en",
            "XDG_STATE_HOME": str(file.parent / "state"), "ERP_SCHEDULER_KILL_SECONDS": "2", "ERP_SCHEDULER_WORKERS": "2", **more,
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(file)], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                cwd=file.parent, env=environment,
            )

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def says(self, text: str, times: int = 1, limit: float = LIMIT) -> None:
        """Wait until it has printed *text* so many times."""
        self.until(lambda: self.text.count(text) >= times, f"{text!r} {times} times", limit)

    def until(self, check: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
        end = time.monotonic() + limit
        while not (answer := check()):
            ended = self.process.poll() is not None
            if (ended and not check()) or time.monotonic() > end:
                raise AssertionError(f"not seen: {what} (exit code {self.process.returncode})\n{self.text}")
            time.sleep(0.05)
        return answer

    def interrupt(self, limit: float = LIMIT) -> int:
        """Press Ctrl-C and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(limit)

    def ended(self, limit: float = LIMIT) -> str:
        """Wait for its own end and return what it printed; an exit code other than 0 fails the test."""
        code = self.process.wait(limit)
        assert code == 0, f"exit code {code}\n{self.text}"
        return self.text

    def remove(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LIMIT / 2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
