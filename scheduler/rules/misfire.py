"""What becomes of planned times that are due: which are queued, which are skipped, and why. Each is accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from scheduler.errors import ScheduleError
from scheduler.rules.quoting import quoted
from scheduler.rules.schedule import Due
from scheduler.settings import MISFIRE_CAP
from scheduler.words import say

SkipReason = Literal["overlap", "dependency", "misfire", "holiday", "overlay"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One execution row to write.

    missed_count  how many other planned times this row stands for
    """

    scheduled_for: datetime
    status: Literal["queued", "skipped"]
    trigger: Literal["schedule", "catchup"]
    missed_count: int = 0
    skip_reason: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows for what is due, oldest first; together they stand for every planned time of it."""

    queue: tuple[Planned, ...]


def decide(
    policy: str, due: Due, now: datetime, grace: timedelta, in_the_way: bool, cap: int = MISFIRE_CAP,
    reason: SkipReason = "overlap",
) -> Plan:
    """Turn due planned times into rows.

    policy      run_once, skip or run_all
    grace       how late a planned time still counts as on time
    in_the_way  former occurrences of this job leave no place for another
    cap         how many rows run_all may queue at once
    reason      what keeps a former occurrence in the way
    """
    if policy not in ("run_once", "skip", "run_all"):
        raise ScheduleError(say(
            f"misfire_policy {quoted(policy)}: run_once, skip, run_all 중 하나를 쓰세요",
            f"misfire_policy {quoted(policy)} is not run_once, skip or run_all",
        ))
    on_time = now - due.latest <= grace
    if in_the_way:
        return Plan((_skipped(due.latest, due.count, reason),))
    if policy == "run_once":
        return Plan((_queued(due.latest, on_time and due.count == 1, due.count - 1),))
    if policy == "skip":
        return Plan(_only_the_latest(due, on_time))
    return Plan(_one_by_one(due, on_time, max(cap, 1)))


def _only_the_latest(due: Due, on_time: bool) -> tuple[Planned, ...]:
    if not on_time:
        return (_skipped(due.latest, due.count, "misfire"),)
    latest = _queued(due.latest, on_time=True)
    if due.before_latest is None:
        return (latest,)
    return (_skipped(due.before_latest, due.count - 1, "misfire"), latest)


def _one_by_one(due: Due, on_time: bool, cap: int) -> tuple[Planned, ...]:
    oldest = due.times[:cap]
    queued = tuple(_queued(time, on_time and time == due.latest) for time in oldest)
    rest = due.count - len(oldest)
    return (*queued, _skipped(due.latest, rest, "misfire")) if rest else queued


def _queued(time: datetime, on_time: bool, missed_count: int = 0) -> Planned:
    return Planned(time, "queued", "schedule" if on_time else "catchup", missed_count)


def _skipped(time: datetime, count: int, reason: SkipReason) -> Planned:
    """Make one row that stands for *count* planned times."""
    return Planned(time, "skipped", "schedule", count - 1, reason)
