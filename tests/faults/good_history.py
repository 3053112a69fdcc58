"""A small history without any fault in it, to be broken in every way: a story told step by step, as the tables would note it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.faults.history import DAEMON, Change, Effect, History

T0 = 1_800_000_000.0
EVERY = 4.0
PID, PROCESS_START = 4242, 99


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


class Story:
    """Tells what a daemon and handlers do with two jobs, and keeps the history."""

    def __init__(self) -> None:
        self.history = History(up=[(T0 - 10, T0 + 100)])
        self.jobs: dict[int, dict[str, Any]] = {}
        self.executions: dict[int, dict[str, Any]] = {}
        self.locks: dict[int, dict[str, Any]] = {}
        self.numbers = 0

    def note(self, at: float, who: str, tab: str, op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        changes = self.history.changes
        changes.append(Change(len(changes) + 1, at, f"x{at:.3f}", who, tab, op, old and dict(old), new and dict(new)))

    def insert_job(self, at: float, job_id: int, **columns: Any) -> None:
        self.jobs[job_id] = {
            "id": job_id, "name": f"job-{job_id}", "status": "active", "interval": "00:00:04", "run_at": None, "fence": 0,
            "next_run_at": None, "anchor_at": moment(at), "planned_at": None, "created_at": moment(at), "max_retries": 1,
            "misfire_policy": "run_once", "spec_version": 1, "planned_version": 0, "last_error": None, **columns,
        }
        self.note(at, "operator", "schedule_jobs", "INSERT", None, self.jobs[job_id])

    def edit_job(self, at: float, job_id: int, who: str, **columns: Any) -> None:
        old = dict(self.jobs[job_id])
        self.jobs[job_id] |= columns
        self.note(at, who, "schedule_jobs", "UPDATE", old, self.jobs[job_id])

    def plan(self, at: float, job_id: int, missed: int = 0) -> int:
        """Queue what is due, with *missed* planned times folded in, and move on. Returns the execution."""
        job = self.jobs[job_id]
        number = 0
        if job["next_run_at"] is None:
            following = T0 + EVERY
        else:
            due = datetime.fromisoformat(job["next_run_at"]).timestamp() + missed * EVERY
            number = self.queue(at, job_id, due, 1, "schedule", missed_count=missed)
            following = due + EVERY
        self.edit_job(at, job_id, f"{DAEMON} work", next_run_at=moment(following), planned_at=moment(at), planned_version=1)
        return number

    def queue(self, at: float, job_id: int | None, due: float, attempt: int, trigger: str, **columns: Any) -> int:
        self.numbers += 1
        self.executions[self.numbers] = {
            "id": self.numbers, "job_id": job_id, "slot": 0, "status": "queued", "trigger": trigger, "attempt": attempt,
            "scheduled_for": moment(due), "available_at": moment(at), "created_at": moment(at), "missed_count": 0,
            "failed_attempts": attempt - 1, "token": None, "fence": None, "lease_expires_at": None, "error_class": None,
            **columns,
        }
        self.note(at, f"{DAEMON} work", "job_executions", "INSERT", None, self.executions[self.numbers])
        return self.numbers

    def edit_execution(self, at: float, number: int, who: str, **columns: Any) -> None:
        old = dict(self.executions[number])
        self.executions[number] |= columns
        self.note(at, who, "job_executions", "UPDATE", old, self.executions[number])

    def claim(self, at: float, number: int) -> None:
        job = self.jobs[self.executions[number]["job_id"]]
        self.edit_job(at, job["id"], f"{DAEMON} work", fence=job["fence"] + 1)
        token = f"token-{job['id']}-{job['fence']}"
        self.locks[job["id"]] = {"job_id": job["id"], "slot": 0, "execution_id": number, "token": token, "fence": job["fence"]}
        self.note(at, f"{DAEMON} work", "schedule_locks", "INSERT", None, self.locks[job["id"]])
        self.edit_execution(at, number, f"{DAEMON} work", status="running", token=token, fence=job["fence"],
                            lease_expires_at=moment(at + 4))

    def effect(self, at: float, number: int, event: str) -> None:
        row = self.executions[number]
        due = datetime.fromisoformat(row["scheduled_for"]).timestamp()
        self.history.effects.append(Effect(at, event, row["job_id"], number, due, row["attempt"], row["fence"], PID,
                                           PROCESS_START, "a"))

    def close(self, at: float, number: int, status: str, error_class: str | None = None) -> None:
        job_id = self.executions[number]["job_id"]
        self.note(at, f"{DAEMON} record", "schedule_locks", "DELETE", self.locks.pop(job_id), None)
        self.edit_execution(at, number, f"{DAEMON} record", status=status, error_class=error_class, lease_expires_at=None)

    def work(self, at: float, number: int, status: str = "success") -> None:
        """Claim it, let the handler live for half a second, and close it."""
        self.claim(at, number)
        self.effect(at + 0.05, number, "start")
        self.effect(at + 0.3, number, "beat")
        if status == "success":
            self.effect(at + 0.5, number, "end")
        self.close(at + 0.55, number, status, None if status == "success" else "ValueError")

    def finish(self, at: float) -> History:
        self.history.stopped_at = at
        self.history.jobs = [dict(job) for job in self.jobs.values()]
        self.history.executions = [dict(row) for row in self.executions.values()]
        return self.history


def good_story() -> Story:
    """Two jobs; one occurrence on time, one with a retry, one lost and tried again, two folded into one, a pause."""
    story = Story()
    story.insert_job(T0, 1)
    story.insert_job(T0, 2, interval=None)
    story.plan(T0 + 0.1, 1)
    story.work(T0 + 4.2, story.plan(T0 + 4.1, 1))
    failed = story.plan(T0 + 8.1, 1)
    story.work(T0 + 8.2, failed, "failed")
    story.work(T0 + 9.5, story.queue(T0 + 8.75, 1, T0 + 8, 2, "retry"))
    lost = story.plan(T0 + 12.1, 1)
    story.work(T0 + 12.2, lost, "lost")
    story.work(T0 + 13.9, story.queue(T0 + 12.75, 1, T0 + 12, 2, "retry"))
    story.work(T0 + 20.2, story.plan(T0 + 20.1, 1, missed=1))
    by_hand = story.queue(T0 + 21, 2, T0 + 21, 1, "manual")
    story.edit_job(T0 + 21.5, 2, "operator", status="paused")
    story.edit_job(T0 + 22.5, 2, "operator", status="active")
    story.work(T0 + 22.6, by_hand)
    return story
