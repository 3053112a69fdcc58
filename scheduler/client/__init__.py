"""The Python door: jobs, schedules and executions as objects, and functions as handlers."""

from scheduler.client.aio import AsyncJob, AsyncRun, AsyncScheduler
from scheduler.client.jobs import Job, Run, Stats
from scheduler.client.sync import Scheduler, Status
from scheduler.client.when import When, at, by_hand, cron, daily, every

__all__ = [
    "AsyncJob", "AsyncRun", "AsyncScheduler", "Job", "Run", "Scheduler", "Stats", "Status", "When", "at", "by_hand", "cron",
    "daily", "every",
]
