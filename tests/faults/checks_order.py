"""What must hold in the order of changes, whatever the clocks say: I1, I3, I4, I5, I9, and that an end is an end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.faults.findings import Finding
from tests.faults.history import FINAL, Change, History

MAY_CHANGE = {("queued", "running"), *(("running", final) for final in FINAL)}


def one_at_a_time(history: History) -> Iterator[Finding]:
    """I1: one lock a slot, one running execution a slot."""
    running: dict[tuple[int, int], set[int]] = defaultdict(set)
    locks: dict[tuple[int, int], int] = Counter()
    for change in history.changes:
        row = change.row
        if change.tab == "schedule_locks" and change.op in ("INSERT", "DELETE"):
            place = row["job_id"], row["slot"]
            locks[place] += 1 if change.op == "INSERT" else -1
            if locks[place] > 1:
                yield Finding("I1", f"job {place[0]}", f"two lock rows at seq {change.seq}")
        if change.tab == "job_executions" and row["job_id"] is not None:
            place = row["job_id"], row["slot"]
            live = running[place]
            live.add(row["id"]) if change.status[1] == "running" else live.discard(row["id"])
            if len(live) > 1:
                yield Finding("I1", f"job {place[0]}", f"executions {sorted(live)} are running at seq {change.seq}")


def no_double_start(history: History) -> Iterator[Finding]:
    """I3: each (job, planned time, attempt) is claimed, and started, at most once; a row requeued by hand once more."""
    allowed = requeued(history)
    claims = Counter(change.row["id"] for change in history.changes if change.is_claim)
    for number, count in claims.items():
        if count > 1 + allowed[number]:
            yield Finding("I3", f"execution {number}", f"claimed {count} times")
    starts: dict[tuple[int, float, int], set[tuple[int, int, int, int]]] = defaultdict(set)
    for effect in history.effects:
        if effect.event == "start":
            starts[effect.occurrence].add((effect.execution_id, effect.fence, effect.pid, effect.process_start))
    for occurrence, seen in starts.items():
        if len(seen) > 1 + max(allowed[execution_id] for execution_id, *_ in seen):
            yield Finding("I3", f"(job, planned, attempt) {occurrence}", f"started {len(seen)} times: {sorted(seen)}")


def requeued(history: History) -> Counter[int]:
    return Counter(change.row["id"] for change in history.of("job_executions")
                   if change.op == "UPDATE" and change.status[1] == "queued" and not change.by_daemon)


def fences_rise(history: History) -> Iterator[Finding]:
    """I4: of two claims, and of two starts, the later one has the higher fence."""
    last: dict[int, int] = {}
    for change in history.changes:
        if change.is_claim and change.row["job_id"] is not None:
            job_id, fence = change.row["job_id"], change.row["fence"]
            if fence <= last.get(job_id, -1):
                yield Finding("I4", f"job {job_id}", f"claim of {change.row['id']} has fence {fence} after {last[job_id]}")
            last[job_id] = fence
    started: dict[int, int] = {}
    for effect in sorted(history.effects, key=lambda each: each.at):
        if effect.event == "start":
            if effect.fence <= started.get(effect.job_id, -1):
                yield Finding("I4", f"job {effect.job_id}",
                              f"execution {effect.execution_id} started with fence {effect.fence} after one with "
                              f"{started[effect.job_id]}")
            started[effect.job_id] = max(effect.fence, started.get(effect.job_id, -1))


def results_are_owned(history: History) -> Iterator[Finding]:
    """I5: success only by who holds the lock, and only of a handler that really came to its end under that fence."""
    revoked = {change.row["token"] for change in history.of("schedule_locks")
               if change.op == "DELETE" and not change.by_daemon}
    released = {(change.xact, change.row["token"]) for change in history.of("schedule_locks")
                if change.op == "DELETE" and change.by_daemon}
    ends: dict[tuple[int, int], float] = {}
    for effect in history.effects:
        if effect.event == "end":
            ends.setdefault((effect.execution_id, effect.fence), effect.at)
    for change in history.of("job_executions"):
        if not change.by_daemon or change.status[1] != "success" or change.status[0] == "success":
            continue
        row, token = change.row, (change.old or {}).get("token")
        subject = f"execution {row['id']} of job {row['job_id']}"
        if token in revoked:
            yield Finding("I5", subject, f"success at seq {change.seq} after its lock had been deleted")
        elif (change.xact, token) not in released and row["job_id"] is not None:
            yield Finding("I5", subject, f"success at seq {change.seq} by a writer that held no lock of it")
        ended_at = ends.get((row["id"], row["fence"]))
        if ended_at is None or ended_at > change.at + 0.05:
            yield Finding("I5", subject, f"success with fence {row['fence']}, which no handler had finished")


def an_end_is_an_end(history: History) -> Iterator[Finding]:
    """I5: a daemon never changes what has ended, nor deletes it, nor ends what never ran."""
    for change in history.of("job_executions"):
        if not change.by_daemon or change.op == "INSERT":
            continue
        if change.op == "DELETE":
            yield Finding("I2", f"execution {change.row['id']}", f"its row was deleted by {change.who}")
        elif change.status not in MAY_CHANGE:
            yield Finding("I5", f"execution {change.row['id']}",
                          f"{change.status[0]} became {change.status[1]} at seq {change.seq} by {change.who}")


def pauses_hold(history: History) -> Iterator[Finding]:
    """I9: no claim raises the fence of a job that is paused or invalid, and no handler starts with such a fence."""
    unclaimable: dict[tuple[int, int], Change] = {}
    for change in history.of("schedule_jobs"):
        old, new = change.old or {}, change.new or {}
        if change.op == "UPDATE" and new["fence"] > old["fence"] and new["status"] in ("paused", "invalid"):
            unclaimable[new["id"], new["fence"]] = change
            yield Finding("I9", f"job {new['id']}", f"claimed with fence {new['fence']} while {new['status']} (seq {change.seq})")
    for effect in history.effects:
        if effect.event == "start" and (effect.job_id, effect.fence) in unclaimable:
            yield Finding("I9", f"job {effect.job_id}", f"execution {effect.execution_id} started while it was paused")
