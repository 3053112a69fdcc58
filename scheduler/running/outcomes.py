"""From what the warden saw to an outcome: how it ended, whether to try again, whether that uses up a retry."""

from __future__ import annotations

from typing import Any

from scheduler.model import Execution, ExecutionStatus, Outcome
from scheduler.running.timeouts import CANCELLED, CRASHED, FENCED, LEASE, TIMED_OUT
from scheduler.secrets import Redactor


def make_outcome(
    execution: Execution, cancel_reason: str | None, why: str, exit_code: int | None, answer: dict[str, Any], redactor: Redactor
) -> Outcome:
    """Turn what the warden saw into an outcome: how it ended, whether to try again, whether that uses up a retry."""
    common: dict[str, Any] = {
        "execution_id": execution.id, "token": execution.token, "attempt": execution.attempt,
        "failed_attempts": execution.failed_attempts, "exit_code": exit_code,
    }
    if why == TIMED_OUT:
        minutes = f"{execution.timeout_seconds / 60:g}"
        return Outcome(**common, status=ExecutionStatus.TIMED_OUT, error_class="timeout",
                       error_message=f"did not end within timeout_minutes = {minutes}", retry=True)
    if why == FENCED:
        return Outcome(**common, status=ExecutionStatus.CANCELLED, error_class="revoked",
                       error_message="its lock was taken away; it was ended")
    if why == LEASE:
        return Outcome(**common, status=ExecutionStatus.LOST, error_class="lost",
                       error_message="the daemon lost this execution; it was ended", retry=True)
    status = answer.get("status")
    if why == CANCELLED and status not in ("success", "failed"):
        by_drain = cancel_reason == "shutdown"
        return Outcome(**common, status=ExecutionStatus.CANCELLED, error_class=cancel_reason or "cancelled",
                       error_message="the daemon was stopped" if by_drain else "cancelled on request",
                       retry=by_drain, counted=not by_drain)
    if why == CRASHED or status is None:
        return Outcome(**common, status=ExecutionStatus.FAILED, error_class="crashed", retry=True,
                       error_message=f"the process ended without an answer ({exit_text(exit_code)})")
    if status == "success":
        return Outcome(**common, status=ExecutionStatus.SUCCESS, result=redactor.value(answer["result"]))
    if status == "skipped":
        return Outcome(**common, status=ExecutionStatus.SKIPPED, skip_reason=redactor.text(answer["reason"]))
    if status == "cancelled":
        return Outcome(**common, status=ExecutionStatus.CANCELLED, error_class="cancelled",
                       error_message="the handler ended itself as cancelled")
    return Outcome(**common, status=ExecutionStatus.FAILED, error_class=answer["class"],
                   error_message=redactor.text(answer["message"]), retry=answer["retry"],
                   retry_after=answer.get("after"))


def exit_text(exit_code: int | None) -> str:
    if exit_code is None:
        return "no exit code"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
