"""What the command line answers to the shell: one number for each thing a caller can do about it."""

from __future__ import annotations

from scheduler.errors import (
    ConfigError,
    Conflict,
    DatabaseUnavailable,
    NotAllowed,
    NotFound,
    ParameterError,
    ScheduleError,
)

OK = 0
FAILED = 1
USAGE = 2
NOT_ALLOWED = 4
NOT_FOUND = 5
CONFLICT = 6
NOT_RUNNING = 7
DATABASE = 8
DECLINED = 9
TIMEOUT = 124
INTERRUPTED = 130

# `status` alone follows LSB.
RUNNING = 0
DEAD_WITH_RECORD = 1
STOPPED = 3
UNKNOWN = 4

_OF_ERROR: tuple[tuple[type[Exception], int], ...] = (
    (DatabaseUnavailable, DATABASE),
    (ConfigError, USAGE),
    (ScheduleError, USAGE),
    (ParameterError, USAGE),
    (NotFound, NOT_FOUND),
    (Conflict, CONFLICT),
    (NotAllowed, NOT_ALLOWED),
)


def code_of(error: Exception) -> int:
    """Return the exit code of *error*; a SchedulerError without a place of its own is a failed operation."""
    return next((code for kind, code in _OF_ERROR if isinstance(error, kind)), FAILED)
