"""The warden's handler processes: made, kept idle for the next execution, killed with all that descends from them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container

from scheduler.handler import Handler
from scheduler.running.descriptors import Descriptors
from scheduler.running.kernel import EXECUTION_VARIABLE, children_of, environment_of, kill_group, kill_tree
from scheduler.running.process import Process, start_process


class Processes:
    """All that live, by pid, and those of them that wait for work.

    workers  how many there may be before an idle one of another kind must go
    most     how many executions a process serves before it is replaced
    """

    def __init__(
        self, descriptors: Descriptors, handlers: dict[str, Handler], spawned: dict[str, str], workers: int, most: int
    ) -> None:
        self.descriptors = descriptors
        self.handlers = handlers
        self.spawned = spawned
        self.workers = workers
        self.most = most
        self.alive: dict[int, Process] = {}
        self.idle: dict[str, list[Process]] = {}

    def take(self, kind: str, job_type: str) -> Process:
        """Return an idle process of this kind, or a new one. Raises OSError when none can be started."""
        waiting = self.idle.get(kind)
        return waiting.pop() if waiting else self.make(kind, job_type)

    def make(self, kind: str, job_type: str) -> Process:
        """Start a process and listen to it."""
        if len(self.alive) >= self.workers:
            self.make_room()
        process = start_process(kind, self.handlers, self.spawned.get(job_type, ""), job_type)
        self.alive[process.pid] = process
        self.descriptors.attend(process.control.fd, "control", process)
        self.descriptors.attend(process.pidfd, "exit", process)
        for pipe in process.outputs:
            self.descriptors.attend(pipe.fd, "output", process)
        return process

    def make_room(self) -> None:
        """Kill an idle process, where there is one."""
        for waiting in self.idle.values():
            if waiting:
                self.kill(waiting.pop())
                return

    def give_back(self, process: Process) -> None:
        """Keep a process for the next execution, or kill it where it may not be used again."""
        if process.leaving or process.kind == "fresh" or process.served >= self.most:
            self.kill(process)
        else:
            self.idle.setdefault(process.kind, []).append(process)

    def kill(self, process: Process) -> None:
        """End a process with all that descends from it; it is buried when its exit arrives."""
        process.leaving = True
        self.use_no_more(process)
        if process.pid in self.alive:
            kill_tree([process.pid])
            kill_group(process.pid)

    def use_no_more(self, process: Process) -> None:
        """Take a process from among the idle ones."""
        for waiting in self.idle.values():
            if process in waiting:
                waiting.remove(process)

    def reap(self, process: Process) -> int:
        """End the group of a process that is gone, and return its exit code."""
        kill_group(process.pid)  # before the wait: until then nobody else can be given this number
        _, status = os.waitpid(process.pid, 0)
        del self.alive[process.pid]
        return os.waitstatus_to_exitcode(status)

    def close(self, process: Process) -> None:
        """Give back the descriptors of a process that is gone."""
        self.use_no_more(process)
        pipes = [pipe.fd for pipe in process.outputs]
        for fd in (process.control.fd, process.pidfd, *pipes):
            self.descriptors.forget(fd)
        process.control.close()
        for fd in (process.pidfd, *pipes):
            os.close(fd)

    def end_orphans(self, at_work: Container[int]) -> bool:
        """Kill what was re-parented to us and belongs to no live execution. Returns whether any is left.

        A living handler keeps its own orphans, so what reaches the warden comes from a dead one; only a program that
        was started with the mark of a live execution is spared.
        """
        left = False
        for pid in children_of(os.getpid()):
            if pid in self.alive:
                continue
            mark = environment_of(pid).get(EXECUTION_VARIABLE.encode(), b"")
            if not (mark.isdigit() and int(mark) in at_work):
                kill_tree([pid])
            with contextlib.suppress(ChildProcessError):
                left = left or os.waitpid(pid, os.WNOHANG)[0] == 0
        return left

    def end_all(self) -> None:
        """Kill every process and every orphan, and see each of them gone."""
        for process in list(self.alive.values()):
            self.kill(process)
        while left := children_of(os.getpid()):
            kill_tree(left)
            for pid in left:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
