"""One handler process as the warden sees it, and the fork that makes it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import NoReturn

from scheduler.handler import Handler
from scheduler.running.channel import Channel, OutputPipe
from scheduler.running.child import CONTROL_FD, forked
from scheduler.running.timeouts import Watch
from scheduler.settings import LOG_LINE_CHARACTERS


@dataclass(slots=True, eq=False)
class Process:
    """One handler process: idle, or at one execution."""

    pid: int
    pidfd: int
    kind: str
    control: Channel
    outputs: list[OutputPipe]
    served: int = 0
    execution_id: int | None = None
    watch: Watch | None = None
    answer: bytes | None = None
    leaving: bool = False
    dropped: int = 0


def start_process(kind: str, handlers: dict[str, Handler], source: str, job_type: str) -> Process:
    """Fork a handler process with a line of its own and a pipe for each stream.

    source  where to import the handler from when the process must be a new interpreter; empty for a plain fork
    """
    ours, theirs = socket.socketpair()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    warden = os.getpid()
    pid = os.fork()
    if pid == 0:
        become_child(warden, theirs.fileno(), out_write, err_write, handlers, source, job_type)
    theirs.close()
    os.close(out_write)
    os.close(err_write)
    outputs = [OutputPipe(fd, name, LOG_LINE_CHARACTERS) for fd, name in ((out_read, "stdout"), (err_read, "stderr"))]
    return Process(pid, os.pidfd_open(pid), kind, Channel(ours), outputs)


def become_child(
    warden: int, control: int, out: int, err: int, handlers: dict[str, Handler], source: str, job_type: str
) -> NoReturn:
    """Turn the fork into a handler process: own session, four descriptors; then serve, or exec to be spawned."""
    try:
        os.setsid()
        spare = [os.dup(fd) for fd in (os.open(os.devnull, os.O_RDONLY), out, err, control)]
        for target, fd in enumerate(spare):
            os.dup2(fd, target, inheritable=True)
        os.closerange(CONTROL_FD + 1, 1_048_576)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if source:
            os.execv(sys.executable, [sys.executable, "-P", "-m", "scheduler.running.child", source, job_type])
        forked(warden, handlers.__getitem__)
    finally:
        os._exit(127)
