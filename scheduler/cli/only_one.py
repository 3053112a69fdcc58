"""A command that must not run twice at once in one folder: the second is refused at once, with a reason."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduler.errors import Conflict


@contextmanager
def only_one(lock: Path, refusal: str) -> Iterator[None]:
    """Hold the file *lock* for as long as the block takes. Raises Conflict with *refusal* when somebody else does."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Conflict(refusal) from None
    try:
        yield
    finally:
        os.close(descriptor)
