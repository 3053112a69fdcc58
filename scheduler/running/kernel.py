"""The few things that only the Linux kernel can do for us: death signals, sub-reaping, who is whose child."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36

INSTANCE_VARIABLE = "ERP_SCHEDULER_INSTANCE"
EXECUTION_VARIABLE = "ERP_SCHEDULER_EXECUTION"

IS_LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def boottime() -> float:
    """Seconds on the clock that also counts while the machine sleeps; leases and deadlines live on it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if IS_LINUX else time.monotonic()


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent goes; leave at once if it has already gone."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def forbid_new_privileges() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def become_subreaper() -> None:
    """Become the parent of every descendant whose own parent dies, so that nobody escapes by forking twice."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children_of(pid: int) -> list[int]:
    """Return the pids whose parent is *pid* now; empty when it is gone or /proc cannot say."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_bytes().split())
    return found


def environment_of(pid: int) -> dict[bytes, bytes]:
    """Return the environment *pid* was started with; empty when it may not be read."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    return dict(entry.partition(b"=")[::2] for entry in raw.split(b"\0") if b"=" in entry)


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return True


def kill_quietly(pid: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_group(group: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_tree(pids: Iterable[int]) -> list[int]:
    """Kill these processes with all that descends from them now. Returns the pids that were signalled."""
    killed: list[int] = []
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        waiting += children_of(pid)
        kill_quietly(pid)
        killed.append(pid)
    return killed


def sweep_instance(instance_id: str) -> list[int]:
    """Kill whatever a dead daemon's warden left behind on this host, told by the instance in its environment.

    instance_id  the predecessor's, proven dead by the caller
    Returns      the pids that were killed
    """
    mark = instance_id.encode()
    left = [
        int(entry)
        for entry in (os.listdir("/proc") if IS_LINUX else ())
        if entry.isdigit()
        and int(entry) != os.getpid()
        and environment_of(int(entry)).get(INSTANCE_VARIABLE.encode()) == mark
        and not is_zombie(int(entry))
    ]
    return kill_tree(left)
