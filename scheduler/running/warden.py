"""The fork server: one thread, no database. Starts handler processes, watches their deadlines, ends them from outside.

Lines from the daemon   start ID TIMEOUT LEASE MODE JSON · lease UNTIL ID… · cancel ID GRACE · kill ID · secret ID JSON ·
                        ping · quit
Lines to the daemon     hello JSON · pong · end ID WHY EXIT JSON · log|report|checkpoint|secret|out ID JSON
End of file from the daemon means that it is gone: kill all and leave, last holder of the state folder's lock.
"""

from __future__ import annotations

import gc
import json
import math
import select
import signal
import socket
import sys

from scheduler.handler import Handler
from scheduler.running.channel import Channel
from scheduler.running.descriptors import READABLE, Descriptors
from scheduler.running.imports import describe, load, start_over_without
from scheduler.running.kernel import become_subreaper, boottime, children_of, is_zombie, kill_quietly, kill_tree
from scheduler.running.process import Process
from scheduler.running.processes import Processes
from scheduler.running.telling import Telling
from scheduler.running.timeouts import ANSWERED, CANCELLED, CRASHED, FENCED, LEASE, Watch

ORPHAN_SECONDS = 0.5


class Warden:
    """All handler processes of one daemon."""

    def __init__(
        self, daemon: socket.socket, handlers: dict[str, Handler], spawned: dict[str, str], options: dict[str, float]
    ) -> None:
        self.daemon = Channel(daemon)
        self.descriptors = Descriptors(self.daemon)
        self.telling = Telling(self.daemon, self.descriptors)
        self.processes = Processes(
            self.descriptors, handlers, spawned, int(options["workers"]), int(options["max_executions_per_child"])
        )
        self.timeout_grace = options["timeout_grace_seconds"]
        self.at_work: dict[int, Process] = {}
        self.has_orphans = False
        self.alarm = math.inf

    # -- the loop ---------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Go round until the daemon says quit or is gone; then nothing of ours is alive."""
        try:
            while self.turn():
                pass
        finally:
            self.processes.end_all()

    def turn(self) -> bool:
        for entry, fd, events in self.descriptors.wait(self.patience()):
            if entry is None or not self.descriptors.is_still(fd, entry):
                continue  # an earlier event of this batch closed it
            kind, process = entry
            if process is not None:
                self.hear_process(kind, process, events, fd)
            elif not self.hear_daemon(events):
                return False
        self.enforce(boottime())
        self.telling.send()
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
                self.processes.kill(process)
        self.end_orphans()
        busy = self.at_work or self.has_orphans
        nearest = min((p.watch.next_at() for p in self.at_work.values() if p.watch), default=math.inf)
        self.alarm = min(max(nearest, now + 0.01), now + ORPHAN_SECONDS) if busy else math.inf

    # -- what the daemon says ---------------------------------------------------------------------------------------

    def hear_daemon(self, events: int) -> bool:
        if events & select.EPOLLOUT:
            self.descriptors.flush(self.daemon)
        if not events & READABLE:
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
                self.telling.say(b"pong\n")
            elif verb == b"quit":
                return False
        return True

    def start(self, rest: bytes) -> None:
        number, timeout, lease, mode, body = rest.split(b" ", 4)
        execution_id, kind = int(number), "fork"
        if boottime() >= float(lease):  # we were frozen since it was sent: its successor may be at work already
            self.telling.say(b"end %d %b - {}\n" % (execution_id, LEASE.encode()))
            return
        job_type = ""
        if mode != b"fork":
            job_type = json.loads(body)["job_type"]
            kind = "fresh" if mode == b"fresh" else f"spawn:{job_type}"
        try:
            process = self.processes.take(kind, job_type)
        except OSError as error:  # no more processes or descriptors: one execution fails, the others go on
            said = {"status": "failed", "class": "fork", "message": f"no process could be started: {error}", "retry": True}
            self.telling.say(b"end %d answered - %b\n" % (execution_id, json.dumps(said).encode()))
            return
        process.execution_id, process.answer = execution_id, None
        process.served += 1
        now = boottime()
        process.watch = Watch(now + float(timeout), float(lease), self.timeout_grace)
        self.at_work[execution_id] = process
        self.alarm = min(self.alarm, process.watch.next_at(), now + ORPHAN_SECONDS)
        self.descriptors.send(process.control, body + b"\n")

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
            self.processes.kill(process)

    def pass_secret(self, rest: bytes) -> None:
        number, _, body = rest.partition(b" ")
        process = self.at_work.get(int(number))
        if process is not None:
            self.descriptors.send(process.control, body + b"\n")

    # -- what the processes say -------------------------------------------------------------------------------------

    def hear_process(self, kind: str, process: Process, events: int, fd: int) -> None:
        if kind == "control":
            if events & select.EPOLLOUT:
                self.descriptors.flush(process.control)
            if events & READABLE:
                self.hear_control(process, fd)
        elif kind == "output":
            self.hear_output(process, fd)
        elif kind == "exit" and process.pid in self.processes.alive:
            self.bury(process)

    def hear_control(self, process: Process, fd: int) -> None:
        lines = process.control.lines()
        if lines is None:
            self.descriptors.forget(fd)
        else:
            self.hear_lines(process, lines)

    def hear_lines(self, process: Process, lines: list[bytes]) -> None:
        for line in lines:
            verb, _, body = line.partition(b" ")
            if verb in (b"answer", b"farewell"):
                process.answer = body
                self.finish(process, leaves=verb == b"farewell")
            elif process.execution_id is not None:
                self.telling.tell(process, verb, body, important=verb in (b"secret", b"checkpoint"))

    def hear_output(self, process: Process, fd: int) -> None:
        for pipe in process.outputs:
            if pipe.fd == fd:
                lines = pipe.lines()
                if lines is None:
                    self.descriptors.forget(fd)
                else:
                    self.telling.tell_output(process, pipe, lines)

    def finish(self, process: Process, leaves: bool) -> None:
        """The handler answered: pass it on, and have the process back, or gone if it may not be used again."""
        if process.execution_id is None or process.watch is None or process.answer is None:
            return
        self.drain_output(process)
        why = process.watch.why
        if leaves:
            kill_tree(children_of(process.pid))
        self.telling.tell_end(process, why or ANSWERED, "-", process.answer)
        del self.at_work[process.execution_id]
        process.execution_id = process.watch = None
        if leaves or why:
            self.processes.kill(process)
        else:
            self.processes.give_back(process)

    def drain_output(self, process: Process) -> None:
        for pipe in process.outputs:
            if pipe.fd in self.descriptors:
                lines = pipe.lines(last=True)
                if lines:
                    self.telling.tell_output(process, pipe, lines)

    def bury(self, process: Process) -> None:
        """A process is gone: hear its last words, end its group and orphans, report if it was at work."""
        if not is_zombie(process.pid):
            return
        exit_code = self.processes.reap(process)
        while process.control.fd in self.descriptors and (lines := process.control.lines()):
            self.hear_lines(process, lines)
        if process.execution_id is not None and process.watch is not None:
            self.drain_output(process)
            del self.at_work[process.execution_id]
            self.end_orphans()
            self.telling.tell_end(process, process.watch.why or CRASHED, str(exit_code), b"{}")
            process.execution_id = process.watch = None
        self.processes.close(process)

    def end_orphans(self) -> None:
        """Kill what belongs to no live execution, and look again soon while any of it is left."""
        self.has_orphans = self.processes.end_orphans(self.at_work)
        if self.has_orphans:
            self.alarm = min(self.alarm, boottime() + ORPHAN_SECONDS)


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
