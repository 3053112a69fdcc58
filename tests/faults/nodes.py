"""A node of the fault run: a real daemon that is killed, frozen, thawed and brought back, with a record of when it was up."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.faults.history import Deed, Timing
from tests.faults.processes import send
from tests.support.daemons import Daemon

START_SECONDS = 45.0
CONFLICT = "already uses"


class Node:
    """One daemon and its supervisor.

    up        spans (from, to) in which it was ready and neither frozen nor dead
    start_at  when the supervisor is to start it again; None while it is there
    """

    def __init__(self, dsn: str, folder: Path, name: str, timing: Timing) -> None:
        self.name = name
        self.proofs = folder / f"effects-{name}"
        self.proofs.mkdir()
        self.daemon = Daemon(
            dsn, folder, name, handlers="tests.faults.jobs", workers=6, drain_seconds=6, backup_dir=self.proofs,
            lease_seconds=timing.lease, heartbeat_seconds=timing.heartbeat, reap_grace_seconds=timing.grace,
            poll_seconds=timing.poll, kill_seconds=timing.kill,
        )
        self.up: list[tuple[float, float]] = []
        self.up_since: float | None = None
        self.start_at: float | None = 0.0
        self.started_at = 0.0
        self.mark = 0
        self.killed = False
        self.frozen = False

    @property
    def pid(self) -> int | None:
        """The daemon's process id while it is alive."""
        process = self.daemon.process
        return process.pid if process is not None and process.poll() is None else None

    def tend(self) -> list[Deed]:
        """Do what a supervisor does: start what is down, note what came up, notice who left by itself."""
        now, deeds = time.time(), []
        if self.start_at is not None:
            if now >= self.start_at:
                self.start(now)
        elif self.pid is None:
            deeds = self.on_death(now)
        elif self.up_since is None and not self.frozen:
            if "scheduler running" in self.said():
                self.up_since = now
            elif now - self.started_at > START_SECONDS:
                deeds = [Deed("late start", now, now, self.name, f"not ready within {START_SECONDS:g} s: {self.said()[-800:]}")]
                self.started_at = now
        return deeds

    def start(self, now: float) -> None:
        self.mark = self.daemon.output.stat().st_size if self.daemon.output.exists() else 0
        self.daemon.start(wait=False)
        self.started_at, self.start_at, self.killed, self.frozen = now, None, False, False

    def said(self) -> str:
        return self.daemon.output.read_bytes()[self.mark:].decode(errors="replace")

    def on_death(self, now: float) -> list[Deed]:
        self.went_down(now)
        self.start_at = now + 0.2
        if self.killed or CONFLICT in self.said():  # the warden of the one before still holds the folder: try again
            return []
        process = self.daemon.process
        code = process.returncode if process is not None else None
        return [Deed("died", now, now, self.name, f"exit code {code}: {self.said()[-1500:]}")]

    def went_down(self, now: float) -> None:
        if self.up_since is not None:
            self.up.append((self.up_since, now))
            self.up_since = None

    def kill(self, pause: float) -> bool:
        """SIGKILL; the supervisor brings it back after *pause* seconds."""
        if self.pid is None or self.killed:
            return False
        self.went_down(time.time())
        self.daemon.kill()
        self.killed, self.frozen, self.start_at = True, False, time.time() + pause
        return True

    def freeze(self) -> bool:
        if self.pid is None or self.frozen:
            return False
        self.went_down(time.time())
        self.frozen = send(self.pid, signal.SIGSTOP)
        return self.frozen

    def thaw(self) -> None:
        if self.frozen and self.pid is not None:
            send(self.pid, signal.SIGCONT)
            if "scheduler running" in self.said():
                self.up_since = time.time()
        self.frozen = False
