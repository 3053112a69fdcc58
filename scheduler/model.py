"""The values that travel through the service: frozen data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from scheduler.rules.calendars import Calendar
from scheduler.rules.overlays import Overlay


class JobStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    INVALID = "invalid"


class ExecutionStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    LOST = "lost"


ENDED = frozenset(ExecutionStatus) - {ExecutionStatus.QUEUED, ExecutionStatus.RUNNING}


class Unreadable(str):
    """JSON that Python refuses (numbers of thousands of digits, thousands of levels), as the beginning of its text."""

    __slots__ = ()


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    MANUAL = "manual"
    RETRY = "retry"
    CATCHUP = "catchup"
    DEPENDENCY = "dependency"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Every:
    """An interval as PostgreSQL holds it: whole months apart from the exact rest."""

    months: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job is due. At most one of every, times, cron, run_at; none means by hand only.

    anchor        the moment from which intervals count; set by the database when the schedule changes
    times         ``HH:MM:SS`` texts, in the job's own zone
    days_of_week  only on these days, in the job's own zone: ``mon-fri``
    start, end    planned times lie between these, both inclusive
    on_holiday    on a closed day of the calendar: run, skip, previous or next (open day)
    overlays      periods in which it comes more often or not at all
    """

    every: Every | None = None
    times: tuple[str, ...] = ()
    cron: str | None = None
    run_at: datetime | None = None
    timezone: str = "Asia/Seoul"
    anchor: datetime | None = None
    days_of_week: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    calendar: Calendar | None = None
    on_holiday: str = "run"
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """One claimed attempt at one planned time, on its way from claim to record.

    shares        whether its job may run several times at once
    follows       whether its job depends on others
    dependencies  what those gave, by name
    """

    id: int
    job_id: int
    job_name: str
    job_type: str
    trigger: str
    scheduled_for: datetime
    attempt: int
    failed_attempts: int
    slot: int
    token: UUID
    fence: int
    timeout_seconds: float
    max_retries: int
    parameters: dict[str, Any]
    market_codes: list[str]
    checkpoint: Any
    last_success_at: datetime | None
    shares: bool = False
    follows: bool = False
    dependencies: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended, as the node that ran it saw it.

    status       success, failed, timed_out, cancelled, skipped or lost
    retry        whether another attempt may follow, if the job has retries left
    counted      whether this end uses up one of the job's retries (a clean shutdown does not)
    retry_after  seconds the next attempt must wait at least; None leaves it to the backoff
    """

    execution_id: int
    token: UUID
    status: ExecutionStatus
    attempt: int = 1
    failed_attempts: int = 0
    result: dict[str, Any] | None = None
    error_class: str | None = None
    error_message: str | None = None
    skip_reason: str | None = None
    exit_code: int | None = None
    retry: bool = False
    counted: bool = True
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """What everybody but the handler's own process needs to know of a handler."""

    job_type: str
    source: str
    summary: str = ""
    timeout_seconds: float | None = None
    retries: int | None = None
    fresh_process: bool = False
    memory_mb: int | None = None
    params_schema: dict[str, Any] = field(default_factory=dict)
