"""The daemon's side of the handler processes. Only this file knows where handlers run.

Five verbs: free_slots, start, renew, cancel, finished. What handlers write on the way comes out of ``journal``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from loguru import logger

from scheduler.errors import ConfigError
from scheduler.model import Execution, HandlerSpec, Outcome, Unreadable
from scheduler.running.journal import Journal, Running
from scheduler.running.kernel import (
    INSTANCE_VARIABLE,
    become_subreaper,
    boottime,
    children_of,
    environment_of,
    is_zombie,
    kill_tree,
)
from scheduler.running.outcomes import make_outcome
from scheduler.running.timeouts import ANSWERED, LEASE
from scheduler.secrets import Redactor, resolve
from scheduler.settings import Settings

HELLO_SECONDS = 60
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "LOGNAME", "PYTHONPATH",
                    "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_STATE_HOME", "ERP_SCHEDULER_LANG")
"""All that handlers see of the environment. The database's address may carry a password and goes over the pipe."""

UNREADABLE = {
    "status": "failed", "class": "parameters", "retry": False,
    "message": "parameters, checkpoint or what came before cannot be read: a number is too long or lists are nested too deeply",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """An outcome with what the daemon needs beside it."""

    outcome: Outcome
    execution: Execution
    killed: bool


class Pool:
    """A bounded set of handler processes behind a warden.

    wake      called whenever something has ended
    instance  id of this daemon; marks every process that descends from it
    lock_fd   the state folder's lock, which the warden holds on to until its last child is gone
    """

    def __init__(
        self, settings: Settings, dsn: str, instance_id: UUID, lock_fd: int | None, wake: Callable[[], None]
    ) -> None:
        self.settings = settings
        self.dsn = dsn
        self.instance_id = instance_id
        self.lock_fd = lock_fd
        self.wake = wake
        self.redactor = Redactor()
        self.specs: dict[str, HandlerSpec] = {}
        self.spawned: dict[str, str] = {}
        self.running: dict[int, Running] = {}
        self.ended: list[Ended] = []
        self.journal = Journal()
        self.closing = False
        self._warden: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._hello: asyncio.Future[dict[str, Any]] | None = None
        self._buffer = b""
        self._asked_at = 0.0
        self._unanswered = 0
        self._handler_settings = {
            "backup_dir": str(settings.backup_dir), "report_dir": str(settings.report_dir), "node": settings.node,
            "pg_bin": os.environ.get("ERP_SCHEDULER_PG_BIN"),
        }

    # -- the five verbs ---------------------------------------------------------------------------------------------

    @property
    def needs_warden(self) -> bool:
        """Whether the warden has died and another must be opened."""
        return self._transport is None and not self.closing

    @property
    def free_slots(self) -> int:
        """Return how many executions could start this moment; 0 while there is no warden."""
        if self._transport is None or self.closing:
            return 0
        return self.settings.workers - len(self.running)

    def start(self, executions: Iterable[Execution], lease_until: float) -> None:
        """Hand claimed executions to the warden.

        lease_until  boot-time seconds until when they may live without a renewal
        """
        batch = [line for execution in executions if (line := self._start_line(execution, lease_until))]
        if self._transport is not None:
            self._transport.write(b"".join(batch))
        else:  # the warden died while they were being claimed
            self._lose_all()

    def renew(self, execution_ids: Iterable[int], lease_until: float) -> None:
        """Let these executions live until *lease_until* (boot-time seconds)."""
        numbers = " ".join(map(str, execution_ids))
        if numbers:
            self._tell(f"lease {lease_until:.6f} {numbers}\n")

    def cancel(self, execution_id: int, reason: str, grace: float | None = None) -> None:
        """Ask an execution to end: SIGTERM now, SIGKILL after *grace* seconds (default: the house's)."""
        running = self.running.get(execution_id)
        if running is not None and running.cancel_reason is None:
            running.cancel_reason = reason
            self._tell(f"cancel {execution_id} {self.settings.kill_seconds if grace is None else grace}\n")

    def fence_out(self, execution_id: int) -> None:
        """Kill an execution whose lock is no longer ours."""
        if execution_id in self.running:
            self._tell(f"kill {execution_id}\n")

    def ping(self, pause: float, at_most: int) -> bool:
        """Ask the warden for a sign of life, and kill it when *at_most* questions in a row went unanswered.

        A frozen warden ends nothing, while renewals would keep its executions ours for ever. Questions are counted,
        not seconds: a daemon that was frozen itself must not blame the warden.

        pause    seconds between two questions
        Returns  False when it was killed; its executions are lost and another warden is opened
        """
        if self._transport is None or self._warden is None or boottime() - self._asked_at < pause:
            return True
        if self._unanswered >= at_most:
            self._warden.kill()
            return False
        self._asked_at = boottime()
        self._unanswered += 1
        self._tell("ping\n")
        return True

    def finished(self) -> list[Ended]:
        """Return what has ended since the last call."""
        ended, self.ended = self.ended, []
        return ended

    def take_journal(self) -> Journal:
        taken, self.journal = self.journal, Journal()
        return taken

    # -- the warden's life ------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the warden and learn its handlers. Raises ConfigError with every fault it found."""
        become_subreaper()
        ours, theirs = socket.socketpair()
        options = {
            "modules": self.settings.handler_modules,
            "workers": self.settings.workers,
            "max_executions_per_child": self.settings.max_executions_per_child,
            "timeout_grace_seconds": self.settings.timeout_grace_seconds,
        }
        inherited = [theirs.fileno()] + ([self.lock_fd] if self.lock_fd is not None else [])
        command = [sys.executable, "-P", "-m", "scheduler.running.warden", str(theirs.fileno()), json.dumps(options)]
        self._warden = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=inherited, env=self._environment(), start_new_session=True
        )
        theirs.close()
        loop = asyncio.get_running_loop()
        self._hello = loop.create_future()
        self._buffer = b""
        ours.setblocking(False)
        transport, _ = await loop.create_connection(lambda: _Ear(self), sock=ours)
        try:
            hello = await asyncio.wait_for(self._hello, HELLO_SECONDS)
        except TimeoutError:
            transport.abort()
            raise ConfigError("the handlers could not be imported within a minute") from None
        if hello["faults"]:
            transport.abort()
            self.bury_warden()
            raise ConfigError("; ".join(hello["faults"]))
        transport.set_write_buffer_limits(high=64 * 1024 * 1024)
        self._learn(hello["types"])
        self._transport = transport

    def bury_warden(self) -> None:
        """See the warden gone, and with it whatever it leaves to us as sub-reaper."""
        if self._warden is not None:
            try:
                self._warden.wait(5)
            except subprocess.TimeoutExpired:
                self._warden.kill()
                self._warden.wait()
            self._warden = None
        quiet, until = 0, time.monotonic() + 1
        while quiet < 3 and time.monotonic() < until:  # those of its children that die now leave us theirs
            quiet = 0 if self.end_adopted() else quiet + 1
            time.sleep(0.01)

    def end_adopted(self) -> int:
        """Kill and collect what a dead warden or a dead handler left to us. Returns how many there still are."""
        mark, left = str(self.instance_id).encode(), 0
        for pid in children_of(os.getpid()):
            if self._warden is not None and pid == self._warden.pid:
                continue
            if environment_of(pid).get(INSTANCE_VARIABLE.encode()) == mark:
                kill_tree([pid])
                left += 1
            elif is_zombie(pid):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return left

    def close(self) -> None:
        """End the warden with all that runs."""
        self.closing = True
        if self._transport is not None:
            self._tell("quit\n")
            self._transport.close()
            self._transport = None
        self.bury_warden()

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        return {**kept, INSTANCE_VARIABLE: str(self.instance_id), "PYTHONUNBUFFERED": "1"}

    def _learn(self, types: list[dict[str, Any]]) -> None:
        self.specs = {}
        for made in types:
            if made.pop("spawn", None):
                self.spawned[made["job_type"]] = made["source"]
                logger.warning("handler.spawned job_type={} reason=\"its import starts threads\"", made["job_type"])
            self.specs[made["job_type"]] = HandlerSpec(**made)

    # -- lines out --------------------------------------------------------------------------------------------------

    def _tell(self, line: str) -> None:
        if self._transport is not None:
            self._transport.write(line.encode())

    def _start_line(self, execution: Execution, lease_until: float) -> bytes:
        """Return the line that starts *execution*; empty when it cannot be said, and then it has failed."""
        spec = self.specs[execution.job_type]
        mode = "spawn" if execution.job_type in self.spawned else "fresh" if spec.fresh_process else "fork"
        deadline = boottime() + execution.timeout_seconds
        self.running[execution.id] = Running(execution)
        last = execution.last_success_at
        given = (execution.parameters, execution.checkpoint, *execution.dependencies.values())
        if any(isinstance(each, Unreadable) for each in given):
            self._end(self.running[execution.id], ANSWERED, None, UNREADABLE)
            self.wake()
            return b""
        body = json.dumps({
            "execution_id": execution.id, "job_id": execution.job_id, "job_name": execution.job_name,
            "job_type": execution.job_type, "trigger": execution.trigger, "attempt": execution.attempt,
            "dependencies": execution.dependencies,
            "fence": execution.fence, "scheduled_for": execution.scheduled_for.astimezone(UTC).isoformat(),
            "last_success_at": last.isoformat() if last else None, "deadline": deadline,
            "parameters": execution.parameters, "market_codes": execution.market_codes,
            "checkpoint": execution.checkpoint, "database_url": self.dsn, "settings": self._handler_settings,
            "memory_mb": spec.memory_mb or self.settings.memory_mb,
        })
        return f"start {execution.id} {execution.timeout_seconds:.3f} {lease_until:.6f} {mode} {body}\n".encode()

    # -- lines in ---------------------------------------------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        self._unanswered = 0
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            verb, _, rest = line.partition(b" ")
            if verb == b"end":
                self._on_end(rest)
            elif verb == b"pong":
                continue
            elif verb == b"hello":
                if self._hello is not None and not self._hello.done():
                    self._hello.set_result(json.loads(rest))
            else:
                self._on_word(verb.decode(), rest)
        if self.ended:
            self.wake()

    def lost_warden(self) -> None:
        """The warden is gone: its children die with it, and what they were at is lost."""
        if self._hello is not None and not self._hello.done():
            self._hello.set_result({"faults": ["the handler processes' parent ended while it started"], "types": []})
        if self._transport is None or self.closing:
            return
        self._transport = None
        self.bury_warden()
        self._lose_all()

    def _lose_all(self) -> None:
        for running in list(self.running.values()):
            self._end(running, LEASE, None, {})
        self.wake()

    def _on_end(self, rest: bytes) -> None:
        number, why, exit_code, body = rest.split(b" ", 3)
        running = self.running.get(int(number))
        if running is not None:
            code = None if exit_code == b"-" else int(exit_code)
            self._end(running, why.decode(), code, json.loads(body))

    def _end(self, running: Running, why: str, exit_code: int | None, answer: dict[str, Any]) -> None:
        execution = running.execution
        del self.running[execution.id]
        if running.lines_dropped:
            self.journal.note(running, "WARNING", "log", f"{running.lines_dropped} more lines were not kept", None, None)
        outcome = make_outcome(execution, running.cancel_reason, why, exit_code, answer, self.redactor)
        killed = why != ANSWERED or exit_code is not None
        self.ended.append(Ended(outcome, execution, killed))

    def _on_word(self, verb: str, rest: bytes) -> None:
        number, _, body = rest.partition(b" ")
        running = self.running.get(int(number))
        if running is None:
            return
        said = json.loads(body)
        token = running.execution.token
        if verb == "log":
            self.journal.note(running, said["level"], "log", said["message"], said["fields"], self.redactor)
        elif verb == "out":
            level = "INFO" if said[0] == "stdout" else "WARNING"
            self.journal.note(running, level, said[0], said[1], None, self.redactor)
        elif verb == "report":
            self.journal.progress[token] = {**self.journal.progress.get(token, {}), **self.redactor.value(said)}
        elif verb == "checkpoint":
            self.journal.checkpoints[token] = self.redactor.value(said)
        elif verb == "secret":
            self._answer_secret(running.execution.id, said)

    def _answer_secret(self, execution_id: int, reference: str) -> None:
        try:
            value = resolve(str(reference))
            self.redactor.learn(value)
            answer = {"value": value}
        except ConfigError as error:
            answer = {"error": str(error)}
        self._tell(f"secret {execution_id} {json.dumps(answer)}\n")


class _Ear(asyncio.Protocol):
    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def data_received(self, data: bytes) -> None:
        self.pool.hear(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self.pool.lost_warden()
