"""Which process really is the PostgreSQL server of a data folder.

A pid file is a claim, not a proof: after a crash or a reboot it may name a zombie or somebody else's process. Nobody is
believed, waited for or signalled before its command line or its working folder has named our data.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PID_FILE = "postmaster.pid"
LOOK_SECONDS = 0.03
LARGEST_PID = 2**31 - 1
PROGRAMS = ("postgres", "postmaster", "postgres.exe")

_children: dict[tuple[int, int], subprocess.Popen[bytes]] = {}
"""(our pid, server's pid): a fork of ours is not the server's parent and must not ask for its end."""


def adopt(server: subprocess.Popen[bytes]) -> None:
    """Remember a server that this process has started, so that its end leaves no zombie."""
    _children[os.getpid(), server.pid] = server


def server_pid(data: Path) -> int | None:
    """Return the pid of the server that runs over *data*; None when the pid file is missing, stale or a stranger's."""
    pid = recorded_pid(data / PID_FILE)
    return pid if pid is not None and is_server(pid, data) else None


def recorded_pid(file: Path) -> int | None:
    """Return the pid that a lock file of PostgreSQL names, be it true or not."""
    try:
        first = file.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
    except OSError:
        return None
    return int(first) if first.isdecimal() and 1 < int(first) <= LARGEST_PID else None


def server_state(data: Path) -> str:
    """Return what a living server says of itself: starting, ready, stopping …; empty before its socket is open."""
    if server_pid(data) is None:
        return ""
    try:
        lines = (data / PID_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def is_server(pid: int, data: Path) -> bool:
    """Say whether *pid* is alive and a PostgreSQL server of *data*."""
    if not is_alive(pid):
        return False
    arguments = _arguments(pid)
    if not arguments or Path(arguments[0]).name.rstrip(":") not in PROGRAMS:
        return False
    named = [after for option, after in itertools.pairwise(arguments) if option == "-D"]
    places = [Path(name) for name in named] or [Path(f"/proc/{pid}/cwd")]
    return any(_same(place, data) for place in places)


def is_alive(pid: int) -> bool:
    """Say whether *pid* exists and is not a zombie; a dead child of ours is reaped by the way."""
    child = _children.get((os.getpid(), pid))
    if child is not None and child.poll() is not None:
        del _children[os.getpid(), pid]
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _state(pid) not in ("Z", "X")


def orphans(data: Path) -> list[int]:
    """Return the server processes over *data* that this user can see, whether or not their postmaster still lives."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if _same(entry / "cwd", data) and _program(entry) in PROGRAMS and is_alive(int(entry.name)):
            found.append(int(entry.name))
    return found


def remove_stale(*files: Path) -> None:
    """Delete lock files of a server that is proven to be gone: PostgreSQL would heed a stranger's pid for ever."""
    for file in files:
        file.unlink(missing_ok=True)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look again and again until *condition* holds or *seconds* are over; return whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def take_lock(file: Path, seconds: float) -> int | None:
    """Lock *file* against all other processes and return its descriptor; None when it stayed taken for *seconds*."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if until(lambda: _flock(handle), seconds):
        return handle
    os.close(handle)
    return None


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        # The name in parentheses may itself hold spaces and parentheses: the state follows the last one.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    return _ps(pid, "stat")[:1]


def _arguments(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape")
    except OSError:
        return _ps(pid, "command").split()
    return text.rstrip("\0").split("\0")


def _program(entry: Path) -> str:
    try:
        return (entry / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _ps(pid: int, column: str) -> str:
    """Ask `ps` where there is no /proc (macOS)."""
    if Path("/proc/self").exists():
        return ""
    asked = subprocess.run(
        ["ps", "-p", str(pid), "-o", f"{column}="], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )
    return asked.stdout.strip()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
