"""The daemon's side of the handler processes. Only this file knows where handlers run.

Five verbs: free_slots, start, renew, cancel, finished. What handlers write on the way comes out of ``journal``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from loguru import logger

from scheduler.errors import ConfigError
from scheduler.model import Execution, HandlerSpec, Outcome, Unreadable
from scheduler.running.journal import Journal, Running
from scheduler.running.kernel import boottime
from scheduler.running.outcomes import make_outcome
from scheduler.running.timeouts import ANSWERED, LEASE
from scheduler.running.warden_process import WardenProcess
from scheduler.secrets import Redactor, resolve
from scheduler.settings import Settings

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

    dsn   the database that handlers connect to
    wake  called whenever something has ended
    """

    def __init__(
        self, settings: Settings, dsn: str, instance_id: UUID, lock_fd: int | None, wake: Callable[[], None]
    ) -> None:
        self.settings = settings
        self.dsn = dsn
        self.wake = wake
        self.warden = WardenProcess(settings, instance_id, lock_fd, self._hear, self._lose_all)
        self.redactor = Redactor()
        self.specs: dict[str, HandlerSpec] = {}
        self.spawned: dict[str, str] = {}
        self.running: dict[int, Running] = {}
        self.ended: list[Ended] = []
        self.journal = Journal()
        self._handler_settings = {
            "backup_dir": str(settings.backup_dir), "report_dir": str(settings.report_dir), "node": settings.node,
            "pg_bin": os.environ.get("ERP_SCHEDULER_PG_BIN"),
        }

    # -- the five verbs ---------------------------------------------------------------------------------------------

    @property
    def needs_warden(self) -> bool:
        """Whether the warden has died and another must be opened."""
        return not self.warden.is_open and not self.warden.closing

    @property
    def free_slots(self) -> int:
        """Return how many executions could start this moment; 0 while there is no warden."""
        return self.settings.workers - len(self.running) if self.warden.is_open else 0

    def start(self, executions: Iterable[Execution], lease_until: float) -> None:
        """Hand claimed executions to the warden.

        lease_until  boot-time seconds until when they may live without a renewal
        """
        batch = [line for execution in executions if (line := self._start_line(execution, lease_until))]
        if self.warden.is_open:
            self.warden.tell(b"".join(batch))
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
        self._learn(await self.warden.open())

    def close(self) -> None:
        """End the warden with all that runs."""
        self.warden.close()

    def _learn(self, types: list[dict[str, Any]]) -> None:
        self.specs = {}
        for made in types:
            if made.pop("spawn", None):
                self.spawned[made["job_type"]] = made["source"]
                logger.warning("handler.spawned job_type={} reason=\"its import starts threads\"", made["job_type"])
            self.specs[made["job_type"]] = HandlerSpec(**made)

    # -- lines out --------------------------------------------------------------------------------------------------

    def _tell(self, line: str) -> None:
        self.warden.tell(line.encode())

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

    def _hear(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            verb, _, rest = line.partition(b" ")
            if verb == b"end":
                self._on_end(rest)
            else:
                self._on_word(verb.decode(), rest)
        if self.ended:
            self.wake()

    def _lose_all(self) -> None:
        """The warden is gone and its children with it: what they were at is lost."""
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
