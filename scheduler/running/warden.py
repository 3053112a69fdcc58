"""The fork server: one thread, no database. Starts handler processes, watches their deadlines, ends them from outside.

Lines from the daemon   start ID TIMEOUT LEASE MODE JSON · lease UNTIL ID… · cancel ID GRACE · kill ID · secret ID JSON ·
                        ping · quit
Lines to the daemon     hello JSON · pong · end ID WHY EXIT JSON · log|report|checkpoint|secret|out ID JSON
End of file from the daemon means that it is gone: kill all and leave, last holder of the state folder's lock.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import select
import signal
import socket
import sys

from scheduler.handler import Handler
from scheduler.running.channel import Channel, OutputPipe
from scheduler.running.imports import describe, load, start_over_without
from scheduler.running.kernel import (
    EXECUTION_VARIABLE,
    become_subreaper,
    boottime,
    children_of,
    environment_of,
    is_zombie,
    kill_group,
    kill_quietly,
    kill_tree,
)
from scheduler.running.process import Process, start_process
from scheduler.running.timeouts import ANSWERED, CANCELLED, CRASHED, FENCED, LEASE, Watch

TALK_LIMIT = 8 * 1024 * 1024
ORPHAN_SECONDS = 0.5


class Warden:
    """All handler processes of one daemon."""

    def __init__(
        self, daemon: socket.socket, handlers: dict[str, Handler], spawned: dict[str, str], options: dict[str, float]
    ) -> None:
        self.daemon = Channel(daemon)
        self.handlers = handlers
        self.spawned = spawned
        self.most = int(options["max_executions_per_child"])
        self.workers = int(options["workers"])
        self.timeout_grace = options["timeout_grace_seconds"]
        self.poll = select.epoll()
        self.poll.register(self.daemon.fd, select.EPOLLIN)
        self.by_fd: dict[int, tuple[str, Process | None]] = {self.daemon.fd: ("daemon", None)}
        self.processes: dict[int, Process] = {}
        self.idle: dict[str, list[Process]] = {}
        self.at_work: dict[int, Process] = {}
        self.has_orphans = False
        self.alarm = math.inf
        self.words: list[bytes] = []

    # -- the loop ---------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Go round until the daemon says quit or is gone; then nothing of ours is alive."""
        try:
            while self.turn():
                pass
        finally:
            self.end_all()

    def turn(self) -> bool:
        batch = [(self.by_fd.get(fd), fd, events) for fd, events in self.poll.poll(self.patience())]
        for entry, fd, events in batch:
            if entry is None or self.by_fd.get(fd) is not entry:
                continue  # an earlier event of this batch closed it, and its number may be somebody else's by now
            kind, process = entry
            if process is not None:
                self.hear_process(kind, process, events, fd)
            elif not self.hear_daemon(events):
                return False
        self.enforce(boottime())
        if self.words:  # in one go: each message by itself would wake the daemon by itself
            self.send_to(self.daemon, b"".join(self.words))
            self.words.clear()
        return True

    def patience(self) -> float:
        """Seconds until something must be looked at; -1 waits for words alone."""
        return -1 if self.alarm == math.inf else max(0.0, self.alarm - boottime()) + 0.0005

    def enforce(self, now: float) -> None:
        """End what is over its time, and look for orphans, whenever the alarm has rung."""
        if now < self.alarm:
            return
        for process in list(self.at_work.values()):
            deed = process.watch.due(now) if process.watch else None
            if deed == "term":
                kill_quietly(process.pid, signal.SIGTERM)
            elif deed == "kill":
                self.kill(process)
        self.end_orphans()
        busy = self.at_work or self.has_orphans
        nearest = min((p.watch.next_at() for p in self.at_work.values() if p.watch), default=math.inf)
        self.alarm = min(max(nearest, now + 0.01), now + ORPHAN_SECONDS) if busy else math.inf

    # -- what the daemon says ---------------------------------------------------------------------------------------

    def hear_daemon(self, events: int) -> bool:
        if events & select.EPOLLOUT:
            self.daemon.flush()
            self.watch_writes(self.daemon)
        if not events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            return True
        lines = self.daemon.lines()
        if lines is None:
            return False
        for line in lines:
            verb, _, rest = line.partition(b" ")
            if verb == b"start":
                self.start(rest)
            elif verb == b"lease":
                self.renew(rest)
            elif verb == b"cancel":
                self.cancel(rest)
            elif verb == b"kill":
                self.fence_out(rest)
            elif verb == b"secret":
                self.pass_secret(rest)
            elif verb == b"ping":
                self.words.append(b"pong\n")
            elif verb == b"quit":
                return False
        return True

    def start(self, rest: bytes) -> None:
        number, timeout, lease, mode, body = rest.split(b" ", 4)
        execution_id, kind = int(number), "fork"
        if boottime() >= float(lease):  # we were frozen since it was sent: its successor may be at work already
            self.words.append(b"end %d %b - {}\n" % (execution_id, LEASE.encode()))
            return
        job_type = ""
        if mode != b"fork":
            job_type = json.loads(body)["job_type"]
            kind = "fresh" if mode == b"fresh" else f"spawn:{job_type}"
        waiting = self.idle.get(kind)
        try:
            process = waiting.pop() if waiting else self.make_process(kind, job_type)
        except OSError as error:  # no more processes or descriptors: one execution fails, the others go on
            said = {"status": "failed", "class": "fork", "message": f"no process could be started: {error}", "retry": True}
            self.words.append(b"end %d answered - %b\n" % (execution_id, json.dumps(said).encode()))
            return
        process.execution_id, process.answer = execution_id, None
        process.served += 1
        now = boottime()
        process.watch = Watch(now + float(timeout), float(lease), self.timeout_grace)
        self.at_work[execution_id] = process
        self.alarm = min(self.alarm, process.watch.next_at(), now + ORPHAN_SECONDS)
        self.send_to(process.control, body + b"\n")

    def renew(self, rest: bytes) -> None:
        until, *numbers = rest.split()
        for number in numbers:
            process = self.at_work.get(int(number))
            if process is not None and process.watch is not None:
                process.watch.lease = max(process.watch.lease, float(until))

    def cancel(self, rest: bytes) -> None:
        number, grace = rest.split()
        process = self.at_work.get(int(number))
        if process is not None and process.watch is not None and process.watch.kill_at is None:
            process.watch.ask(CANCELLED, boottime(), float(grace))
            self.alarm = min(self.alarm, process.watch.next_at())
            kill_quietly(process.pid, signal.SIGTERM)

    def fence_out(self, rest: bytes) -> None:
        process = self.at_work.get(int(rest))
        if process is not None and process.watch is not None:
            process.watch.why = FENCED
            self.kill(process)

    def pass_secret(self, rest: bytes) -> None:
        number, _, body = rest.partition(b" ")
        process = self.at_work.get(int(number))
        if process is not None:
            self.send_to(process.control, body + b"\n")

    # -- what the processes say -------------------------------------------------------------------------------------

    def hear_process(self, kind: str, process: Process, events: int, fd: int) -> None:
        if kind == "control":
            if events & select.EPOLLOUT:
                process.control.flush()
                self.watch_writes(process.control)
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self.hear_control(process, fd)
        elif kind == "output":
            self.hear_output(process, fd)
        elif kind == "exit" and process.pid in self.processes:
            self.bury(process)

    def hear_control(self, process: Process, fd: int) -> None:
        lines = process.control.lines()
        if lines is None:
            self.forget(fd)
        else:
            self.hear_lines(process, lines)

    def hear_lines(self, process: Process, lines: list[bytes]) -> None:
        for line in lines:
            verb, _, body = line.partition(b" ")
            if verb in (b"answer", b"farewell"):
                process.answer = body
                self.finish(process, leaves=verb == b"farewell")
            elif process.execution_id is not None:
                self.tell(process, verb, body, important=verb in (b"secret", b"checkpoint"))

    def hear_output(self, process: Process, fd: int) -> None:
        for pipe in process.outputs:
            if pipe.fd == fd:
                lines = pipe.lines()
                if lines is None:
                    self.forget(fd)
                else:
                    self.tell_output(process, pipe, lines)

    def tell_output(self, process: Process, pipe: OutputPipe, lines: list[bytes]) -> None:
        if process.execution_id is None:
            return
        for line in lines:
            text = line.decode("utf-8", "replace").replace("\0", "\ufffd")
            self.tell(process, b"out", json.dumps([pipe.stream, text]).encode())

    def finish(self, process: Process, leaves: bool) -> None:
        """The handler answered: pass it on, and have the process back, or gone if it may not be used again."""
        if process.execution_id is None or process.watch is None or process.answer is None:
            return
        self.drain_output(process)
        why = process.watch.why
        if leaves:
            kill_tree(children_of(process.pid))
        self.tell_end(process, why or ANSWERED, "-", process.answer)
        del self.at_work[process.execution_id]
        process.execution_id = process.watch = None
        if leaves or why or process.leaving or process.kind == "fresh" or process.served >= self.most:
            self.kill(process)
        else:
            self.idle.setdefault(process.kind, []).append(process)

    def drain_output(self, process: Process) -> None:
        for pipe in process.outputs:
            if pipe.fd in self.by_fd:
                lines = pipe.lines(last=True)
                if lines:
                    self.tell_output(process, pipe, lines)

    # -- processes come and go --------------------------------------------------------------------------------------

    def make_process(self, kind: str, job_type: str) -> Process:
        if len(self.processes) >= self.workers:
            self.make_room()
        process = start_process(kind, self.handlers, self.spawned.get(job_type, ""), job_type)
        self.processes[process.pid] = process
        self.attend(process.control.fd, "control", process)
        self.attend(process.pidfd, "exit", process)
        for pipe in process.outputs:
            self.attend(pipe.fd, "output", process)
        return process

    def make_room(self) -> None:
        for waiting in self.idle.values():
            if waiting:
                self.kill(waiting.pop())
                return

    def kill(self, process: Process) -> None:
        """End a process with all that descends from it; it is buried when its exit arrives."""
        process.leaving = True
        for waiting in self.idle.values():
            if process in waiting:
                waiting.remove(process)
        if process.pid in self.processes:
            kill_tree([process.pid])
            kill_group(process.pid)

    def bury(self, process: Process) -> None:
        """A process is gone: hear its last words, end its group and orphans, report if it was at work."""
        if not is_zombie(process.pid):
            return
        kill_group(process.pid)  # before the wait: until then nobody else can be given this number
        _, status = os.waitpid(process.pid, 0)
        del self.processes[process.pid]
        while process.control.fd in self.by_fd and (lines := process.control.lines()):
            self.hear_lines(process, lines)
        if process.execution_id is not None and process.watch is not None:
            self.drain_output(process)
            exit_code = str(os.waitstatus_to_exitcode(status))
            why, number = process.watch.why or CRASHED, process.execution_id
            del self.at_work[number]
            self.end_orphans()
            self.tell_end(process, why, exit_code, b"{}")
            process.execution_id = process.watch = None
        for waiting in self.idle.values():
            if process in waiting:
                waiting.remove(process)
        pipes = [pipe.fd for pipe in process.outputs]
        for fd in (process.control.fd, process.pidfd, *pipes):
            self.forget(fd)
        process.control.close()
        for fd in (process.pidfd, *pipes):
            os.close(fd)

    def end_orphans(self) -> None:
        """Kill what was re-parented to us and belongs to no live execution.

        A living handler keeps its own orphans, so what reaches the warden comes from a dead one; only a program that
        was started with the mark of a live execution is spared.
        """
        left = False
        for pid in children_of(os.getpid()):
            if pid in self.processes:
                continue
            mark = environment_of(pid).get(EXECUTION_VARIABLE.encode(), b"")
            if not (mark.isdigit() and int(mark) in self.at_work):
                kill_tree([pid])
            with contextlib.suppress(ChildProcessError):
                left = left or os.waitpid(pid, os.WNOHANG)[0] == 0
        self.has_orphans = left
        if left:
            self.alarm = min(self.alarm, boottime() + ORPHAN_SECONDS)

    def end_all(self) -> None:
        """Kill every process and every orphan, and see each of them gone."""
        for process in list(self.processes.values()):
            self.kill(process)
        self.at_work.clear()
        while left := children_of(os.getpid()):
            kill_tree(left)
            for pid in left:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    # -- descriptors ------------------------------------------------------------------------------------------------

    def attend(self, fd: int, kind: str, process: Process) -> None:
        self.by_fd[fd] = (kind, process)
        self.poll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        if self.by_fd.pop(fd, None) is not None:
            self.poll.unregister(fd)

    def send_to(self, channel: Channel, data: bytes) -> None:
        channel.send(data)
        if channel.outbox:
            self.watch_writes(channel)

    def watch_writes(self, channel: Channel) -> None:
        if channel.fd in self.by_fd:
            self.poll.modify(channel.fd, select.EPOLLIN | (select.EPOLLOUT if channel.outbox else 0))

    def tell(self, process: Process, verb: bytes, body: bytes, important: bool = False) -> None:
        """Pass a line on. While the daemon does not listen, unimportant ones are dropped rather than kept without end."""
        assert process.execution_id is not None
        if not important and len(self.daemon.outbox) > TALK_LIMIT:
            process.dropped += 1
            return
        self.words.append(b"%b %d %b\n" % (verb, process.execution_id, body))

    def tell_end(self, process: Process, why: str, exit_code: str, body: bytes) -> None:
        assert process.execution_id is not None
        if process.dropped:
            text = f"{process.dropped} lines were lost: the daemon did not listen"
            said = {"level": "WARNING", "message": text, "fields": None}
            process.dropped = 0
            self.tell(process, b"log", json.dumps(said).encode(), important=True)
        self.words.append(b"end %d %b %b %b\n" % (process.execution_id, why.encode(), exit_code.encode(), body))


def main() -> None:
    """Entry: ``-m scheduler.running.warden FD OPTIONS``. The daemon decides about signals, so none is taken here."""
    options = json.loads(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    become_subreaper()
    handlers, threaded, faults = load(options["modules"], options.get("skip", []))
    types = describe(handlers, threaded)
    if threaded and not faults:
        start_over_without(threaded, types, options)
    spawned = options.get("spawned", [])
    daemon = socket.socket(fileno=int(sys.argv[1]))
    daemon.sendall(b"hello " + json.dumps({"types": types + spawned, "faults": faults}).encode() + b"\n")
    if faults:
        return
    gc.collect()
    gc.freeze()
    gc.disable()
    Warden(daemon, handlers, {made["job_type"]: made["spawn"] for made in spawned}, options).serve()


if __name__ == "__main__":
    main()
