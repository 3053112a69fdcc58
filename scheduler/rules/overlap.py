"""What becomes of a planned time whose job is still busy with former ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.settings import MISFIRE_CAP
from scheduler.words import say

Overlap = Literal["queue", "skip", "replace"]


@dataclass(frozen=True, slots=True)
class Busy:
    """What a job has under way.

    running  executions that run
    waiting  planned ones in the queue, retries included; what people asked for by hand does not count
    """

    running: int = 0
    waiting: int = 0


def overlap(policy: str, busy: Busy, max_instances: int) -> Overlap:
    """Say what to do: queue it, skip it, or end what is in the way and queue it (``replace``).

    policy  skip, queue_one, cancel_running or allow
    Raises  ScheduleError for any other
    """
    is_full = busy.running >= max_instances
    if policy == "skip":
        return "skip" if busy.waiting or is_full else "queue"
    if policy == "queue_one":
        return "skip" if busy.waiting else "queue"
    if policy == "cancel_running":
        return "replace" if busy.waiting or is_full else "queue"
    if policy == "allow":
        return "skip" if busy.waiting >= MISFIRE_CAP else "queue"
    raise ScheduleError(say(
        f"overlap_policy {quoted(policy)}: skip, queue_one, cancel_running, allow 중 하나를 쓰세요",
        f"overlap_policy {quoted(policy)} is not skip, queue_one, cancel_running or allow",
    ))
