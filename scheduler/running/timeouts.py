"""Deadlines and leases of one running execution on the boot-time clock, and the order in which it is ended.

    timeout   SIGTERM at the deadline, SIGKILL a moment later
    cancel    SIGTERM now, SIGKILL after the grace that was asked for
    lease     SIGKILL at once: the database may give the job away any moment
    fenced    SIGKILL at once: the database has given it away
"""

from __future__ import annotations

from dataclasses import dataclass, field

TIMED_OUT, CANCELLED, LEASE, FENCED, CRASHED, ANSWERED = (
    "timed_out", "cancelled", "lease", "fenced", "crashed", "answered",
)


@dataclass(slots=True)
class Watch:
    """When one execution must end, and why it is being ended.

    deadline     the job's timeout
    lease        until when the daemon's last good renewal lets it live
    kill_at      set once it has been asked to end
    """

    deadline: float
    lease: float
    timeout_grace: float
    why: str | None = field(default=None)
    kill_at: float | None = field(default=None)

    def next_at(self) -> float:
        """The moment at which something must be done about it."""
        if self.kill_at is not None:
            return min(self.kill_at, self.lease)
        return min(self.deadline, self.lease)

    def due(self, now: float) -> str | None:
        """Say what to send now: ``term``, ``kill`` or None; remembers why."""
        if now >= self.lease:
            self.why = LEASE
            return "kill"
        if self.kill_at is not None:
            return "kill" if now >= self.kill_at else None
        if now >= self.deadline:
            self.why = TIMED_OUT
            self.kill_at = now + self.timeout_grace
            return "term"
        return None

    def ask(self, why: str, now: float, grace: float) -> None:
        """Begin to end it for *why*; an earlier reason and an earlier kill stay."""
        self.why = self.why or why
        self.kill_at = min(self.kill_at or now + grace, now + grace)
