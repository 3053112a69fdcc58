"""Who is whose child on this machine, as the faults and the sampler need to know it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for thread in Path(f"/proc/{pid}/task").iterdir()
                for child in (thread / "children").read_text().split()]
    return []


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def warden_of(daemon: int) -> int | None:
    return next((pid for pid in children_of(daemon) if "scheduler.running.warden" in command_of(pid)), None)


def handlers_of(daemon: int) -> list[int]:
    warden = warden_of(daemon)
    found = children_of(warden) if warden else []
    return [pid for pid in found if "scheduler.running.warden" in command_of(pid)]


def send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def marked(instances: set[str]) -> list[tuple[int, str]]:
    """Return (pid, command) of all that lives and carries one of these daemons' instance ids in its environment."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            if entry.isdigit() and int(entry) != os.getpid():
                environment = Path(f"/proc/{entry}/environ").read_bytes()
                if any(f"ERP_SCHEDULER_INSTANCE={mark}".encode() in environment for mark in instances):
                    found.append((int(entry), command_of(int(entry))))
    return found
