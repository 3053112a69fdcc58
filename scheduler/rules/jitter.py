"""How much later than planned an execution may be taken, so that a hundred jobs at nine o'clock do not begin at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def jitter(job_id: int, planned_at: datetime, seconds: int) -> timedelta:
    """Return a delay of 0 to *seconds* whole seconds: spread evenly, yet the same on every node and at every attempt."""
    if seconds <= 0:
        return timedelta()
    microseconds = (planned_at.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
    digest = blake2b(f"{job_id}:{microseconds}".encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % (seconds + 1))
