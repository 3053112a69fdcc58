"""When a job runs, how often at most, and after which others: one sentence, the same at every door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.errors import ScheduleError
from scheduler.queries.schedules import Surroundings
from scheduler.rules.words import schedule_in_words
from scheduler.words import language, say

Row = Mapping[str, Any]
PLAN = ("interval", "specific_times", "cron_expression", "run_at")


def job_in_words(job: Row, around: Surroundings, edges: Sequence[Row] = ()) -> str:
    """Say when a job runs: its schedule, how often at most, and after which others. A schedule's fault takes its place."""
    try:
        words = schedule_in_words(around.schedule_of(job), language())
    except ScheduleError as error:
        return str(error).splitlines()[0]
    if job["max_runs"] is not None:
        words += say(f", {job['max_runs']}번까지", f", at most {job['max_runs']} times")
    if not edges:
        return words
    after = ", ".join(edge_in_words(edge) for edge in edges)
    return after if all(job[column] is None for column in PLAN) else f"{words}, {after}"


def edge_in_words(edge: Row) -> str:
    """Say what an edge waits for: ``쿠팡 주문 성공 뒤``, ``after 쿠팡 주문 failed``."""
    name = edge["depends_on_name"]
    if edge["outcome"] == "failure":
        return say(f"{name} 실패 뒤", f"after {name} failed")
    if edge["condition"] == "ever":
        return say(f"{name} 한 번이라도 성공 뒤", f"after {name} has ever succeeded")
    return say(f"{name} 성공 뒤", f"after {name}")
