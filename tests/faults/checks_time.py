"""What must hold between moments: I6 (overlaps), I7 (lapsed leases), I8 (retries), I10 (daemons live), I13 (remains)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.checks_planning import is_poison
from tests.faults.findings import Finding
from tests.faults.history import Deed, Effect, History, seconds

NO_RETRY = ("GiveUp", "parameters", "result")
SETTLE_SECONDS = 3.0
SLACK_SECONDS = 2.0
REMAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Life:
    """From the first to the last proof that one handler of one claim was alive."""

    execution_id: int
    job_id: int
    fence: int
    node: str
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Overlap:
    earlier: Life
    later: Life
    excuse: str

    @property
    def seconds(self) -> float:
        return self.earlier.last - self.later.first


def lives(history: History) -> dict[int, list[Life]]:
    """Return the lives of each job's handlers, oldest first; what was only seen from outside counts too."""
    grouped: dict[tuple[int, int], list[Effect]] = defaultdict(list)
    for effect in history.effects:
        if effect.event in ("start", "beat", "end"):
            grouped[effect.execution_id, effect.fence].append(effect)
    seen: dict[tuple[int, int], float] = {}
    for sighting in history.sightings:
        if sighting.kind == "seen":
            seen[sighting.execution_id, sighting.fence] = sighting.at
    found: dict[int, list[Life]] = defaultdict(list)
    for (number, fence), proofs in grouped.items():
        moments = [proof.at for proof in proofs]
        last = max(*moments, seen.get((number, fence), 0.0))
        found[proofs[0].job_id].append(Life(number, proofs[0].job_id, fence, proofs[0].node, min(moments), last))
    return {job_id: sorted(some, key=lambda life: life.first) for job_id, some in found.items()}


def overlaps(history: History) -> list[Overlap]:
    """Return each pair of handlers of one job that were alive at once, with what the promise itself excuses."""
    found = []
    for some in lives(history).values():
        longest = None
        for life in some:
            if longest is not None and life.first < longest.last:
                found.append(Overlap(longest, life, excuse(history, longest, life)))
            if longest is None or life.last > longest.last:
                longest = life
    return found


def excuse(history: History, earlier: Life, later: Life) -> str:
    """Say why this overlap is no broken promise; empty when it is one."""
    for deed in history.deeds_of("freeze warden"):
        if deed.target == earlier.node and deed.at < earlier.last and deed.until > later.first - history.timing.lease * 3:
            return "its warden was frozen"
    by_hand = [change for change in history.changes if not change.by_daemon and change.at < later.first]
    unlocked = any(change.tab == "schedule_locks" and change.op == "DELETE" and change.row["execution_id"] == earlier.execution_id
                   for change in by_hand)
    ended = any(change.tab == "job_executions" and change.op == "UPDATE" and change.row["id"] == earlier.execution_id
                and change.status[0] == "running" for change in by_hand)
    allowed = history.timing.heartbeat + history.timing.kill + SLACK_SECONDS
    taken_away = unlocked and ended and earlier.last - later.first < allowed
    return "lock and execution were both taken away by hand" if taken_away else ""


def never_two_alive(history: History) -> Iterator[Finding]:
    """I6: no two handlers of one job are really alive at once."""
    for overlap in overlaps(history):
        if not overlap.excuse:
            one, two = overlap.earlier, overlap.later
            yield Finding("I6", f"job {one.job_id}", f"execution {one.execution_id} (fence {one.fence}, node {one.node}) was "
                          f"alive {overlap.seconds * 1000:.0f} ms after {two.execution_id} (fence {two.fence}, node "
                          f"{two.node}) had started at {two.first:.3f}")


def leases_are_reaped(history: History) -> Iterator[Finding]:
    """I7: nothing stays running past lease and grace while a daemon is up."""
    limit = history.timing.poll + SLACK_SECONDS
    for change in history.of("job_executions"):
        if change.is_end and change.old and change.old["lease_expires_at"]:
            overdue = up_for(history, seconds(change.old["lease_expires_at"]) + history.timing.grace, change.at)
            if overdue > limit:
                yield Finding("I7", f"execution {change.row['id']}", f"still running {overdue:.1f} s after lease and grace, "
                              f"then {change.status[1]} (seq {change.seq})")
    for row in history.executions:
        if row["status"] == "running":
            yield Finding("I7", f"execution {row['id']} of job {row['job_id']}", "running after the last daemon had stopped")


def up_for(history: History, begin: float, end: float) -> float:
    """Return the longest time in [begin, end] during which a daemon was up and had had the time to settle."""
    spans = [(max(begin, start + SETTLE_SECONDS), min(end, stop)) for start, stop in history.up]
    return max((stop - start for start, stop in spans), default=0.0)


def retries_follow(history: History) -> Iterator[Finding]:
    """I8: what failed with retries left has a successor, which starts after it has ended; attempts are 1, 2, 3 …"""
    jobs = {change.row["id"]: change.row for change in history.of("schedule_jobs")}
    inserted = {(c.row["job_id"], c.row["scheduled_for"], c.row["attempt"]): c for c in history.of("job_executions")
                if c.op == "INSERT"}
    for change in history.of("job_executions"):
        row, job = change.row, jobs.get(change.row["job_id"])
        if change.op == "INSERT" and row["attempt"] > 1:
            if (row["job_id"], row["scheduled_for"], row["attempt"] - 1) not in inserted:
                yield Finding("I8", f"execution {row['id']}", f"attempt {row['attempt']} without attempt {row['attempt'] - 1}")
            if job is not None and row["failed_attempts"] > job["max_retries"]:
                yield Finding("I8", f"execution {row['id']}", f"{row['failed_attempts']} failures, {job['max_retries']} retries")
        if not change.is_end or not change.by_daemon or job is None:
            continue
        due = (row["status"] in ("failed", "timed_out", "lost") and row["error_class"] not in NO_RETRY
               and row["failed_attempts"] + 1 <= job["max_retries"])
        due = due or (row["status"] == "cancelled" and row["error_class"] == "shutdown")
        if due and (row["job_id"], row["scheduled_for"], row["attempt"] + 1) not in inserted:
            yield Finding("I8", f"execution {row['id']} of job {row['job_id']}",
                          f"{row['status']} ({row['error_class']}), attempt {row['attempt']}, and no attempt follows")
    yield from retries_wait(history)


def retries_wait(history: History) -> Iterator[Finding]:
    ended = {(c.row["job_id"], seconds(c.row["scheduled_for"]), c.row["attempt"]): c.at for c in history.changes if c.is_end}
    for change in history.of("job_executions"):
        if change.op == "UPDATE" and change.status[1] == "queued" and not change.by_daemon:
            ended.pop((change.row["job_id"], seconds(change.row["scheduled_for"]), change.row["attempt"]), None)
    for effect in history.effects:
        before = ended.get((effect.job_id, effect.scheduled_for, effect.attempt - 1))
        if effect.event == "start" and before is not None and effect.at < before:
            yield Finding("I8", f"execution {effect.execution_id}", f"started {before - effect.at:.3f} s too early")


def daemons_live(history: History) -> Iterator[Finding]:
    """I10: no edit and no outage ends a daemon, and each bad row is judged."""
    for deed in history.deeds_of("died"):
        yield Finding("I10", f"daemon {deed.target}", f"ended by itself: {deed.detail}")
    for deed in history.deeds_of("late start"):
        yield Finding("I10", f"daemon {deed.target}", deed.detail)
    for job in history.jobs:
        if is_poison(job) and job["status"] == "active" and job["planned_version"] != job["spec_version"]:
            yield Finding("I10", f"job {job['id']} {job['name']}", "a bad row that nobody has judged")


def nothing_remains(history: History) -> Iterator[Finding]:
    """I13: no process and no session outlives its execution."""
    for what in history.remains:
        yield Finding("I13", "after the stop", what)
    by_hand = {change.row["id"] for change in history.of("job_executions") if not change.by_daemon and change.op == "UPDATE"}
    nodes = {effect.execution_id: effect.node for effect in history.effects}
    worst = {(sighting.kind, sighting.execution_id): sighting for sighting in history.sightings}
    for sighting in worst.values():
        frozen = [deed for deed in history.deeds_of("freeze warden") if deed.target == nodes.get(sighting.execution_id)]
        if sighting.kind != "seen" and sighting.execution_id not in by_hand and not near(frozen, sighting.at):
            yield Finding("I13", f"execution {sighting.execution_id}", f"{sighting.kind}: {sighting.detail}")


def near(deeds: list[Deed], at: float) -> bool:
    return any(deed.at <= at <= deed.until + REMAIN_SECONDS for deed in deeds)


def recoveries(history: History) -> list[float]:
    """Return, for each lost execution, the seconds from its last proof of life to the commit that said so."""
    alive: dict[int, float] = {}
    for effect in history.effects:
        alive[effect.execution_id] = max(alive.get(effect.execution_id, 0.0), effect.at)
    for change in history.changes:
        if change.is_claim:
            alive.setdefault(change.row["id"], change.at)
    return sorted(change.at - alive.get(change.row["id"], change.at) for change in history.changes
                  if change.is_end and change.status[1] == "lost" and change.by_daemon)
