"""Who this daemon is: one per state folder, proven by a lock that its warden shares and that outlives neither.

The lock falls free only when daemon *and* warden are gone, and the warden goes last, after its kills. So whoever gets
it knows that nothing of the predecessor runs any more, and may declare the predecessor's executions lost at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.errors import Conflict

LOCK_NAME = "daemon.lock"
RECORD_NAME = "daemon.json"


@dataclass(frozen=True, slots=True)
class Instance:
    """This daemon's identity and the locked file that proves it.

    predecessors  instance ids of daemons that held this folder before and did not end cleanly; they stay in the
                  record until what they left has been seen to
    lock_fd       inherited by the warden, never by a handler
    """

    id: uuid.UUID
    state_dir: Path
    lock_fd: int
    predecessors: tuple[uuid.UUID, ...]

    def announce(self, **facts: Any) -> None:
        """Write who we are for the command line: pid, node and whatever else is given."""
        record = {"instance_id": str(self.id), "pid": os.getpid(), **facts}
        draft = self.state_dir / f".{RECORD_NAME}.{os.getpid()}"
        draft.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        draft.replace(self.state_dir / RECORD_NAME)

    def farewell(self) -> None:
        """Leave no record after a clean stop; the lock file itself stays."""
        (self.state_dir / RECORD_NAME).unlink(missing_ok=True)


def acquire(state_dir: Path) -> Instance:
    """Take the folder's lock. Raises Conflict naming the daemon that has it."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock_fd = os.open(state_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock_fd)
        record = read_record(state_dir) or {}
        raise Conflict(
            f"a daemon (pid {record.get('pid', '?')}) already uses {state_dir}; "
            "stop it with `erp-scheduler stop`, or give this one another ERP_SCHEDULER_STATE_DIR"
        ) from None
    return Instance(uuid.uuid4(), state_dir, lock_fd, _unfinished(read_record(state_dir) or {}))


def _unfinished(record: dict[str, Any]) -> tuple[uuid.UUID, ...]:
    """Return who is to be cleaned up after: the last daemon, and those it had not come to clean up after itself."""
    named = [record.get("instance_id"), *(record.get("predecessors") or [])]
    found = []
    for text in named:
        try:
            found.append(uuid.UUID(str(text)))
        except ValueError:
            continue
    return tuple(found[:100])


def read_record(state_dir: Path) -> dict[str, Any] | None:
    """Return what the daemon of this folder announced: pid, instance_id, node, started_at …; None if there is nothing."""
    try:
        record = json.loads((state_dir / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def is_held(state_dir: Path) -> bool:
    """Say whether a daemon (or its warden, still cleaning up) holds the folder at this moment."""
    try:
        probe = os.open(state_dir / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(probe)
    return False
