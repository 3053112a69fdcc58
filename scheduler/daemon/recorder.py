"""The recording loop: whatever has ended is written in one statement while the next claim is under way."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import psycopg

from scheduler.daemon.state import GATHERED, Shared
from scheduler.daemon.steady import Connection, gathered, limited, waited
from scheduler.database.connection import is_outage
from scheduler.log import event, event_text
from scheduler.protocol.close import Verdict, end_sessions
from scheduler.protocol.journal import add_lines, note_progress
from scheduler.protocol.record import record
from scheduler.running.journal import Journal, LogLine
from scheduler.running.pool import Ended

JOURNAL_SECONDS = 0.5
BUSY_SECONDS = 0.2
BATCH = 500
LINES = 5000
KEPT_SECONDS = 60


class Recorder:
    """Writes ends and words. What cannot be written yet is held, with its lease renewed, until it can."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.journal = Journal()
        self.retry_at = 0.0

    async def turn(self, connection: Connection) -> None:
        """Wait for something to write, then write all there is in one go."""
        await self._wait()
        shared = self.shared
        if shared.is_saturated:
            await gathered(shared.record_wake, lambda: len(shared.pool.ended) >= shared.settings.workers * GATHERED)
        for ended in shared.pool.finished():
            shared.unrecorded[ended.outcome.token] = ended
        try:
            await self._write_journal(connection)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            event("ERROR", "journal.dropped", lines=len(self.journal.lines), error=str(error).splitlines()[0])
            self.journal = Journal()  # words must never keep an end from being written
        batch = list(shared.unrecorded.values())[:BATCH]
        if not batch:
            return
        killed = [ended.execution.id for ended in batch if ended.killed]
        if killed:
            await limited(end_sessions(connection, killed))
        verdicts = {v.execution_id: v for v in await limited(record(connection, [each.outcome for each in batch]))}
        self._settle(batch, verdicts)

    def _settle(self, batch: list[Ended], verdicts: dict[int, Verdict]) -> None:
        shared = self.shared
        lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for ended in batch:
            verdict = verdicts[ended.execution.id]
            if verdict.status == "busy":
                self.retry_at = time.monotonic() + BUSY_SECONDS
                continue
            del shared.unrecorded[ended.outcome.token]
            shared.edited = shared.edited or verdict.is_awaited
            lines[ended.execution.job_type].append(end_line(ended, verdict))
        for job_type, ends in lines.items():
            shared.logs.executions(job_type, ends)
        shared.hungry = True
        shared.work_wake.set()

    async def _wait(self) -> None:
        """Sleep until something has ended, words have gathered for a while, or a busy row may be free again."""
        shared = self.shared
        patience: float | None = None
        if shared.unrecorded:
            patience = max(0.0, self.retry_at - time.monotonic())
        elif shared.pool.running or shared.pool.journal or self.journal:
            patience = JOURNAL_SECONDS
        await waited(shared.record_wake, patience)

    async def _write_journal(self, connection: Connection) -> None:
        taken = self.shared.pool.take_journal()
        self._log_words(taken.lines)
        self.journal.lines += taken.lines
        self.journal.progress |= taken.progress
        self.journal.checkpoints |= taken.checkpoints
        if self.journal.lines:
            await self._store_lines(connection)
        if self.journal.progress or self.journal.checkpoints:
            numbers = [*self.shared.pool.running, *(each.execution.id for each in self.shared.unrecorded.values())]
            await limited(note_progress(connection, numbers, self.journal.progress, self.journal.checkpoints))
        self.journal.progress, self.journal.checkpoints = {}, {}

    async def _store_lines(self, connection: Connection) -> None:
        """Store what can be stored now; keep the rest for a while, since somebody may hold the execution's row."""
        some, rest = self.journal.lines[:LINES], self.journal.lines[LINES:]
        rows = [(each.execution_id, each.line, each.at, each.level, each.stream, each.message, each.fields) for each in some]
        stored = await limited(add_lines(connection, rows))
        oldest = datetime.now(UTC) - timedelta(seconds=KEPT_SECONDS)
        kept = [each for each in some if (each.execution_id, each.line) not in stored and each.at > oldest]
        self.journal.lines = kept + rest

    def _log_words(self, said: list[LogLine]) -> None:
        shared = self.shared
        types = {each.execution.id: each.execution.job_type for each in shared.pool.running.values()}
        types |= {each.execution.id: each.execution.job_type for each in shared.unrecorded.values()}
        lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in said:
            job_type = types.get(line.execution_id)
            if job_type is not None:
                fields = {"execution_id": line.execution_id, "stream": line.stream, "message": line.message}
                lines[job_type].append((line.level, event_text("execution.line", fields | (line.fields or {}))))
        for job_type, words in lines.items():
            shared.logs.executions(job_type, words)


def end_line(ended: Ended, verdict: Verdict) -> tuple[str, str]:
    """Return (level, text) of the log line that says how an execution ended."""
    execution, outcome = ended.execution, ended.outcome
    level = "INFO" if verdict.status in ("success", "skipped") else "WARNING" if verdict.wait is not None else "ERROR"
    fields = {
        "job_id": execution.job_id, "execution_id": execution.id, "job": execution.job_name,
        "attempt": execution.attempt, "scheduled_for": execution.scheduled_for,
        "duration_ms": verdict.duration_ms, "retry_in_s": None if verdict.wait is None else round(verdict.wait, 1),
        "error": outcome.error_message if verdict.status not in ("success", "skipped") else None,
        "reason": outcome.skip_reason,
    }
    return level, event_text(f"execution.{verdict.status}", fields)
