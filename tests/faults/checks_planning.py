"""What must hold between schedules and rows: I2 (no planned time is lost) and I12 (the queue stays short)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.faults.findings import Finding
from tests.faults.history import Change, History, interval_seconds, seconds

POISON = "poison"
EXACT = 0.002
BEHIND_SECONDS = 8.0
STUCK_SECONDS = 12.0
PLANNED = ("schedule", "catchup")


def none_is_lost(history: History) -> Iterator[Finding]:
    """I2: whenever a daemon moves next_run_at on, the rows of the same commit stand for all that it passed over.

    With each first value being the first planned time after its planning, the rows of a job cover anchor + k * interval
    without a gap from one edit to the next.
    """
    rows = rows_by_commit(history)
    active_since: dict[int, float] = {}
    for change in history.of("schedule_jobs"):
        if change.op == "INSERT" or change.status[0] != "active":
            active_since[change.row["id"]] = change.at
        if change.op == "UPDATE" and change.by_daemon and not is_poison(change.row):
            yield from moved_on(change, rows, active_since.get(change.row["id"], 0.0))
    yield from planned_to_the_end(history)
    yield from every_row_is_there(history)


def is_poison(job: dict[str, Any]) -> bool:
    return str(job["name"]).startswith(POISON)


def rows_by_commit(history: History) -> dict[tuple[str, int], list[dict[str, Any]]]:
    found: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for change in history.of("job_executions"):
        if change.op == "INSERT" and change.row["trigger"] in PLANNED:
            found[change.xact, change.row["job_id"]].append(change.row)
    return found


def moved_on(
    change: Change, rows: dict[tuple[str, int], list[dict[str, Any]]], active_since: float
) -> Iterator[Finding]:
    """Judge what a daemon wrote into a job's row; a one-off whose moment came while it was paused may be set aside."""
    old, new = change.old or {}, change.new or {}
    subject = f"job {new['id']} {new['name']}"
    if new["status"] == "invalid":
        due = seconds(new["run_at"]) if new["run_at"] else None
        reason = f"set aside as invalid: {new['last_error']}"
        if due is None or due > active_since + EXACT:
            yield Finding("I2", subject, reason)
        return
    if old["next_run_at"] == new["next_run_at"]:
        return
    was = None if old["next_run_at"] is None else seconds(old["next_run_at"])
    now_at = None if new["next_run_at"] is None else seconds(new["next_run_at"])
    every, planned_at = interval_seconds(new["interval"]), seconds(new["planned_at"])
    if every is not None and now_at is not None:
        steps = (now_at - seconds(new["anchor_at"])) / every
        if abs(steps - round(steps)) * every > EXACT:
            yield Finding("I2", subject, f"next_run_at {new['next_run_at']} is not anchor + k * {every:g} s")
        before = now_at - every  # none comes before the first step: an edit may get in after a planning's clock was read
        if now_at <= planned_at or (before > planned_at + EXACT and before > seconds(new["anchor_at"]) + EXACT):
            yield Finding("I2", subject, f"next_run_at {new['next_run_at']} is not the first after {new['planned_at']}")
    if every is not None and now_at is None:
        yield Finding("I2", subject, f"a daemon left it without a planned time (seq {change.seq})")
    if was is not None:
        expected = {round(was, 3)} if every is None or now_at is None else steps_between(was, now_at, every)
        written = covered(rows.get((change.xact, new["id"]), []), every)
        if sorted(expected) != sorted(written):
            yield Finding("I2", subject, f"planned times passed over {sorted(expected)}, rows stand for {sorted(written)} "
                                         f"(seq {change.seq})")


def steps_between(first: float, end: float, every: float) -> set[float]:
    return {round(first + step * every, 3) for step in range(round((end - first) / every))}


def covered(rows: list[dict[str, Any]], every: float | None) -> list[float]:
    """Return each planned time that these rows stand for; doubles stay in."""
    return [round(seconds(row["scheduled_for"]) - step * (every or 0), 3)
            for row in rows for step in range(row["missed_count"] + 1)]


def planned_to_the_end(history: History) -> Iterator[Finding]:
    """I2: after a while without faults no active job is behind."""
    for job in history.jobs:
        if job["status"] != "active" or is_poison(job) or interval_seconds(job["interval"]) is None:
            continue
        if job["next_run_at"] is None or seconds(job["next_run_at"]) < history.stopped_at - BEHIND_SECONDS:
            yield Finding("I2", f"job {job['id']} {job['name']}", f"not planned since {job['next_run_at']}")


def every_row_is_there(history: History) -> Iterator[Finding]:
    """I2: what was inserted is still there, and what could have been claimed long ago has been."""
    there = {row["id"] for row in history.executions}
    removed = {change.row["id"] for change in history.of("job_executions") if change.op == "DELETE"}
    for change in history.of("job_executions"):
        if change.op == "INSERT" and change.row["id"] not in there | removed:
            yield Finding("I2", f"execution {change.row['id']}", "its row is gone")
    active = {job["id"] for job in history.jobs if job["status"] == "active" and not is_poison(job)}
    claimed: dict[int, float] = {}
    for change in history.changes:
        if change.is_claim:
            claimed[change.row["job_id"]] = change.at
    for row in history.executions:
        job_id, waits_since = row["job_id"], max(seconds(row["available_at"]), seconds(row["created_at"]))
        late = history.stopped_at - max(waits_since, claimed.get(job_id, 0.0))
        if row["status"] == "queued" and job_id in active and late > STUCK_SECONDS:
            yield Finding("I2", f"execution {row['id']} of job {job_id}", f"claimable for {late:.1f} s and not claimed")


def queue_is_short(history: History) -> Iterator[Finding]:
    """I12: at most one scheduled row of a job waits, unless its policy is to run all."""
    policies = {change.row["id"]: change.row["misfire_policy"] for change in history.of("schedule_jobs")}
    waiting: dict[int, set[int]] = defaultdict(set)
    by_hand = {change.row["id"] for change in history.of("job_executions")
               if change.op == "UPDATE" and change.status[1] == "queued" and not change.by_daemon}
    for change in history.of("job_executions"):
        row = change.row
        job_id = row["job_id"]
        if job_id is None or row["trigger"] not in PLANNED or row["id"] in by_hand or policies.get(job_id) == "run_all":
            continue
        waiting[job_id].add(row["id"]) if change.status[1] == "queued" else waiting[job_id].discard(row["id"])
        if len(waiting[job_id]) > 1:
            yield Finding("I12", f"job {job_id}", f"executions {sorted(waiting[job_id])} wait at seq {change.seq}")
